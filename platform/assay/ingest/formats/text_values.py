"""Typed values as text: each has one spelling, from which the same value can be read again. Bronze holds text only.

Integers by their digits; decimals with all digits of their scale; floats by the fewest digits that give the same float, or NaN, Infinity,
-Infinity; booleans true and false; dates, times and timestamps in ISO form with the digits of their unit, instants in UTC with Z; bytes in
base64; lists, structs and maps as JSON. Null stays null. Where the values come from is the business of the readers.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
DAY = 86_400
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31: beyond them Arrow writes no ISO dates
FIRST_SECOND, LAST_SECOND = FIRST_DAY * DAY, (LAST_DAY + 1) * DAY - 1


class NoText(ValueError):
    """A type whose values have no agreed text."""


def text_of(values: pa.Array) -> pa.Array:
    """The values as text (Arrow string), null where they are null. Raises NoText for a type that has none, such as an interval."""
    kind, known = values.type, pa.types
    if known.is_dictionary(kind):
        return text_of(values.dictionary).take(values.indices)
    if isinstance(kind, pa.BaseExtensionType):
        return _uuids(values) if kind.extension_name == "arrow.uuid" else text_of(values.storage)
    if known.is_nested(kind):
        return pa.array(list(_json(values)), pa.string())
    return next(spell for holds, spell in SPELLINGS if holds(kind))(values)


def _cast(values: pa.Array) -> pa.Array:
    return values.cast(pa.string())


def _refused(values: pa.Array) -> pa.Array:
    raise NoText(f"values of the type {values.type} have no text")


def _floats(values: pa.Array) -> pa.Array:
    values = values.cast(pa.float32()) if pa.types.is_float16(values.type) else values
    text = _cast(values)
    for found, word in (("nan", "NaN"), ("-nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity")):
        text = pc.if_else(pc.equal(text, found), word, text)
    return text


def _decimals(values: pa.Array) -> pa.Array:
    """Arrow writes small decimals with an exponent: those are written out."""
    text = _cast(values)
    if not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    return pa.array([None if one is None else format(Decimal(one), "f") for one in text.to_pylist()], pa.string())


def _base64(values: pa.Array) -> pa.Array:
    import polars as pl

    return pl.Series(values.cast(pa.large_binary())).bin.encode("base64").to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def _uuids(values: pa.Array) -> pa.Array:
    texts = (None if one is None else str(one) for one in values.to_pylist())
    return pa.array(texts, pa.string())


def _dates(values: pa.Array) -> pa.Array:
    days = values.cast(pa.date32())
    if _within(days.cast(pa.int32()), FIRST_DAY, LAST_DAY):
        return _cast(days)
    return _each(days.cast(pa.int32()), iso_date)


def _timestamps(values: pa.Array) -> pa.Array:
    unit, zone = values.type.unit, "" if values.type.tz is None else "Z"
    per, ticks = PER_SECOND[unit], values.cast(pa.int64())
    if _within(ticks, FIRST_SECOND * per, (LAST_SECOND + 1) * per - 1):
        text = pc.replace_substring(_cast(ticks.cast(pa.timestamp(unit))), " ", "T")
        return pc.binary_join_element_wise(text, zone, "") if zone else text
    return _each(ticks, lambda tick: iso_timestamp(tick, unit) + zone)


def _times(values: pa.Array) -> pa.Array:
    unit = values.type.unit
    ticks = values.cast(pa.int32() if unit in {"s", "ms"} else pa.int64())
    return _cast(values) if _within(ticks, 0, DAY * PER_SECOND[unit] - 1) else _each(ticks, lambda tick: iso_time(tick, unit))


def _durations(values: pa.Array) -> pa.Array:
    unit = values.type.unit

    def iso(tick: int) -> str:
        whole, part = divmod(abs(tick), PER_SECOND[unit])
        return f"{'-' if tick < 0 else ''}PT{whole}{_fraction(part, unit)}S"

    return _each(values.cast(pa.int64()), iso)


@lru_cache(4096)
def iso_date(day: int) -> str:
    """The ISO date of a day counted from 1970-01-01, in the Gregorian calendar, of any year: beyond 9999 with a sign, as ISO 8601 has it.

    After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    """
    era, of_era = divmod(day + 719_468, 146_097)
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * of_year + 2) // 153
    year, month, day_of_month = year_of_era + era * 400 + month // 10, (month + 2) % 12 + 1, of_year - (153 * month + 2) // 5 + 1
    shown = f"{year:04d}" if 0 <= year <= 9999 else f"{'-' if year < 0 else '+'}{abs(year):04d}"
    return f"{shown}-{month:02d}-{day_of_month:02d}"


def iso_timestamp(tick: int, unit: str) -> str:
    """The ISO date and time of an instant counted from 1970-01-01 in seconds (s) or parts of them (ms, us, ns)."""
    day, rest = divmod(tick, DAY * PER_SECOND[unit])
    return f"{iso_date(day)}T{iso_time(rest, unit)}"


def iso_time(tick: int, unit: str) -> str:
    """The ISO time of day of a count since midnight; one that no day has is written all the same."""
    seconds, part = divmod(abs(tick), PER_SECOND[unit])
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{'-' if tick < 0 else ''}{hours:02d}:{minutes:02d}:{seconds % 60:02d}{_fraction(part, unit)}"


def interval_text(value: bytes) -> str:
    """The ISO duration of months, days and milliseconds, four bytes each, as Avro and Parquet have it."""
    months, days, millis = (int.from_bytes(value[at : at + 4], "little") for at in (0, 4, 8))
    return f"P{months}M{days}DT{millis // 1000}.{millis % 1000:03d}S"


def _fraction(part: int, unit: str) -> str:
    return f".{part:0{DIGITS[unit]}d}" if DIGITS[unit] else ""


def _within(numbers: pa.Array, low: int, high: int) -> bool:
    found = pc.min_max(numbers).as_py()
    return found["min"] is None or (low <= found["min"] and found["max"] <= high)


def _each(numbers: pa.Array, spell: Callable[[int], str]) -> pa.Array:
    return pa.array((None if one is None else spell(one) for one in numbers.to_pylist()), pa.string())


def _json(values: pa.Array) -> Iterator[str | None]:
    """Nested values as JSON, one text per row; None for null. Numbers keep their digits, what JSON has no literal for is a string."""
    kind, known = values.type, pa.types
    if known.is_map(kind):
        fields = [pa.field("key", kind.key_type), pa.field("value", kind.item_type)]
        pairs = values.cast(pa.list_(pa.struct(fields)))
        inner = pairs.flatten()
        items = [f"{json.dumps(key, ensure_ascii=False)}: {value or 'null'}"
                 for key, value in zip(text_of(inner.field(0)).to_pylist(), _json(inner.field(1)), strict=True)]  # fmt: skip
        yield from _bracketed(pairs, items, "{", "}")
    elif known.is_struct(kind):
        names = [json.dumps(field.name, ensure_ascii=False) for field in kind]
        columns = [list(_json(column)) for column in values.flatten()]
        for row, there in enumerate(values.is_valid().to_pylist()):
            members = (f"{name}: {column[row] or 'null'}" for name, column in zip(names, columns, strict=True))
            yield "{" + ", ".join(members) + "}" if there else None
    elif known.is_nested(kind):
        yield from _bracketed(values, [item or "null" for item in _json(values.flatten())], "[", "]")
    else:
        bare = known.is_integer(kind) or known.is_decimal(kind) or known.is_boolean(kind) or known.is_floating(kind)
        for text in text_of(values).to_pylist():
            quoted = text is not None and not (bare and text[-1] not in "Ny")  # NaN and Infinity are no JSON
            yield json.dumps(text, ensure_ascii=False) if quoted else text


def _bracketed(lists: pa.Array, items: list[str], opening: str, closing: str) -> Iterator[str | None]:
    """Deal the items of all rows out to their rows."""
    start = 0
    for length in pc.list_value_length(lists).to_pylist():
        yield None if length is None else opening + ", ".join(items[start : start + length]) + closing
        start += length or 0


SPELLINGS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], pa.Array]], ...] = (
    (lambda kind: pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind), _cast),
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind), _cast),
    (pa.types.is_floating, _floats),
    (pa.types.is_decimal, _decimals),
    (pa.types.is_date, _dates),
    (pa.types.is_timestamp, _timestamps),
    (pa.types.is_time, _times),
    (pa.types.is_duration, _durations),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind), _base64),
    (pa.types.is_fixed_size_binary, _base64),
    (lambda _: True, _refused),
)
