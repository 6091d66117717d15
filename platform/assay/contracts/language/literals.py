"""Literals: what a value that a contract names means for a column of a type. The one place where YAML's or SQL's words become a value.

A number is the exact decimal that was written. A column of whole numbers or decimals holds it exactly or not at all; a FLOAT or DOUBLE
holds the nearest value of its type, so 0.1 of a FLOAT is the value that 0.1 becomes there. A time without a zone is UTC.
"""

from __future__ import annotations

import math
from ctypes import c_float
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

EXACT = Context(prec=400)  # no bound of any type is rounded by arithmetic
# of a FLOAT, of a DOUBLE: the largest value, and what is still nearer to it than to the next one, which there is not
LARGEST = {32: Decimal(2**128 - 2**104), 64: Decimal(2**1024 - 2**971)}
BEYOND = {32: Decimal(2**128 - 2**103), 64: Decimal(2**1024 - 2**970)}
FINITE = "finite"  # the argument of a type's rule where nothing is read from text, so that only NaN and infinity are looked for
SMALL = 2**24  # up to here a FLOAT holds every whole number
OF_SECONDS = 6  # decimals that an instant has


class NoValue(ValueError):
    """What a contract names is no value that the column can have. The message ends the sentence "It is ..", `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Real(float):
    """A number with decimals as a file spells it: a float to everything that wants one, and exact in `written`."""

    __slots__ = ("written",)
    written: Decimal

    def __new__(cls, text: str) -> Real:
        """Raises ValueError for a text that is no number."""
        made = super().__new__(cls, text)
        made.written = Decimal(text)
        return made

    def __str__(self) -> str:
        return str(self.written)

    def __reduce__(self) -> tuple[type[Real], tuple[str]]:
        return Real, (str(self.written),)


def exact(number: float | Decimal) -> Decimal:
    """The decimal that was written; of a float that comes from no file the shortest that means it."""
    if isinstance(number, Real):
        return number.written
    return number if isinstance(number, Decimal) else Decimal(repr(number))


def value_of(kind: pa.DataType, value: Any) -> Any:  # noqa: ANN401  # a value of YAML; one of Python's
    """The value of a column's type that a literal means: int, Decimal, float, str, bool, date or datetime in UTC.

    A value of this kind is given back as it is. Raises NoValue for what the type cannot hold.
    """
    return _reader(kind)(kind, value)


def bound_of(kind: pa.DataType, value: Any, *, lowest: bool) -> Any:  # noqa: ANN401  # as above
    """The bound of a column's type that lets the same values pass: 0.5 as the lowest of whole numbers is 1.

    Raises NoValue for what is no number, or leaves no value of the type.
    """
    if not (pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind)):
        return value_of(kind, value)
    number = _finite(value)
    smallest, largest = _range(kind)
    if number > largest if lowest else number < smallest:
        raise NoValue(f"{'above' if lowest else 'below'} every value that {spelled(kind)} can hold")
    nearest = min(max(number, smallest), largest)
    if pa.types.is_floating(kind):
        return _rounded(kind, nearest)
    fitting = nearest.quantize(_unit(kind), ROUND_CEILING if lowest else ROUND_FLOOR, EXACT)
    return int(fitting) if pa.types.is_integer(kind) else fitting


def plain_whole(value: Any) -> str | None:  # noqa: ANN401  # a value of a column's type
    """A small whole number as every SQL spells it: it is the same in any type of number. None for every other value."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return str(int(value)) if is_number and abs(value) <= SMALL and value == int(value) else None


def shown(kind: pa.DataType, value: Any) -> str:  # noqa: ANN401  # as above
    """A value for people: of a FLOAT no more digits than tell it from its neighbours."""
    if kind != pa.float32():
        return str(value)
    fits = BEYOND[kind.bit_width]
    spellings = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next(str(one) for one in spellings if abs(one) < fits and value_of(kind, one) == value)


def spelled(kind: pa.DataType) -> str:
    """The type in the words of a contract."""
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    return {
        "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "bool": "BOOLEAN",
        "date32[day]": "DATE", "string": "VARCHAR",
    }.get(str(kind), "TIMESTAMP")  # fmt: skip


def _reader(kind: pa.DataType) -> Callable[[pa.DataType, Any], Any]:
    known = pa.types
    if known.is_integer(kind) or known.is_decimal(kind):
        return _exactly
    if known.is_floating(kind):
        return _nearest
    if known.is_date(kind):
        return _day
    if known.is_timestamp(kind):
        return _instant
    return _truth if known.is_boolean(kind) else _text


def _finite(value: Any) -> Decimal:  # noqa: ANN401  # a value of YAML
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise NoValue("no number")
    number = exact(value)
    if not number.is_finite():
        raise NoValue("no number that can be compared", "No published value is NaN or infinite: leave the bound out.")
    return number


def _exactly(kind: pa.DataType, value: Any) -> int | Decimal:  # noqa: ANN401  # as above
    number = _finite(value)
    smallest, largest = _range(kind)
    if not smallest <= number <= largest:
        raise NoValue(f"beyond what {spelled(kind)} can hold")
    fitting = number.quantize(_unit(kind), ROUND_FLOOR, EXACT)
    if fitting != number:
        raise NoValue(f"no value of {spelled(kind)}, which has {_decimals(kind)}")
    return int(fitting) if pa.types.is_integer(kind) else fitting


def _nearest(kind: pa.DataType, value: Any) -> float:  # noqa: ANN401  # as above
    number = _finite(value)
    smallest, largest = _range(kind)
    if not smallest <= number <= largest:
        raise NoValue(f"beyond what {spelled(kind)} can hold")
    return _rounded(kind, number)


def _rounded(kind: pa.DataType, number: Decimal) -> float:
    number = min(max(number, -LARGEST[kind.bit_width]), LARGEST[kind.bit_width])
    if kind != pa.float32():
        return float(number)
    near = c_float(float(number)).value  # twice rounded: look whether a neighbour is nearer to what was written
    steps = [near, _next_float(near, up=True), _next_float(near, up=False)]
    return min((one for one in steps if math.isfinite(one)), key=lambda one: abs(Decimal(one) - number))


def _next_float(value: float, *, up: bool) -> float:
    """The next value of FLOAT."""
    exponent = max(math.frexp(value)[1] - 24, -149)
    return c_float(value + math.ldexp(1.0 if up else -1.0, exponent)).value


def _range(kind: pa.DataType) -> tuple[Decimal, Decimal]:
    if pa.types.is_integer(kind):
        beyond = 2 ** (kind.bit_width - 1)
        return Decimal(-beyond), Decimal(beyond - 1)
    if pa.types.is_decimal(kind):
        most = Decimal(10**kind.precision - 1).scaleb(-kind.scale, EXACT)
        return -most, most
    most = BEYOND[kind.bit_width].next_minus(EXACT)
    return -most, most


def _unit(kind: pa.DataType) -> Decimal:
    """The smallest step between two values."""
    return Decimal(1).scaleb(-kind.scale) if pa.types.is_decimal(kind) else Decimal(1)


def _decimals(kind: pa.DataType) -> str:
    scale = kind.scale if pa.types.is_decimal(kind) else 0
    return {0: "no decimals", 1: "one decimal"}.get(scale, f"{scale} decimals")


def _truth(_kind: pa.DataType, value: Any) -> bool:  # noqa: ANN401  # as above
    if not isinstance(value, bool):
        raise NoValue("neither true nor false")
    return value


def _text(_kind: pa.DataType, value: Any) -> str:  # noqa: ANN401  # as above
    if not isinstance(value, str):
        raise NoValue("no string", f'Put it in quotes: "{value}".')
    return value


def _day(_kind: pa.DataType, value: Any) -> date:  # noqa: ANN401  # as above
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise NoValue("no date", "Such as 2013-01-01.") from None


def _instant(_kind: pa.DataType, value: Any) -> datetime:  # noqa: ANN401  # as above
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NoValue("no timestamp", "Such as 2013-01-01T05:00:00Z.") from None
    if not isinstance(value, datetime) and any(
        len(part) - len(part.lstrip("0123456789")) > OF_SECONDS for part in str(value).split(".")[1:]
    ):
        raise NoValue("finer than a microsecond", "An instant has six decimals of a second.")
    return found
