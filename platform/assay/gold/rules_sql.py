"""The rules of a gold contract as DuckDB's SQL, for dbt's tests and for trying them. `contracts.compiling` has silver's, for Polars.

A condition about a row is true, or null, for every good row. A measure of a month is a number, or null where there is nothing to measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.contracts.compiling.arrow_types import types_of
from assay.contracts.conditions.condition import WHOLE, OneEnginesOwn
from assay.contracts.conditions.parser import parse
from assay.contracts.conditions.to_sql import Spelling, to_sql
from assay.contracts.language.literals import NoValue, plain_whole, value_of
from assay.contracts.language.row_sql import refuse_beyond_row
from assay.contracts.model.contract import Kind
from assay.contracts.patterns.printer import RE2, said_to
from assay.errors import ContractInvalid
from assay.lake.duckdb_sql import duckdb_type, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assay.contracts.model.contract import DatasetRule, Rule
    from assay.contracts.model.gold_contract import GoldContract

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


def constant(kind: pa.DataType, value: Any) -> str:  # noqa: ANN401  # a value that a contract gives
    """A value of exactly the type that it is compared with: DuckDB would take 0.1 for a decimal, and compare a FLOAT as a DOUBLE."""
    meant = value_of(kind, value)
    if isinstance(meant, bool):
        return str(meant).lower()
    if isinstance(meant, datetime):
        return f"timestamptz {literal(meant.isoformat(sep=' '))}"
    if isinstance(meant, date):
        return f"date {literal(meant.isoformat())}"
    if isinstance(meant, str):
        return literal(meant)
    return plain_whole(meant) or f"cast({literal(str(meant))} as {duckdb_type(kind).lower()})"


def condition(rule: Rule, types: Mapping[str, pa.DataType]) -> str:
    """What a good row fulfils. Raises ContractInvalid for a rule that looks into another table."""
    column, kind = quoted(rule.column) if rule.column else "", types.get(str(rule.column), pa.null())
    match rule.kind:
        case Kind.TYPE:
            return f"isfinite({column})"
        case Kind.REQUIRED:
            return f"{column} is not null"
        case Kind.MINIMUM:
            return f"{column} >= {constant(kind, rule.argument)}"
        case Kind.MAXIMUM:
            return f"{column} <= {constant(kind, rule.argument)}"
        case Kind.LENGTH:
            low, high = rule.argument
            return f"length({column}) >= {low}" + (f" and length({column}) <= {high}" if high is not None else "")
        case Kind.PATTERN:
            return _matches(column, rule.argument)
        case Kind.ENUM:
            return f"{column} in ({_listed(kind, rule.argument)})"
        case Kind.EXPRESSION:
            return expression(rule.argument, types)
    raise ContractInvalid(f"Tried to say the rule {rule.name!r} as a condition of a row; it is of the kind {rule.kind}.")


def expression(sql: str, types: Mapping[str, pa.DataType]) -> str:
    """A condition by its one meaning, or as it is, in DuckDB's own words.

    Raises ContractInvalid for one that cannot be meant, or looks beyond its row.
    """
    try:
        return to_sql(parse(sql, types), SPELLING)
    except OneEnginesOwn:
        refuse_beyond_row(sql, types)
        return sql
    except NoValue as error:
        raise ContractInvalid(f"Tried to read the condition {sql!r}; {error}.", hint=error.hint) from error


def _type_name(kind: pa.DataType) -> str:
    return "HUGEINT" if kind == WHOLE else duckdb_type(kind)


def _value(kind: pa.DataType, value: Any) -> str:  # noqa: ANN401  # a value of the type
    return str(int(value)) if kind == WHOLE else constant(kind, value)


SPELLING = Spelling(quoted, _value, _type_name, computes=True)


def _matches(column: str, pattern: str) -> str:
    return f"regexp_matches({column}, {literal(str(said_to(RE2, pattern)))})"


def _listed(kind: pa.DataType, values: Iterable[Any]) -> str:
    return ", ".join(constant(kind, one) for one in values)


def measure(rule: DatasetRule, types: Mapping[str, pa.DataType]) -> Measure:
    """How a promise about a month is measured."""
    value, where = _measured(rule, types)
    if rule.unit == "percent":
        value = f"100.0 * ({value}) / count(*)"
    bounds = rule.bound if isinstance(rule.bound, tuple) else (rule.bound,)
    return Measure(value, COMPARISONS[rule.operator].format(*map(repr, bounds)), where, rule.metric == "rowCount")


def _measured(rule: DatasetRule, types: Mapping[str, pa.DataType]) -> tuple[str, str | None]:
    column, kind = quoted(rule.column) if rule.column else "", types.get(str(rule.column), pa.null())
    match rule.metric:
        case "rowCount":
            return "count(*)", None
        case "nullValues":
            return f"count(*) filter (where {column} is null)", None
        case "missingValues":
            named = _listed(kind, (one for one in rule.argument if one is not None))
            missing = f"{column} is null" + (f" or {column} in ({named})" if named else "")
            return f"count(*) filter (where {missing})", None
        case "invalidValues":
            valid, pattern = rule.argument
            kept = [f"{column} in ({_listed(kind, valid)})"] if valid is not None else []
            kept += [_matches(column, pattern)] if pattern else []
            return f"count(*) filter (where not ({' and '.join(kept)}))", None
        case "duplicateValues":
            names = [quoted(name) for name in rule.argument or [rule.column]]
            present = " and ".join(f"{name} is not null" for name in names)
            values = ", ".join(names) if len(names) == 1 else f"({', '.join(names)})"
            return f"count(*) filter (where {present}) - count(distinct {values}) filter (where {present})", None
        case _:
            aggregate, where = rule.argument
            refuse_beyond_row(aggregate, types, aggregates=True)
            return str(aggregate), where and expression(where, types)


def refuse_beyond_rows(majors: Sequence[GoldContract]) -> None:
    """Raise ContractInvalid if a rule or a column of a model's major versions, the highest first, looks beyond its rows."""
    known = [column.name for column in majors[0].columns]
    for contract in majors:
        types = types_of(contract)
        for rule in contract.rules:
            if rule.kind is Kind.EXPRESSION:
                condition(rule, types)
        for one in contract.dataset_rules:
            measure(one, types)
        for column in contract.columns:
            if column.expression:
                refuse_beyond_row(column.expression, known)
