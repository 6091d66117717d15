"""Readings: how the text of a column becomes text that can be read as a type, and what a candidate type then makes of it.

Most columns need nothing; dirty ones are cleaned in SQL. What is tried here is what the engine will do: the same SQL, the same casts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.compiling.expressions import sql_expression
from assay.contracts.inference.column_words import sql_name

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from assay.contracts.inference.profile import Profile

BLANKS = r"^\s|\s$"


@dataclass(frozen=True, slots=True)
class Reading:
    """An SQL expression over a landing column, as `transformLogic` holds it; `said` tells what it does. `sql` None: as it is."""

    said: str = ""
    sql: Callable[[str], str] | None = None

    def expression(self, name: str) -> str | None:
        """The expression for a landing column; None if its text is read as it is."""
        return None if self.sql is None else self.sql(sql_name(name))

    def applied(self, profile: Profile) -> pl.Series:
        """The profile's texts as the expression makes them; null where it gives nothing."""
        import polars as pl

        expression = self.expression(profile.name)
        if expression is None:
            return profile.texts
        frame = pl.DataFrame({profile.name: profile.texts})
        return frame.select(sql_expression(expression, frame.columns).cast(pl.String).alias("text"))["text"]


@dataclass(frozen=True, slots=True)
class Reads:
    """A type that reads some texts of a column: `values` go by the profile's texts, null where it does not read one."""

    logical: str
    physical: str
    reading: Reading
    values: pl.Series
    said: str
    format: str | None = None
    certainty: float = 1.0

    def unreadable(self, profile: Profile) -> int:
        """How many rows have a value that is not read."""
        return int(profile.counts.filter(self.values.is_null()).sum())


def _epoch(units: int, pattern: str) -> Callable[[str], str]:
    """Seconds (or parts of them) since 1970 as a time in ISO form; what is no number stays as it is, so that it is found unreadable."""

    def sql(name: str) -> str:
        return f"COALESCE(STRFTIME(CAST(TRY_CAST({name} AS BIGINT) * {units} AS TIMESTAMP), '{pattern}'), {name})"

    return sql


def _exact(pattern: str, made: str) -> Callable[[str], str]:
    """What is spelled in exactly one form becomes a number; anything else becomes what no type reads, so that it is held."""

    def sql(name: str) -> str:
        text = f"TRIM({name})"
        return f"CASE WHEN REGEXP_LIKE({text}, '{pattern}') THEN {made.format(text)} ELSE '? ' || {name} END"

    return sql


PLAIN = "[+-]?[0-9]*[.]?[0-9]+"  # without commas a number is one anyway
THOUSANDS_FORM = f"^({PLAIN}|[+-]?[0-9]{{1,3}}(,[0-9]{{3}})+([.][0-9]+)?)$"
DECIMAL_COMMA_FORM = "^[+-]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+)(,[0-9]+)?$"
AS_IT_IS = Reading()
TRIMMED = Reading("blanks around the values are cut off", lambda name: f"TRIM({name})")
THOUSANDS = Reading("commas between thousands are taken out, other spellings held", _exact(THOUSANDS_FORM, "REPLACE({0}, ',', '')"))
DECIMAL_COMMA = Reading(
    "a comma stands before the decimals, points between thousands; other spellings are held",
    _exact(DECIMAL_COMMA_FORM, "REPLACE(REPLACE({0}, '.', ''), ',', '.')"),
)
MICROSECONDS = Reading("digits beyond microseconds are cut off", lambda name: f"LEFT({name}, 26)")
MICROSECONDS_UTC = Reading("digits beyond microseconds are cut off", lambda name: f"LEFT({name}, 26) || 'Z'")
EPOCH_SECONDS = Reading("seconds since 1970", _epoch(1_000_000, "%Y-%m-%dT%H:%M:%SZ"))
EPOCH_MILLISECONDS = Reading("milliseconds since 1970", _epoch(1_000, "%Y-%m-%dT%H:%M:%S.%3fZ"))


def kept(condition: pl.Series, values: pl.Series) -> pl.Series:
    """The values where a condition holds, null elsewhere."""
    import polars as pl

    return pl.DataFrame({"condition": condition, "values": values}).select(pl.when("condition").then("values").alias("values"))["values"]


def share(condition: pl.Series, counts: pl.Series) -> float:
    """The share of rows for whose text a condition holds."""
    total = int(counts.sum())
    return float(counts.filter(condition.fill_null(value=False)).sum()) / total if total else 0.0
