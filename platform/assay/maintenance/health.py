"""Table health: numbers by which it is seen that a table grows without holding more, and from when on that is worth a word."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from assay.lake.log import CHECKPOINT_EVERY, LOG
from assay.lake.log_entries import checkpoints_of, versions_of
from assay.lake.snapshots import open_snapshot
from assay.maintenance.vacuum import data_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL_BYTES = 16 << 20  # of a data file: below it a reader spends its time on opening files
MANY_FILES = 50  # small ones, in one partition
MANY_ENTRIES = 2 * CHECKPOINT_EVERY  # since the newest checkpoint: whoever opens the table reads each
DEAD_BYTES = 100 << 20  # below it nobody minds


@dataclass(frozen=True, slots=True)
class Health:
    """A table: its partitions and files now, the most files that one partition has, those of them that are small in partitions that have
    several; its log; and the bytes on the disk that its newest version names, and does not name.
    """

    partitions: int
    files: int
    most_files: int
    small_files: int
    log_entries: int
    since_checkpoint: int
    log_bytes: int
    live_bytes: int
    dead_bytes: int

    @classmethod
    def of(cls, lake: Path, name: str) -> Health:
        """Look at a table. Raises TableDamaged if it cannot be read."""
        snapshot = open_snapshot(lake, name)
        log, live = snapshot.folder / LOG, {file.path for file in snapshot.files}
        by_partition = Counter(file.values for file in snapshot.files)
        small = sum(file.size < SMALL_BYTES and by_partition[file.values] > 1 for file in snapshot.files)
        versions, summed = versions_of(log), max(checkpoints_of(log), default=-1)
        return cls(
            partitions=len(by_partition),
            files=len(snapshot.files),
            most_files=max(by_partition.values(), default=0),
            small_files=small,
            log_entries=len(versions),
            since_checkpoint=sum(version > summed for version in versions),
            log_bytes=sum(path.stat().st_size for path in log.iterdir() if path.is_file()),
            live_bytes=sum(file.size for file in snapshot.files),
            dead_bytes=sum(path.stat().st_size for path in data_files(snapshot.folder) if str(path) not in live),
        )

    @property
    def numbers(self) -> dict[str, int]:
        """All of it, by name."""
        return asdict(self)

    @property
    def complaints(self) -> Iterator[str]:
        """What is worth a word."""
        if self.most_files > MANY_FILES and self.small_files > MANY_FILES:
            yield f"{self.small_files} small files, up to {self.most_files} in a partition"
        if self.since_checkpoint > MANY_ENTRIES:
            yield f"{self.since_checkpoint} entries of the log since its checkpoint"
        if self.dead_bytes > max(DEAD_BYTES, self.live_bytes):
            yield f"{self.dead_bytes / 1e6:.0f} MB of old files beside {self.live_bytes / 1e6:.0f} MB"
