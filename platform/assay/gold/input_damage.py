"""Damage where gold is built: what is built anew is not read, and of what is read each file must be as it was committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.model.calendars import next_month
from assay.errors import TableUnreadable
from assay.gold.calendars import months_between, reach_of
from assay.lake.damage import damaged_files, refuse_changed, refuse_damaged
from assay.lake.slices import WHOLE
from assay.lake.snapshots import newest, partition_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence, Set
    from datetime import date
    from pathlib import Path

    from assay.gold.inputs import GoldInputs
    from assay.gold.models import Model
    from assay.lake.snapshots import DataFile

    Replaced = Mapping[str, Set[str]]


def damaged_models(lake: Path, models: Iterable[Model]) -> dict[str, str]:
    """The models that cannot be planned, because the log of their table or of one that they read is damaged: which, in a sentence."""
    found: dict[str, str] = {}
    for model in models:
        try:
            for table in (model.table, *model.depends_on):
                newest(lake, table)
        except TableUnreadable as error:
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


def refused_inputs(inputs: GoldInputs, building: Sequence[Model], months: Sequence[date], replaced: Replaced) -> dict[str, str]:
    """The models that cannot be built, because a file that they read is damaged, or because they read such a model; why, by name.

    `building` come upstream first. A file that is opened must be there; one that the months are made from must have its bytes.
    """
    refused: dict[str, str] = {}
    for model in building:
        above = [one.name for one in building if one.table in model.depends_on and one.name in refused]
        try:
            _refuse_damaged(inputs, model, months, replaced)
        except TableUnreadable as error:
            refused[model.name] = str(error)
        if above:
            refused.setdefault(model.name, f"It reads {above[0]}: {refused[above[0]]}")
    return refused


def pins_of(inputs: GoldInputs, building: Iterable[Model], refused: Collection[str]) -> dict[str, int]:
    """The versions that a build reads: of all inputs, or beside refused models of those that the others need."""
    needed = {table for model in building for table in (model.table, *model.depends_on)}
    return {table: version for table, version in inputs.pins.items() if not refused or table in needed}


def _refuse_damaged(inputs: GoldInputs, model: Model, months: Sequence[date], replaced: Replaced) -> None:
    own = _own(months)
    for table in dict.fromkeys((*model.depends_on, model.table)):
        if snapshot := inputs.snapshots[table]:
            refuse_damaged(snapshot, [file for file in snapshot.files if partition_key(file) not in replaced.get(table, ())])
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
