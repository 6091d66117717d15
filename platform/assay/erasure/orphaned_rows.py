"""Orphaned rows: what quarantine and claims keep of publications that nobody names, such as those of a writer who was overtaken.

They say of a row only where it landed. Whose it is, bronze tells, and of a content that bronze has forgotten nobody: an erasure that takes
the last file of a content takes with it what is left of other people's rows of it, or those who leave later would not be found there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from assay.erasure.person_search import contents_in, contents_known, made_from_others
from assay.lake.claims import claims_table
from assay.lake.foreign import BESIDE
from assay.lake.publisher import Provenance
from assay.lake.quarantine.store import Quarantine, unseen_files, visible_files
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from assay.contracts.model.contract import Contract
    from assay.lake.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class Beside:
    """The tables beside some datasets as they were before a fence was raised: whoever stored what is in them names it by then, or never."""

    lake: Path
    before: Mapping[str, Snapshot]

    @classmethod
    def pin(cls, lake: Path, datasets: Iterable[str]) -> Beside:
        """Open them. What comes later is of writers who have read nothing of the person."""
        names = [f"{layer}/{dataset}" for dataset in datasets for layer in BESIDE]
        return cls(lake, {name: there for name in names if (there := newest(lake, name)) is not None})

    def drop_orphans(self, fence: int) -> None:
        """Take out what no publication names, now that the fence is raised. Raises Fenced when another erasure has begun since."""
        for name, there in self.before.items():
            layer, _, dataset = name.partition("/")
            orphans = unseen_files(there, newest(self.lake, f"silver/{dataset}"), newest(self.lake, f"bronze/{dataset}"))
            table = claims_table(self.lake, dataset) if layer == "claims" else Quarantine(self.lake, dataset)
            table.clear(orphans, Provenance(fence=fence))


def untold(lake: Path, contract: Contract) -> frozenset[str]:
    """The partitions of silver that were made from other rows than bronze has now, and of which readers see rows of a content that it has
    forgotten: nobody can tell whose those are until the partition is made again.
    """
    silver, bronze = (newest(lake, f"{layer}/{contract.dataset}") for layer in ("silver", "bronze"))
    stale, found = made_from_others(silver, bronze, contract), dict[str, set[str]]()
    for layer in BESIDE if stale else ():
        there = newest(lake, f"{layer}/{contract.dataset}")
        for file in visible_files(there, {"": silver}) if there else ():
            if (key := file.values[0]) in stale:
                found.setdefault(key, set()).update(contents_in(Path(file.path), "source_hash"))
    known = contents_known(lake, contract.dataset) if found else set()
    return frozenset(key for key, contents in found.items() if not contents <= known)


def of_forgotten_contents(lake: Path, name: str) -> Callable[[Path], bool]:
    """Whether a file of a table has rows of a content that no file of bronze has, of the newest version or an old one.

    Bronze is read once, when the first file is asked about.
    """
    layer, _, dataset = name.partition("/")
    if layer not in BESIDE:
        return lambda _: False

    @cache
    def known() -> set[str]:
        return contents_known(lake, dataset)

    return lambda path: not contents_in(path, "source_hash") <= known()
