"""The landing index: what is known of files that landed outlives the process, and is believed only of files that are as they were.

Whatever is wrong with the index, a plan says what it would say without one.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from live_market import Market, rows, stall

from assay.contracts.reading.odcs import load_contracts
from assay.ingest import arrived, bronze_contents, folders, landing_file, landing_index
from assay.ingest.bronze import bronze_spec
from assay.ingest.folders import one_look
from assay.ingest.landing import landed
from assay.ingest.landing_index import Row
from assay.ingest.step import arrivals_at, ingest
from assay.lake.bounded_cache import BoundedCache
from assay.lake.foreign import files_by_key
from assay.lake.snapshots import open_snapshot
from assay.orchestration.calendars import arrivals_of
from assay.orchestration.partitions import slice_of
from assay.steps import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from assay.contracts.model.contract import Contract
    from assay.lake.snapshots import DataFile, Snapshot

DAYS = ("2024-03-01", "2024-03-02", "2024-03-03")
NOW = datetime(2024, 3, 5, 12, tzinfo=UTC)
AT_REST = 0.05  # seconds: here a file is at rest sooner, so that no test waits


class Zone:
    """A landing folder, bronze and an index, looked at by one process after the other."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, contract: str) -> None:
        self.market = Market.open(home, sales=contract)
        self.read: list[str] = []
        hash_ = landing_file._hash

        def counted(path: Path) -> object:
            self.read.append(path.name)
            return hash_(path)

        monkeypatch.setattr(landing_file, "_hash", counted)
        monkeypatch.setattr(landing_file, "SETTLED_NS", int(AT_REST * 1e9))

    @property
    def index(self) -> Path:
        found: Path = self.market.settings.landing_index
        return found

    @property
    def contract(self) -> Contract:
        return load_contracts(self.market.home / "contracts")["sales"]

    @property
    def run(self) -> Run:
        settings, contracts = self.market.settings, {"sales": self.contract}
        return Run(settings.lake, settings.landing, contracts, now=NOW, index=self.index)

    def land(self, name: str, text: str) -> Path:
        found: Path = self.market.land(f"sales/{name}", text)
        return found

    def rest(self) -> None:
        """Wait until a file that is written now gets another time than those that are there."""
        time.sleep(2 * AT_REST)

    def ingest(self) -> dict[str, str]:
        """Make bronze of every arrival, and say what became of each."""
        contract, definition = self.contract, arrivals_of(self.contract)
        keys = list(self.look())
        slice_ = slice_of(definition, keys, bronze_spec(contract))
        return {one.key: str(one.status) for one in ingest(self.run, contract, slice_)}

    def look(self, run: Run | None = None) -> dict[str, bool]:
        """Plan as a new process does: by arrival, whether it is due. `read` says of which files the content was read for that."""
        forget()
        self.read.clear()
        return self.look_again(run)

    def look_again(self, run: Run | None = None) -> dict[str, bool]:
        """Plan in the same process."""
        wanted, stands = arrivals_at(run or self.run, self.contract, lambda _: True, NOW)
        return {key: wanted[key] != stands[key] for key in wanted}


def forget() -> None:
    """What a process knows when it begins."""
    arrived._known.clear()
    folders._last = BoundedCache(lambda folder: len(folder.marks), folders.MOST_NAMES)
    landing_file._hash_once.cache_clear()


@pytest.fixture
def zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    """Three days that are in bronze, and known to the index."""
    zone = Zone(tmp_path, monkeypatch, stall())
    for day in DAYS:
        zone.land(f"sales_{day}.csv", rows(1, day=day))
    zone.rest()
    assert zone.ingest() == dict.fromkeys(DAYS, "published")
    assert zone.look() == dict.fromkeys(DAYS, False)
    zone.read.clear()
    yield zone
    forget()


NOTHING_DUE = dict.fromkeys(DAYS, False)


def test_a_new_process_reads_no_file_that_it_can_know(zone: Zone) -> None:
    assert zone.look() == NOTHING_DUE
    assert zone.read == []


def test_without_an_index_each_process_reads_them_all(zone: Zone) -> None:
    assert zone.look(replace(zone.run, index=None)) == NOTHING_DUE
    assert len(zone.read) == len(DAYS)
    zone.read.clear()
    assert zone.look_again(replace(zone.run, index=None)) == NOTHING_DUE
    assert zone.read == [], "the same process knows them"


def test_of_a_new_file_only_its_own_content_is_read(zone: Zone) -> None:
    zone.land("sales_2024-03-04.csv", rows(4, day="2024-03-04"))
    zone.rest()
    assert zone.look() == {**NOTHING_DUE, "2024-03-04": True}
    assert zone.read == ["sales_2024-03-04.csv"]
    assert zone.look() == {**NOTHING_DUE, "2024-03-04": True}
    assert zone.read == [], "known before bronze has it"


def in_place(file: Path) -> None:
    file.write_text(rows(7, day=DAYS[1]))


def in_place_of_its_size_with_its_time(file: Path) -> None:
    before = file.stat()
    file.write_text(rows(7, day=DAYS[1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def by_another_file(file: Path) -> None:
    before, other = file.stat(), file.with_name(".other")
    other.write_text(rows(7, day=DAYS[1]))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(file)


@pytest.mark.parametrize("change", [in_place, in_place_of_its_size_with_its_time, by_another_file])
@pytest.mark.parametrize("cold", [True, False])
def test_a_file_with_another_content_is_seen(zone: Zone, change: Callable[[Path], None], *, cold: bool) -> None:
    change(zone.market.settings.landing / f"sales/sales_{DAYS[1]}.csv")
    assert (zone.look if cold else zone.look_again)() == {**NOTHING_DUE, DAYS[1]: True}
    zone.rest()
    assert (zone.look if cold else zone.look_again)() == {**NOTHING_DUE, DAYS[1]: True}
    assert zone.ingest()[DAYS[1]] == "published"
    assert open_snapshot(zone.run.lake, "bronze/sales").scan().collect()["quantity"].sort().to_list() == ["1", "1", "7"]


def test_the_same_content_again_is_read_and_changes_nothing(zone: Zone) -> None:
    file = zone.market.settings.landing / f"sales/sales_{DAYS[0]}.csv"
    file.write_bytes(file.read_bytes())
    zone.rest()
    assert zone.look() == NOTHING_DUE
    assert zone.read == [file.name]


def test_what_was_written_a_moment_ago_is_not_believed(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing_file, "SETTLED_NS", 60_000_000_000)
    assert zone.look() == NOTHING_DUE
    assert zone.look() == NOTHING_DUE
    assert len(zone.read) == len(DAYS), "within the resolution of a clock a file may be written twice at one time"


def test_with_a_clock_that_was_set_back_nothing_is_believed_that_it_has_not_come_to_again(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = time.time_ns() - 3_600_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: before)
    assert zone.look() == NOTHING_DUE
    assert len(zone.read) == len(DAYS)
    monkeypatch.undo()
    assert zone.look() == NOTHING_DUE


def cut(index: Path) -> None:
    os.truncate(index, index.stat().st_size // 2)


def emptied(index: Path) -> None:
    os.truncate(index, 0)


def another_file(index: Path) -> None:
    index.write_text("no database " * 1000)


def scribbled(index: Path) -> None:
    content = bytearray(index.read_bytes())
    for place in range(4096, len(content), 97):
        content[place] ^= 0xFF
    index.write_bytes(content)


def of_another_version(index: Path) -> None:
    with closing(sqlite3.connect(index)) as database:
        database.execute("DROP TABLE arrivals")
        database.execute("CREATE TABLE arrivals (other TEXT)")
        database.execute("PRAGMA user_version = 99")


def each_row_of_another_arrival(index: Path) -> None:
    with closing(sqlite3.connect(index)) as database, database:
        kept = database.execute("SELECT body FROM arrivals ORDER BY arrival").fetchall()
        for day, (body,) in zip(DAYS, [*kept[1:], kept[0]], strict=True):
            database.execute("UPDATE arrivals SET body = ? WHERE arrival = ?", (body, day))


def one_letter_of_each_row(index: Path) -> None:
    with closing(sqlite3.connect(index)) as database, database:
        for arrival, body in database.execute("SELECT arrival, body FROM arrivals").fetchall():
            database.execute("UPDATE arrivals SET body = ? WHERE arrival = ?", (body[:-1] + bytes([body[-1] ^ 1]), arrival))


def removed(index: Path) -> None:
    index.unlink()


def removed_with_its_folder(index: Path) -> None:
    shutil.rmtree(index.parent)


DAMAGES = [
    cut, emptied, another_file, scribbled, of_another_version, each_row_of_another_arrival, one_letter_of_each_row, removed,
    removed_with_its_folder,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_made_anew(zone: Zone, damage: Callable[[Path], None]) -> None:
    damage(zone.index)
    assert zone.look() == NOTHING_DUE
    assert len(zone.read) == len(DAYS), "nothing of it is believed"
    assert zone.look() == NOTHING_DUE
    assert zone.read == [], "it is whole again"


def test_the_index_of_another_landing_folder_is_not_believed(zone: Zone, tmp_path: Path) -> None:
    """Not even if files of the same name, inode and times lay there, as in a snapshot of the file system that went on otherwise."""
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(zone.run.landing, elsewhere)
    zone.rest()
    assert zone.look(replace(zone.run, landing=elsewhere)) == NOTHING_DUE
    assert len(zone.read) == len(DAYS)
    assert zone.look() == NOTHING_DUE
    assert zone.read == [], "each folder has its own rows"


def test_an_index_that_cannot_be_written_or_is_locked_hinders_nobody(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing_index, "PATIENCE_SECONDS", 0)
    zone.land("sales_2024-03-04.csv", rows(4, day="2024-03-04"))
    zone.rest()
    with closing(sqlite3.connect(zone.index, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert zone.look() == {**NOTHING_DUE, "2024-03-04": True}
    assert zone.index.exists()
    zone.index.unlink()
    zone.index.mkdir()
    assert zone.look() == {**NOTHING_DUE, "2024-03-04": True}


ROOT = Path("/landing")
WRITER = """
import sys
from pathlib import Path
from assay.ingest.landing_index import Row, save
index, number = Path(sys.argv[1]), 0
while True:
    number += 1
    save(index, Path("/landing"), "sales", {str(day): Row(bytes(16), number, "c", (), bytes(80) * 500) for day in range(40)})
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_an_index_that_can_be_read_and_written(tmp_path: Path) -> None:
    index = tmp_path / "cache/landing.sqlite"
    for pause in (0.0, 0.003, 0.011, 0.02):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(index)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        written = int(writer.stdout.readline())
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
        found = landing_index.load(index, ROOT, "sales")
        numbers = {row.newest_ns for row in found.values()}
        assert len(found) == 40
        assert len(numbers) == 1, "all of one commit"
        assert max(numbers) >= max([written, *map(int, rest.split())])
    landing_index.save(index, ROOT, "sales", {"0": Row(bytes(16), 7)})
    assert landing_index.load(index, ROOT, "sales")["0"].newest_ns == 7


def test_processes_that_write_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    index = tmp_path / "cache/landing.sqlite"
    save = (
        "import sys; from pathlib import Path; from assay.ingest.landing_index import Row, save\n"
        "for day in range(30): save(Path(sys.argv[1]), Path('/landing'), sys.argv[2], {str(day): Row(bytes(16), day)})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", save, str(index), name]) for name in ("sales", "fairs", "fruit")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert [len(landing_index.load(index, ROOT, name)) for name in ("sales", "fairs", "fruit")] == [30, 30, 30]


def test_the_index_is_private_and_tells_no_name(zone: Zone) -> None:
    before = os.umask(0o077)
    try:
        zone.index.unlink()
        zone.look()
    finally:
        os.umask(before)
    assert zone.index.stat().st_mode & 0o777 == 0o600
    assert b"sales_2024" not in zone.index.read_bytes()


def test_what_has_gone_from_landing_and_bronze_goes_from_the_index(zone: Zone) -> None:
    zone.land("sales_2024-03-04.csv", rows(4, day="2024-03-04"))
    zone.rest()
    zone.look()
    (zone.run.landing / "sales/sales_2024-03-04.csv").unlink()
    (zone.run.landing / f"sales/sales_{DAYS[0]}.csv").unlink()
    assert zone.look() == NOTHING_DUE, "bronze holds the rows of the archived file"
    assert {*landing_index.load(zone.index, zone.run.landing, "sales")} == {*DAYS}


def test_archived_files_are_told_by_their_partition_alone(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in DAYS:
        (zone.run.landing / f"sales/sales_{day}.csv").unlink()
    assert zone.look() == NOTHING_DUE

    def opened(path: str) -> object:
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr(bronze_contents, "manifest_of", opened)
    assert zone.look() == NOTHING_DUE


def test_rows_of_a_partition_that_another_tool_has_changed_are_due_whatever_the_index_says(zone: Zone) -> None:
    open_snapshot(zone.run.lake, "bronze/sales").table.delete(f"_arrival_date = '{DAYS[2]}'")
    assert zone.look() == {**NOTHING_DUE, DAYS[2]: True}


def test_the_newest_file_of_a_snapshot_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Zone(tmp_path, monkeypatch, stall(grain="none"))
    for day in DAYS:
        zone.land(f"sales_{day}.csv", rows(1, day=day))
    zone.rest()
    zone.look()
    assert zone.read == [f"sales_{DAYS[2]}.csv"]
    zone.look()
    assert zone.read == []
    zone.land("sales_2024-03-04.csv", rows(4, day="2024-03-04"))
    zone.look()
    assert zone.read == ["sales_2024-03-04.csv"]
    forget()


def test_one_look_lists_a_folder_once_and_the_next_look_sees_what_came(zone: Zone) -> None:
    source = zone.contract.source
    with one_look():
        before = landed(zone.run.landing, source)
        zone.land("sales_2024-03-04.csv", rows(4, day="2024-03-04"))
        assert landed(zone.run.landing, source) == before
    assert len(landed(zone.run.landing, source)) == len(before) + 1


def test_the_files_of_a_version_are_grouped_once_however_many_arrivals_there_are(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[str]()

    def counted(table: Snapshot) -> dict[str, list[DataFile]]:
        calls.append(table.name)
        return files_by_key(table)

    monkeypatch.setattr(bronze_contents, "files_by_key", counted)
    assert len(bronze_contents.Holdings(open_snapshot(zone.run.lake, "bronze/sales")).arrivals) == len(DAYS)
    assert calls == ["bronze/sales"]
