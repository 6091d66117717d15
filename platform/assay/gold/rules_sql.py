"""The rules of a gold contract as DuckDB's SQL, for dbt's tests and for trying them. `contracts/compile.py` has silver's, for Polars.

A condition about a row is true, or null, for every good row. A measure of a month is a number, or null where there is nothing to measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from assay.contracts.model import Kind
from assay.errors import ContractInvalid
from assay.lake.duckdb_sql import literal, quoted

if TYPE_CHECKING:
    from assay.contracts.model import DatasetRule, Rule

COMPARISONS = {
    "mustBe": "value = {}", "mustNotBe": "value <> {}", "mustBeGreaterThan": "value > {}", "mustBeGreaterOrEqualTo": "value >= {}",
    "mustBeLessThan": "value < {}", "mustBeLessOrEqualTo": "value <= {}", "mustBeBetween": "value > {} and value < {}",
    "mustNotBeBetween": "value <= {} or value >= {}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured of the rows of a month that fulfil `where`, and what must hold of its `value`."""

    value: str
    holds: str
    where: str | None
    counts_rows: bool


def constant(value: Any) -> str:  # noqa: ANN401  # a value that a contract gives
    """A value of a contract in SQL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"timestamptz {literal(value.isoformat(sep=' '))}"
    if isinstance(value, date):
        return f"date {literal(value.isoformat())}"
    return repr(value) if isinstance(value, int | float) else literal(str(value))


def condition(rule: Rule) -> str:
    """What a good row fulfils. Raises ContractInvalid for a rule that looks into another table."""
    column = quoted(rule.column) if rule.column else ""
    match rule.kind:
        case Kind.REQUIRED:
            return f"{column} is not null"
        case Kind.MINIMUM:
            return f"{column} >= {constant(rule.argument)}"
        case Kind.MAXIMUM:
            return f"{column} <= {constant(rule.argument)}"
        case Kind.LENGTH:
            low, high = rule.argument
            return f"length({column}) >= {low}" + (f" and length({column}) <= {high}" if high is not None else "")
        case Kind.PATTERN:
            return f"regexp_matches({column}, {literal(rule.argument)})"
        case Kind.ENUM:
            return f"{column} in ({', '.join(map(constant, rule.argument))})"
        case Kind.EXPRESSION:
            return str(rule.argument)
    raise ContractInvalid(f"Tried to say the rule {rule.name!r} as a condition of a row; it is of the kind {rule.kind}.")


def measure(rule: DatasetRule) -> Measure:
    """How a promise about a month is measured."""
    value, where = _measured(rule)
    if rule.unit == "percent":
        value = f"100.0 * ({value}) / count(*)"
    bounds = rule.bound if isinstance(rule.bound, tuple) else (rule.bound,)
    return Measure(value, COMPARISONS[rule.operator].format(*map(constant, bounds)), where, rule.metric == "rowCount")


def _measured(rule: DatasetRule) -> tuple[str, str | None]:
    column = quoted(rule.column) if rule.column else ""
    match rule.metric:
        case "rowCount":
            return "count(*)", None
        case "nullValues":
            return f"count(*) filter (where {column} is null)", None
        case "missingValues":
            named = ", ".join(constant(one) for one in rule.argument if one is not None)
            missing = f"{column} is null" + (f" or {column} in ({named})" if named else "")
            return f"count(*) filter (where {missing})", None
        case "invalidValues":
            valid, pattern = rule.argument
            kept = [f"{column} in ({', '.join(map(constant, valid))})"] if valid is not None else []
            kept += [f"regexp_matches({column}, {literal(pattern)})"] if pattern else []
            return f"count(*) filter (where not ({' and '.join(kept)}))", None
        case "duplicateValues":
            names = [quoted(name) for name in rule.argument or [rule.column]]
            present = " and ".join(f"{name} is not null" for name in names)
            values = ", ".join(names) if len(names) == 1 else f"({', '.join(names)})"
            return f"count(*) filter (where {present}) - count(distinct {values}) filter (where {present})", None
        case _:
            aggregate, where = rule.argument
            return str(aggregate), where
