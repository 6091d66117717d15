"""The contract as the engine sees it: frozen values, no file format, no engine.

One contract per dataset says what arrives (landing columns), what is promised (columns, key, rules) and how time runs (event time, grains).
`reading` reads these from ODCS, `compiling` turns them into schemas and expressions. Those of gold models are in `gold_contract.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from assay.contracts.language.operators import OPERATORS
from assay.contracts.model.about import About, Deprecation, Lifecycle

if TYPE_CHECKING:
    from datetime import date, timedelta

    from assay.contracts.model.landing_source import LandingSource

ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_ROW, SOURCE_HASH = "_arrival_date", "_event_date", "_source_file", "_source_row", "_source_hash"


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


class KeyScope(StrEnum):
    """Among which rows a key names one: those of a partition, or all of the table."""

    PARTITION = "partition"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise about a row. `argument` is a bound, a pattern, the values, an expression, (dataset, column); `columns` refer together."""

    name: str
    kind: Kind
    severity: Severity
    description: str
    column: str | None = None
    argument: Any = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetRule:
    """One promise about a whole partition: `metric` compared by `operator` with `bound`, two numbers for the operators of a range.

    `metric` is one of ODCS's library, or `sql`. `argument` is what it needs: the missing values, (valid values, pattern), the columns that
    are unique together, (SQL aggregate, SQL condition). `unit` is `rows` or `percent` of the partition's rows.
    """

    name: str
    metric: str
    operator: str
    bound: float | tuple[float, float]
    severity: Severity
    description: str
    column: str | None = None
    argument: Any = None
    unit: str = "rows"

    def holds(self, value: float | None) -> bool:
        """Whether a measured value keeps the promise; where there is nothing to measure (None), nothing breaks it."""
        return value is None or OPERATORS[self.operator].holds(value, self.bound)

    @property
    def promised(self) -> str:
        """The comparison in words."""
        return OPERATORS[self.operator].said(self.bound) + (" percent" if self.unit == "percent" else "")


class MaskingMethod(StrEnum):
    """What becomes of a value that not everybody may read."""

    TOKENIZE = "tokenize"
    TRUNCATE = "truncate"
    GENERALIZE = "generalize"
    NULLIFY = "nullify"
    ENCRYPT = "encrypt"


@dataclass(frozen=True, slots=True)
class Masking:
    """How a column is masked: `truncate` keeps `keep` leading characters, `generalize` goes `to` a part of a date or a width of numbers."""

    method: MaskingMethod
    keep: int | None = None
    to: str | float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A published column: cast from the landing column `source`, or filled by the engine or the transform; `sources` are all it is from.

    `logical_type` is ODCS's, `physical_type` the SQL that fixes the width, `subject` the kind of person whom the value identifies.
    A time whose text has no zone is what the clocks of `source_zone` showed; None is UTC.
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
    masking: Masking | None = None
    subject: str | None = None
    deprecated: Deprecation | None = None
    sources: tuple[str, ...] = ()
    source_zone: str | None = None


@dataclass(frozen=True, slots=True)
class EventTime:
    """How a landed row tells its event date: SQL over the landing columns that gives text in `format` (strptime).

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a dataset promises to those who read it, wherever its rows come from. `freshness_column`: else the event time tells how old."""

    layer: ClassVar[str] = "silver"
    dataset: str
    version: str
    status: str
    domain: str
    description: str
    granularity: str
    owner: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rules: tuple[Rule, ...]
    dataset_rules: tuple[DatasetRule, ...]
    partitioning: Partitioning
    path: str
    digest: str
    freshness: timedelta | None = None
    freshness_column: str | None = None
    retention: timedelta | None = None
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    deprecated: Deprecation | None = None
    about: About = field(default_factory=About)

    @property
    def references(self) -> tuple[Rule, ...]:
        """The rules that look into other datasets."""
        return tuple(rule for rule in self.rules if rule.kind is Kind.REFERENCE)

    @property
    def upstream(self) -> tuple[str, ...]:
        """The datasets that the rules look into, each once, in order."""
        return tuple(dict.fromkeys(rule.argument[0] for rule in self.references))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(Published):
    """A dataset that lands as files, and what is promised of it in silver. `include_current`: partitions are made before they are over."""

    source: LandingSource
    arrival: Partitioning
    lateness: int
    include_current: bool = False
    event_time: EventTime | None
    transform: str | None
    rejected_share_below: float | None
    schedule: str | None
    key_scope: KeyScope = KeyScope.PARTITION

    @property
    def is_snapshot(self) -> bool:
        """Whether each new file replaces the whole table, as reference data do."""
        return self.partitioning.grain is Grain.NONE
