"""Full refresh of a model whose published table is of another major version or calendar: all months are built and published in one commit.

Months of two major versions or calendars side by side would be read as if they were of one.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.model.versions import Version
from assay.errors import SchemaDrift
from assay.gold.staged import model_schema
from assay.lake.migrations import outgrown
from assay.lake.publisher import CONTRACT_VERSION
from assay.lake.schemas import differs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    from assay.contracts.model.calendars import Calendar
    from assay.gold.models import Model
    from assay.lake.snapshots import Snapshot

LOOK_BACK = 10  # so many commits are looked through: other tools may have written the last


def published_version(snapshot: Snapshot) -> str:
    """The contract's version under which a table was published last; empty if none of its last commits says one."""
    return next((str(one[CONTRACT_VERSION]) for one in snapshot.history(LOOK_BACK) if one.get(CONTRACT_VERSION)), "")


def fully_refreshed(
    models: Iterable[Model],
    snapshots: Mapping[str, Snapshot | None],
    due: Mapping[str, Set[date | None]],
    calendars: Mapping[str, Calendar],
) -> set[str]:
    """The tables of the models that have other columns, another major version or calendar than what is published. `due` are the months.

    Raises SchemaDrift when a published month would be left as it is.
    """
    refreshed = set[str]()
    for model in models:
        snapshot = snapshots.get(model.table)
        calendar = calendars.get(model.table)
        if snapshot is None or not needs_full_refresh(model, snapshot, calendar):
            continue
        months = {date.fromisoformat(file.values[0]) for file in snapshot.files if file.values}
        left = sorted(month.isoformat() for month in months - due[model.name] if calendar is None or calendar.has(month))
        if left:
            raise SchemaDrift(
                f"Tried to build {len(due[model.name])} months of {model.table} {model.contract_version}; {len(left)} others, such as"
                f" {left[0]}, are published as {published_version(snapshot) or 'another version'}.",
                hint=f"Build all its months at once: `assay backfill --select {model.table}`. Nothing was changed.",
            )
        refreshed.add(model.table)
    return refreshed


def needs_full_refresh(model: Model, snapshot: Snapshot | None, calendar: Calendar | None) -> bool:
    """Whether what is published of a model cannot stand beside what is built of it now."""
    if snapshot is None:
        return False
    return outgrown(snapshot, calendar) is not None or (bool(snapshot.files) and _is_other(snapshot, model))


def _is_other(snapshot: Snapshot, model: Model) -> bool:
    before, after = Version.read(published_version(snapshot)), Version.read(model.contract_version)
    is_other_major = before is not None and after is not None and before.numbers[0] != after.numbers[0]
    return is_other_major or differs(snapshot.schema, model_schema(model))
