"""Conform: landed text becomes the contract's typed columns.

A text that cannot be read as its type is not lost: the row is flagged, so that the audit can name the column and quarantine it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.compiling.evaluate import evaluate
from assay.contracts.compiling.expressions import flag_of, plain_number, spelled_as
from assay.contracts.conditions.to_polars import polars_type
from assay.contracts.language.date_formats import DAY
from assay.contracts.language.paths import leads_astray, read_path
from assay.contracts.model.contract import EVENT_DATE, Column, Contract, Grain, Kind
from assay.refine.clock import instant_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from assay.contracts.language.paths import Path

    Transform = Callable[[pl.LazyFrame], pl.LazyFrame]

MOST_DECIMALS = 18
COMPUTED, FAILED = "_computed:", "_failed:"  # columns of the work, of which nothing is left
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def conform(frame: pl.LazyFrame, contract: Contract, transform: Transform | None = None) -> pl.LazyFrame:
    """Type the landing columns, fill the partition column from the event date, then let the transform add what the contract leaves to it.

    In: `bronze_spec` columns, text. Out: the contract's columns, the flags of `flag_of`, and the landing columns that kept their names.
    """
    import polars as pl
    import polars.selectors as cs

    absent = list(contract.source.null_values)
    frame = frame.with_columns(pl.when(~pl.col(name).is_in(absent)).then(pl.col(name)).alias(name) for name in contract.source.columns)
    frame = _computed(frame, contract)
    text = _texts(frame, contract)
    typed = [_typed(column, text[column.name]).alias(column.name) for column in contract.columns if _is_cast(column)]
    flagged = {rule.column: flag_of(rule) for rule in contract.rules if rule.kind is Kind.TYPE}
    flags = [
        (_failed(column) | _is_unreadable(column, text[column.name]) | _astray(column, contract)).alias(flagged[column.name])
        for column in contract.columns
        if _is_cast(column) and column.name in flagged
    ]
    frame = frame.with_columns(*typed, *flags, *_partition(contract)).drop(cs.starts_with(COMPUTED, FAILED))
    return transform(frame) if transform else frame


def _partition(contract: Contract) -> list[pl.Expr]:
    import polars as pl

    spec = contract.partitioning
    if spec.column is None:
        return []
    day = pl.col(EVENT_DATE)
    return [(day.dt.truncate("1mo") if spec.grain is Grain.MONTH else day).alias(spec.column)]


def _is_cast(column: Column) -> bool:
    return bool(column.source or column.expression)


def _text(column: Column) -> pl.Expr:
    import polars as pl

    return pl.col(COMPUTED + column.name) if column.expression else pl.col(str(column.source))


def _failed(column: Column) -> pl.Expr:
    import polars as pl

    return pl.col(FAILED + column.name) if column.expression else pl.lit(value=False)


def _computed(frame: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Add what each expression gives, and for which rows the engine could not evaluate it."""
    told = {column.name: str(column.expression) for column in contract.columns if column.expression}
    if not told:
        return frame
    rows = frame.collect()
    found = {name: evaluate(rows, sql) for name, sql in told.items()}
    values = [one.values.alias(COMPUTED + name) for name, one in found.items()]
    return rows.with_columns(*values, *(one.failed.alias(FAILED + name) for name, one in found.items())).lazy()


def _is_unreadable(column: Column, text: pl.Expr) -> pl.Expr:
    return _text(column).is_not_null() & _typed(column, text).is_null()


def _astray(column: Column, contract: Contract) -> pl.Expr:
    """Whether a path into nested values found none because it leads into a value that has no other values inside."""
    import polars as pl

    path = read_path(str(column.source), contract.source.file_columns) if column.source in contract.source.paths else None
    if path is None or column.expression:
        return pl.lit(value=False)
    suspect = pl.when(pl.col(str(column.source)).is_null()).then(pl.col(path.root))
    return suspect.map_batches(lambda texts: _each_astray(texts, path), return_dtype=pl.Boolean, is_elementwise=True)


def _each_astray(texts: pl.Series, path: Path) -> pl.Series:
    import polars as pl

    return pl.Series(texts.name, [text is not None and leads_astray(text, path) for text in texts], pl.Boolean)


def _texts(frame: pl.LazyFrame, contract: Contract) -> dict[str, pl.Expr]:
    """What each column is read from: text, where it is a number with the point and the digits that the engine knows.

    An expression may give numbers already. Those are not spelled in any dialect.
    """
    import polars as pl

    dialect = contract.source.dialect
    found = {column.name: _text(column) for column in contract.columns if _is_cast(column)}
    numbers = [column.name for column in contract.columns if column.name in found and column.logical_type in ("integer", "number")]
    if not dialect.numbers_meaning or not numbers:
        return found
    kinds = frame.select(found[name].alias(name) for name in numbers).collect_schema()
    return found | {name: plain_number(found[name], dialect) for name in numbers if kinds[name] == pl.String}


def _typed(column: Column, text: pl.Expr) -> pl.Expr:
    """Read text as the column's type; null where it cannot be, as where a number is not finite or has more decimals than its type."""
    import polars as pl

    match column.logical_type:
        case "string":
            return text
        case "boolean":
            lower = text.str.to_lowercase()
            return pl.when(lower.is_in(TRUE)).then(pl.lit(value=True)).when(lower.is_in(FALSE)).then(pl.lit(value=False))
        case "date":
            format_ = column.format or DAY
            return spelled_as(text, format_).str.to_date(format_, strict=False)
        case "timestamp":
            format_ = str(column.format)
            moment = spelled_as(text, format_).str.to_datetime(format_, strict=False, time_unit="us")
            moment = moment.dt.replace_time_zone("UTC") if column.source_zone is None else instant_of(moment, column.source_zone)
            return pl.when(moment.is_between(EARLIEST, LATEST)).then(moment)  # an offset can lead out of the years that readers know
        case _:
            kind = polars_type(arrow_type(column))
            number = text.cast(kind, strict=False)
            if kind.is_float():
                return pl.when(number.is_finite()).then(number)
            if isinstance(kind, pl.Decimal):
                return pl.when(_is_exact(text.cast(pl.String), kind.scale)).then(number)
            if column.expression:  # its result may be no text, and a cast would cut its decimals off
                return pl.when(number == text.cast(pl.Float64, strict=False)).then(number)
            return number


def _is_exact(text: pl.Expr, scale: int) -> pl.Expr:
    """Whether a decimal of so many decimals holds a number as it is written: Polars would round it.

    With an exponent, only numbers are taken that 18 decimals hold, because they are compared with those.
    """
    import polars as pl

    plain = text.str.contains(f"^[+-]?(?:[0-9]+\\.?|[0-9]*\\.[0-9]{{0,{scale}}}0*)$")
    small = text.str.contains(r"^[+-]?[0-9]{1,9}(?:\.[0-9]{0,9})?[eE][+-]?[0-9]$")
    return plain | (small & (text.cast(pl.Decimal(38, scale), strict=False) == text.cast(pl.Decimal(38, MOST_DECIMALS), strict=False)))
