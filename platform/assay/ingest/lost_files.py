"""Lost: the landing files whose rows nothing has any more, because landing was archived and what bronze had of them is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import TableDamaged
from assay.ingest.landing import Told
from assay.lake.checking import as_read_by
from assay.lake.damage import ASIDE, hint_of
from assay.lake.foreign import before_it_was_altered, noted_of
from assay.lake.manifest import manifest_of
from assay.lake.snapshots import newest, partition_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.lake.damage import Damage
    from assay.steps import Run

UNKNOWN = "files of which nobody knows the names"


def lost_with_file(run: Run, contract: Contract, damage: Damage) -> Sequence[str]:
    """The landing files that only a damaged data file of bronze has the rows of."""
    table = newest(run.lake, f"bronze/{contract.dataset}")
    if table is None or damage.file is None:
        return []
    key = partition_key(damage.file)
    if key in before_it_was_altered(table, [key]):
        return []
    noted = noted_of(table, key).get("files")
    return [UNKNOWN] if noted is None else _not_landed(run, contract, ((name, digest) for name, digest in noted))


def lost_with_log(run: Run, contract: Contract) -> Sequence[str]:
    """The landing files of which only data files of bronze have the rows; which of these its log named nobody may know any more."""
    found = set[tuple[str, str]]()
    for path in (run.lake / f"bronze/{contract.dataset}").rglob("*.parquet"):
        if ASIDE in path.parts or not path.is_file():
            continue
        try:
            found |= {(name, one.hash) for one in manifest_of(str(path)).sources for name in one.names}
        except TableDamaged:
            found.add((UNKNOWN, ""))
    return _not_landed(run, contract, found)


def refuse_forgotten(lake: Path, contract: Contract) -> None:
    """Raise TableDamaged if bronze is gone from which silver was made: beginning anew would lose what was archived, and nobody told."""
    name = f"bronze/{contract.dataset}"
    if why := as_read_by(lake, name, f"silver/{contract.dataset}"):
        raise TableDamaged(f"Tried to begin {name} anew; {why}.", hint=hint_of(name))


def _not_landed(run: Run, contract: Contract, files: Iterable[tuple[str, str]]) -> list[str]:
    there = Told.look(run.landing, contract, run.linked)
    return sorted({name for name, digest in files if not there.has(name, digest)})
