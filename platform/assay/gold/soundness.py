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
    from collections.abc import Iterable, Mapping, Sequence, Set
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


def replaced_by(inputs: GoldInputs, building: Sequence[Model], months: Sequence[date]) -> Replaced:
    """The partitions that a build of some months does not read, by table: its own, and damaged ones of what it builds.

    These are due as well, but maybe in another run: two damaged months would wait for each other.
    """
    own, found = _own(months), dict[str, set[str]]()
    for model in building:
        snapshot = inputs.snapshots[model.table]
        found[model.table] = own | {partition_key(one.file) for one in (damaged_files(snapshot) if snapshot else ()) if one.file}
    return found


def refuse_damaged_inputs(inputs: GoldInputs, building: Sequence[Model], months: Sequence[date], replaced: Replaced) -> None:
    """Raise TableDamaged for a file that a build opens and that is not there, and for other bytes in one that its months are made from."""
    tables = dict.fromkeys(table for model in building for table in (*model.depends_on, model.table))
    for snapshot in (inputs.snapshots[table] for table in tables):
        if snapshot:
            refuse_damaged(snapshot, [file for file in snapshot.files if partition_key(file) not in replaced.get(snapshot.name, ())])
    own = _own(months)
    for model in building:
        for table in model.depends_on:
            if snapshot := inputs.snapshots[table]:
                made = own if table in replaced else set()
                refuse_changed(snapshot, [file for file in _in_reach(inputs, model, months, table) if partition_key(file) not in made])


def _own(months: Sequence[date]) -> set[str]:
    return {month.isoformat() for month in months_between(months[0], next_month(months[-1]))} if months else {WHOLE.key}


def _in_reach(inputs: GoldInputs, model: Model, months: Sequence[date], table: str) -> Sequence[DataFile]:
    """The files of a table that some months of a model are made from; all, where one of the two has no months."""
    snapshot, own, calendar = inputs.snapshots[table], inputs.calendars.get(model.table), inputs.calendars.get(table)
    assert snapshot is not None  # noqa: S101  # the caller looked
    if own is None or calendar is None or not months:
        return snapshot.files
    reaches = [reach_of(model, month, own) for month in months]
    found = (file for reach in reaches for file in reach.near(snapshot.files) if reach.holds(calendar, file))
    return [*{file.path: file for file in found}.values()]
