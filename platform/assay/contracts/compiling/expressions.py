"""Expressions: what a contract promises, as Polars expressions that say row by row which promises are broken.

The only place where a contract meets an engine. A rule's expression is true for a row that BREAKS it; a null value breaks only `required`,
so that every fault is named once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from assay.contracts.compiling.arrow_types import types_of
from assay.contracts.conditions.condition import OneEnginesOwn
from assay.contracts.conditions.parser import has_one_meaning, parse
from assay.contracts.conditions.to_polars import column_as, polars_type, to_polars
from assay.contracts.language.date_formats import spelling
from assay.contracts.language.literals import FINITE, NoValue, value_of
from assay.contracts.language.row_sql import refuse_beyond_row
from assay.contracts.model.contract import Kind, Published, Rule
from assay.contracts.model.reserved_names import OWN
from assay.contracts.patterns.pattern import NotAPattern
from assay.contracts.patterns.printer import RUST, said_to
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl
    import pyarrow as pa

    from assay.contracts.language.dialect import Dialect
    from assay.contracts.model.contract import DatasetRule


def violation(rule: Rule, types: Mapping[str, pa.DataType], references: Mapping[tuple[str, Any], pl.Series]) -> pl.Expr:
    """A Polars expression that is true for a row that breaks the rule. `references` holds the values that reference rules look for.

    Of a reference of several columns they are structs, whose fields have the names of the other dataset's columns.
    Type rules look at the column `flag_of(rule)`, which `refine.conform` leaves behind: afterwards the text is gone.
    """
    import polars as pl

    value = column_as(rule.column, types.get(rule.column)) if rule.column else pl.lit(None)
    match rule.kind:
        case Kind.TYPE:
            return ~value.is_finite() if rule.argument == FINITE else pl.col(flag_of(rule))
        case Kind.REQUIRED:
            return value.is_null()
        case Kind.MINIMUM:
            return value.lt(_literal(rule.argument, types[str(rule.column)]))
        case Kind.MAXIMUM:
            return value.gt(_literal(rule.argument, types[str(rule.column)]))
        case Kind.LENGTH:
            low, high = rule.argument
            length = value.str.len_chars()
            return length.lt(low) | length.gt(high) if high is not None else length.lt(low)
        case Kind.PATTERN:
            return ~value.str.contains(_pattern(rule.argument))
        case Kind.ENUM:
            return ~value.is_in(_literals(rule.argument, types[str(rule.column)]))
        case Kind.REFERENCE:
            there = references[rule.argument].implode()
            return _absent_together(rule, there) if rule.columns else ~value.is_in(there)
        case Kind.EXPRESSION:
            holds = condition_expression(rule.argument, types)
            return ~pl.when(holds).then(pl.lit(value=True)).otherwise(holds.is_null())  # refuses what is no condition


def _pattern(said: str) -> str:
    """A pattern as Polars reads it. Raises ContractInvalid for a text that is none."""
    try:
        return str(said_to(RUST, said))
    except NotAPattern as error:
        raise ContractInvalid(f"Tried to read the pattern {said!r}; {error}.", hint=error.hint) from error


def _literal(value: Any, kind: pa.DataType) -> pl.Expr:  # noqa: ANN401  # a value that a contract gives
    """A value of exactly the type that it is compared with: Polars would compare decimals as floats."""
    import polars as pl

    return pl.lit(value_of(kind, value), dtype=polars_type(kind))


def _literals(values: Iterable[Any], kind: pa.DataType) -> pl.Expr:
    """A list of values of exactly the type of what is looked for in it: Polars would widen a FLOAT, and 0.1 is then not in [0.1]."""
    import polars as pl

    return pl.lit(pl.Series([value_of(kind, one) for one in values], dtype=polars_type(kind))).implode()


def _absent_together(rule: Rule, there: pl.Series) -> pl.Expr:
    """Whether values that are all present are not together in another dataset; where one is missing nothing is broken, as in SQL."""
    import polars as pl

    several = pl.struct(pl.col(mine).alias(theirs) for mine, theirs in zip(rule.columns, rule.argument[1], strict=True))
    return pl.all_horizontal(pl.col(rule.columns).is_not_null()) & ~several.is_in(there)


def measure_of(rule: DatasetRule, types: Mapping[str, pa.DataType]) -> pl.Expr:
    """A Polars expression that measures what a rule promises, over the rows of one partition.

    Null values are neither invalid nor duplicates. Of several rows with one value all but one are duplicates.
    """
    import polars as pl

    counted = _counted(rule, types)
    return counted * 100.0 / pl.len() if rule.unit == "percent" else counted


def _counted(rule: DatasetRule, types: Mapping[str, pa.DataType]) -> pl.Expr:
    import polars as pl

    value = pl.col(rule.column) if rule.column else pl.len()
    match rule.metric:
        case "rowCount":
            return pl.len()
        case "nullValues":
            return value.null_count()
        case "missingValues":
            named = _literals((one for one in rule.argument if one is not None), types[str(rule.column)])
            missing = value.is_in(named).fill_null(pl.lit(value=False)).sum()
            return missing + value.null_count() if None in rule.argument else missing
        case "invalidValues":
            valid, pattern = rule.argument
            kept = [value.is_in(_literals(valid, types[str(rule.column)]))] if valid is not None else []
            kept += [value.str.contains(_pattern(pattern))] if pattern else []
            return (~pl.all_horizontal(kept)).fill_null(pl.lit(value=False)).sum()
        case "duplicateValues":
            columns = list(rule.argument or [rule.column])
            values = pl.struct(columns).filter(pl.all_horizontal(pl.col(columns).is_not_null()))
            return values.len() - values.n_unique()
        case _:
            return sql_expression(rule.argument[0], types, aggregates=True)


def sql_expression(text: str, known: Iterable[str], *, aggregates: bool = False) -> pl.Expr:
    """Read an SQL expression over one row of some columns, or with `aggregates` over a partition.

    Raises ContractInvalid if it cannot be read, or looks beyond.
    """
    import polars as pl

    refuse_beyond_row(text, known, aggregates=aggregates)
    try:
        return pl.sql_expr(text)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ContractInvalid(f"Tried to read the SQL expression {text!r}; {error}.") from error


def judged_by_one_engine(contract: Published) -> list[str]:
    """The rules whose condition has no one meaning: only the engine of the layer is asked, in its own words."""
    types = types_of(contract)
    return [rule.name for rule in contract.rules if rule.kind is Kind.EXPRESSION and not has_one_meaning(rule.argument, types)]


def condition_expression(text: str, types: Mapping[str, pa.DataType]) -> pl.Expr:
    """An SQL condition over one row by its one meaning, or in Polars' own words. Raises ContractInvalid for one that cannot be meant."""
    try:
        return to_polars(parse(text, types))
    except OneEnginesOwn:
        return sql_expression(text, types)
    except NoValue as error:
        raise ContractInvalid(f"Tried to read the condition {text!r}; {error}.", hint=error.hint) from error


def spelled_as(text: pl.Expr, format_: str) -> pl.Expr:
    """A text where it is spelled as a strptime format says, else null: reading it then guesses nothing."""
    import polars as pl

    return pl.when(text.str.contains(spelling(format_))).then(text)


def plain_number(text: pl.Expr, dialect: Dialect) -> pl.Expr:
    """The text of a number as the engine casts it, from one in a file's dialect; null if it is not spelled exactly so.

    Where thousands are grouped, all are: `1.234,50` or `1234,50` with the decimalChar `,` and the groupChar `.`, never `12.50`.
    """
    import polars as pl

    if not dialect.numbers_meaning:
        return text
    point, group = re.escape(dialect.decimal_char), re.escape(dialect.group_char)
    whole = f"(?:[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+)" if group else "[0-9]+"
    exact = text.str.contains(f"^[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?$")
    plain = text.str.replace_all(dialect.group_char, "", literal=True) if group else text
    return pl.when(exact).then(plain.str.replace_all(dialect.decimal_char, ".", literal=True))


def flag_of(rule: Rule) -> str:
    """The name of the column that says whether a value could not be read as its type."""
    return f"{OWN}unreadable_{rule.column}"
