"""The contract as the engine sees it: frozen values, no file format, no engine.

One contract per dataset says what arrives (the landing columns and where), what is promised (columns, key, rules) and how time runs
(event time, grains). `odcs.py` reads these from ODCS; `compile.py` turns them into schemas and expressions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

# The columns that bronze adds to what landed.
ARRIVAL = "_arrival_date"
EVENT_DATE = "_event_date"
SOURCE_FILE, SOURCE_ROW, SOURCE_HASH = "_source_file", "_source_row", "_source_hash"


class Grain(StrEnum):
    """How long a partition is; `none` is a table without partitions."""

    DAY = "day"
    MONTH = "month"
    NONE = "none"


class Severity(StrEnum):
    """What a broken rule does: `error` quarantines the row (or fails the partition), `warning` is counted and published."""

    ERROR = "error"
    WARNING = "warning"


class Kind(StrEnum):
    """What a rule looks at."""

    TYPE = "type"
    REQUIRED = "required"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    LENGTH = "length"
    PATTERN = "pattern"
    ENUM = "enum"
    EXPRESSION = "expression"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise about a row. `argument` is what the kind needs: a bound, a pattern, the values, an expression, (dataset, column)."""

    name: str
    kind: Kind
    severity: Severity
    description: str
    column: str | None = None
    argument: Any = None


@dataclass(frozen=True, slots=True)
class DatasetRule:
    """One promise about a whole partition: `metric` compared by `operator` with `bound`."""

    name: str
    metric: str
    operator: str
    bound: float
    severity: Severity
    description: str

    def holds(self, value: float) -> bool:
        """Whether a measured value keeps the promise."""
        return {
            "mustBe": value == self.bound,
            "mustNotBe": value != self.bound,
            "mustBeGreaterThan": value > self.bound,
            "mustBeGreaterOrEqualTo": value >= self.bound,
            "mustBeLessThan": value < self.bound,
            "mustBeLessOrEqualTo": value <= self.bound,
        }[self.operator]


@dataclass(frozen=True, slots=True)
class Column:
    """A published column. `source` is the landing column it is cast from; without one the engine or the transform fills it.

    `logical_type` is ODCS's (string, integer, number, boolean, date, timestamp), `physical_type` the SQL spelling that fixes the width.
    """

    name: str
    logical_type: str
    physical_type: str
    required: bool
    description: str
    classification: str
    unit: str | None = None
    source: str | None = None
    expression: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True)
class LandingSource:
    """Where files land and how they are read. `path` is relative to the landing folder and holds one `{arrival:FORMAT}`."""

    path: str
    format: str
    encoding: str
    columns: tuple[str, ...]
    null_values: tuple[str, ...]
    description: str = ""
    column_descriptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventTime:
    """How a landed row tells its event date: an SQL expression over the landing columns that gives text in `format` (strptime).

    A text with a time is in `source_zone` and is converted to `zone`; a text that is only a date is taken as it is.
    """

    expression: str
    format: str
    source_zone: str
    zone: str


@dataclass(frozen=True, slots=True)
class Partitioning:
    """Partitions of one grain over [start, end); no end means up to now. `column` is the partition column of the published table."""

    grain: Grain
    start: date | None = None
    end: date | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """One dataset, from what arrives to what is promised."""

    dataset: str
    version: str
    status: str
    domain: str
    description: str
    granularity: str
    owner: str
    source: LandingSource
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rules: tuple[Rule, ...]
    dataset_rules: tuple[DatasetRule, ...]
    partitioning: Partitioning
    arrival: Partitioning
    lateness: int
    event_time: EventTime | None
    transform: str | None
    rejected_share_below: float | None
    schedule: str | None
    path: str
    digest: str

    @property
    def references(self) -> tuple[Rule, ...]:
        """The rules that look into other datasets."""
        return tuple(rule for rule in self.rules if rule.kind is Kind.REFERENCE)

    @property
    def upstream(self) -> tuple[str, ...]:
        """The datasets that the rules look into, each once, in order."""
        return tuple(dict.fromkeys(rule.argument[0] for rule in self.references))

    def meaning(self) -> tuple[object, ...]:
        """Everything that decides which rows are published; descriptions, owners and the version number do not."""
        columns = tuple((c.name, c.logical_type, c.physical_type, c.required, c.source, c.expression, c.format) for c in self.columns)
        rules = tuple((r.name, r.kind, r.severity, r.column, r.argument) for r in self.rules)
        dataset_rules = tuple((r.name, r.metric, r.operator, r.bound, r.severity) for r in self.dataset_rules)
        return (*self.landing_meaning(), columns, self.key, rules, dataset_rules, self.transform, self.rejected_share_below)

    def landing_meaning(self) -> tuple[object, ...]:
        """Everything that decides which rows are in bronze."""
        return (self.source.format, self.source.encoding, self.source.columns, self.source.null_values, self.event_time, self.partitioning)

    @property
    def is_snapshot(self) -> bool:
        """Whether each new file replaces the whole table, as reference data do."""
        return self.partitioning.grain is Grain.NONE
