"""What a gold build reads and makes, pinned: what each month of a model would be made from, and whether it is worth building.

What one model has asked is remembered for the next: of models that read each other there are more ways than models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from assay.code_version import code_version
from assay.contracts.model.calendars import next_month
from assay.gold.calendars import Reach, calendars_of, months_between, reach_of, tells_dates
from assay.gold.models import LAYER
from assay.lake.expired import Expired
from assay.lake.fence import fence_now
from assay.lake.migrations import partition_token
from assay.lake.publisher import fingerprint
from assay.lake.slices import WHOLE
from assay.lake.snapshots import Snapshot, newest, open_snapshot
from assay.lake.staged import combine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    from assay.contracts.model.calendars import Calendar
    from assay.gold.models import Model
    from assay.gold.step import Project
    from assay.lake.slices import Partition, Slice
    from assay.steps import Run

FROZEN = "{} stays as it is: rows of {} that it is made from have expired."
CODE = ("assay.gold.dbt_plugin", "assay.gold.staged")


@dataclass
class GoldInputs:
    """The pinned snapshots of everything that a build reads, the calendars of those tables, and what the build makes.

    `making` has the months that it may make, by table. What it does not make is read as it is published.
    """

    models: Mapping[str, Model]
    calendars: Mapping[str, Calendar]
    snapshots: Mapping[str, Snapshot | None]
    making: Mapping[str, Set[date | None]]
    fence: int = 0
    expired: Mapping[str, Expired] = field(default_factory=dict)
    _fingerprints: dict[tuple[str, date | None], int] = field(default_factory=dict, init=False, repr=False)
    _contents: dict[tuple[str, Reach | None], object] = field(default_factory=dict, init=False, repr=False)
    _with_rows: dict[tuple[str, date], bool] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def pin(cls, run: Run, project: Project, slices: Mapping[str, Slice]) -> GoldInputs:
        """Open each table once. `slices` has the months that may be made, by model. Raises TableMissing for a table never published.

        What is made is looked at first: who publishes it between the two looks goes first, and has not read older inputs.
        """
        fence, models = fence_now(run.lake), [model for model in project.models if model.name in slices]
        needed = dict.fromkeys([*(model.table for model in models), *(table for model in models for table in model.depends_on)])
        making = {model.table: {month_of(partition) for partition in slices[model.name].partitions} for model in models}
        snapshots = {table: newest(run.lake, table) if table in making else open_snapshot(run.lake, table) for table in needed}
        calendars = calendars_of(project.models, run.contracts)
        kept = {one.table: one.retention for one in project.models} | {
            f"silver/{name}": one.retention for name, one in run.contracts.items()
        }
        expired = {name: Expired.of(table, calendars.get(name), kept.get(name), run.now) for name, table in snapshots.items()}
        return cls({model.table: model for model in models}, calendars, snapshots, making, fence, expired)

    def without(self, tables: Set[str]) -> GoldInputs:
        """The same, but for some tables as if they had never been published."""
        kept = {name: None if name in tables else snapshot for name, snapshot in self.snapshots.items()}
        return GoldInputs(self.models, self.calendars, kept, self.making, self.fence, self.expired)

    @property
    def pins(self) -> dict[str, int]:
        """The version of every table that exists."""
        return {table: snapshot.version for table, snapshot in self.snapshots.items() if snapshot}

    def fingerprint(self, model: Model, month: date | None) -> int:
        """What a month of a model would be made from: its code and the contents of what it reads, in reach of the month."""
        if (known := self._fingerprints.get((model.table, month))) is None:
            reach = None if month is None else reach_of(model, month, self.calendars[model.table])
            read = {table: self._content(table, reach) for table in model.depends_on}
            known = self._fingerprints[model.table, month] = fingerprint("gold", model.code_version, code_version(*CODE), read)
        return known

    def _content(self, table: str, reach: Reach | None) -> object:
        if (table, reach) not in self._contents:
            self._contents[table, reach] = self._content_of(table, reach)
        return self._contents[table, reach]

    def _content_of(self, table: str, reach: Reach | None) -> object:
        """What a month reads of a table: the digests of its files; of a model what its months, or it, are made from."""
        calendar, snapshot = self.calendars.get(table), self.snapshots[table]
        if calendar is None and table.startswith(f"{LAYER}/"):
            return self._made(table, None)
        if calendar is None or reach is None:
            return combine(file.placed for file in (snapshot.files if snapshot else []))
        if table.startswith(f"{LAYER}/"):
            near = months_between(reach.start - timedelta(days=1), reach.end + timedelta(days=1))
            return [self._made(table, month) for month in near if reach.concerns(calendar, month)]
        return combine(file.placed for file in (reach.near(snapshot.files) if snapshot else []) if reach.holds(calendar, file))

    def _made(self, table: str, month: date | None) -> int | None:
        """The fingerprint that a month of a model will have when this build is done; None if it was never made."""
        published = partition_token(self.snapshots[table], _key(month))
        if month in self.making.get(table, ()) and self.is_wanted(self.models[table], month):
            return self.fingerprint(self.models[table], month)
        return published

    def is_wanted(self, model: Model, month: date | None) -> bool:
        """Whether a month is worth building: it is published, has rows for whatever reason, or an input with partitions has some for it.

        A table without months always is; a month that has expired, or whose inputs have, is not.
        """
        snapshot, key = self.snapshots[model.table], _key(month)
        if month is not None and self.why_not(model, month):
            return False
        if month is None or partition_token(snapshot, key) is not None or self._has_rows(model, month):
            return True
        return any(file.values == (key,) for file in (snapshot.files if snapshot else ()))

    def why_not(self, model: Model, month: date) -> str:
        """Why a month stays as it is, or away: it has expired, or something that it was made from has. Empty if it does not.

        What is left of its inputs would make another month of it, or none.
        """
        if (own := self.expired.get(model.table)) and own.has(month):
            return own.why(_key(month))
        gone = [table for table in model.depends_on if self._expires_within(table, reach_of(model, month, self.calendars[model.table]))]
        return FROZEN.format(_key(month), gone[0]) if gone else ""

    def kept(self, model: Model, months: Iterable[date | None]) -> list[str]:
        """The published months, of some, that stay as they are."""
        published = [month for month in months if month and partition_token(self.snapshots[model.table], _key(month)) is not None]
        return [_key(month) for month in published if self.why_not(model, month)]

    def _expires_within(self, table: str, reach: Reach) -> bool:
        """Whether a partition of a table that is in reach has expired."""
        expired, calendar = self.expired.get(table), self.calendars.get(table)
        if expired is None or expired.before is None or calendar is None:
            return False
        first = reach.first_of(calendar)  # those after it have not expired if it has not
        return first is not None and expired.has(first)

    def _has_rows(self, model: Model, month: date) -> bool:
        if (model.table, month) not in self._with_rows:
            self._with_rows[model.table, month] = self._finds_rows(model, month)
        return self._with_rows[model.table, month]

    def _finds_rows(self, model: Model, month: date) -> bool:
        reach, of_dates = Reach(month, next_month(month), self.calendars[model.table].zone), tells_dates(model)
        for table in model.reads:
            calendar, snapshot = self.calendars.get(table), self.snapshots[table]
            if calendar is None:
                continue
            if any(reach.has_rows(calendar, file, of_dates=of_dates) for file in (reach.near(snapshot.files) if snapshot else ())):
                return True
            if month in self.making.get(table, ()) and self._has_rows(self.models[table], month):
                return True
        return False


def month_of(partition: Partition) -> date | None:
    """The month of a gold partition; None for the one of a table without."""
    return date.fromisoformat(partition.values[0]) if partition.values else None


def _key(month: date | None) -> str:
    return WHOLE.key if month is None else month.isoformat()


def build_code(model: Model) -> str:
    """The version of the code that builds a model: its own, and that of the engine which takes it to dbt and back."""
    return f"{model.code_version}-{code_version(*CODE)}"
