"""What every step of the lake shares: what it is told of its run, and what it says became of each partition.

A step is a function of (inputs, code, contract) for a slice of one table. It decides partition by partition: publish, leave as it is, or
refuse. Nothing here knows Dagster; `orchestration` turns outcomes into events.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.settings import SecretReference, Settings

Item = TypeVar("Item")

CHUNK_ROWS = 125_000
BATCH_BYTES = 8 << 20  # what is held at once of an arrival or a partition that is too large to be held as a whole
COMMIT_BYTES = 64 << 20  # chunks are committed together until they have so many bytes: a commit costs as much as refining 50,000 rows


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: where the lake and the landing folder are, the contracts, and whether unchanged partitions are built again.

    `keys` says where the masking keys are, `linked` where links in the landing folder may lead. `now` is the time that it is: files of a
    later day are not there yet; without it all are. What is larger than `batch_bytes` is worked on in batches of about so
    many. `index` is the file in which is kept what was found out of landing files; without one each process finds out for itself.
    """

    lake: Path
    landing: Path
    contracts: Mapping[str, Contract]
    run_id: str = ""
    force: bool = False
    keys: SecretReference | None = None
    now: datetime | None = None
    linked: tuple[Path, ...] = ()
    index: Path | None = None
    batch_bytes: int = BATCH_BYTES

    @classmethod
    def of(cls, settings: Settings, contracts: Mapping[str, Contract]) -> Run:
        """What the settings say of each execution."""
        return cls(
            settings.lake, settings.landing, contracts, keys=settings.masking_keys, linked=settings.landing_links,
            index=settings.landing_index, batch_bytes=settings.batch_bytes or BATCH_BYTES,
        )  # fmt: skip


class Status(StrEnum):
    """What became of a partition."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One partition after a step. `facts` are worth showing (rows, versions); `broken` counts rows by rule; `refusal` says why not."""

    key: str
    status: Status
    rows: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    refusal: str | None = None


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items in the same order, the next one being made in a thread while the caller works on the last.

    So a step computes a chunk while the one before is written and synced. Two items are held at once, never more. An error in making one
    is raised when it is asked for, after the caller has finished with those before it.
    """
    source = iter(items)

    def make() -> list[Item]:
        return list(islice(source, 1))

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(make)
        while made := coming.result():
            coming = pool.submit(make)
            yield made.pop()


def give_back_memory() -> None:
    """Give the system what Arrow keeps for its next table: after the chunks of a step that is hundreds of megabytes."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def in_groups(items: Iterable[Item], size: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """The items in their order, in groups that are cut once they have `most` together.

    If an item cannot be made, those before it still come as a group before the error is raised.
    """
    group, total = list[Item](), 0
    try:
        for item in items:
            group.append(item)
            total += size(item)
            if total >= most:
                yield group
                group, total = [], 0
    except Exception:
        if group:
            yield group
        raise
    if group:
        yield group
