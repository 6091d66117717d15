"""Damage where gold is built: what is built anew is not read, and of what is read each file must be as it was committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.calendars import next_month
from assay.errors import TableDamaged
from assay.gold.calendars import months_between, reach_of
from assay.lake.damage import damaged_files, refuse_changed, refuse_damaged
from assay.lake.slices import WHOLE
from assay.lake.snapshots import newest, partition_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
    from datetime import date
    from pathlib import Path

    from assay.gold.models import Model
    from assay.gold.step import GoldInputs
    from assay.lake.snapshots import DataFile

    Replaced = Mapping[str, Set[str]]


def damaged_models(lake: Path, models: Iterable[Model]) -> dict[str, str]:
    """The models that cannot be planned, because the log of their table or of one that they read is damaged: which, in a sentence."""
    found: dict[str, str] = {}
    for model in models:
        try:
            for table in (model.table, *model.depends_on):
                newest(lake, table)
        except TableDamaged as error:
            found[model.name] = str(error)
    return found


def replaced_by(inputs: GoldInputs, building: Sequence[Model], months: Sequence[date], due: Mapping[str, Set[date | None]]) -> Replaced:
    """The partitions that a build of some months need not read, by table: its own, and damaged ones that are built after it."""
    own = {month.isoformat() for month in months_between(months[0], next_month(months[-1]))} if months else {WHOLE.key}
    found = dict[str, set[str]]()
    for model in building:
        snapshot = inputs.snapshots[model.table]
        damaged = {partition_key(one.file) for one in damaged_files(snapshot) if one.file} if snapshot else set()
        found[model.table] = own | damaged & {month.isoformat() for month in due[model.name] if month}
    return found


def refuse_damaged_inputs(inputs: GoldInputs, building: Sequence[Model], months: Sequence[date], replaced: Replaced) -> None:
    """Raise TableDamaged for a file that a build opens and that is not there, and for other bytes in one that its months are made from."""
    tables = dict.fromkeys(table for model in building for table in (*model.depends_on, model.table))
    for snapshot in (inputs.snapshots[table] for table in tables):
        if snapshot:
            refuse_damaged(snapshot, [file for file in snapshot.files if partition_key(file) not in replaced.get(snapshot.name, ())])
    for model in building:
        for table in model.depends_on:
            snapshot = inputs.snapshots[table]
            if snapshot and table not in replaced:
                refuse_changed(snapshot, _in_reach(inputs, model, months, table))


def _in_reach(inputs: GoldInputs, model: Model, months: Sequence[date], table: str) -> Iterator[DataFile]:
    """The files of a table that some months of a model are made from; all, where one of the two has no months."""
    snapshot, own = inputs.snapshots[table], inputs.calendars.get(model.table)
    assert snapshot is not None  # noqa: S101  # the caller looked
    if own is None or inputs.calendars.get(table) is None or not months:
        yield from snapshot.files
        return
    near = (file for month in months for file in reach_of(model, month, own).near(snapshot.files))
    yield from {file.path: file for file in near}.values()
