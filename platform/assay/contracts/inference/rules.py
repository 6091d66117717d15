"""Promises about the values of one column, guessed from those that were seen: bounds, enumerations, patterns.

Every one of them holds for every value of the sample that its type reads. Bounds are wider than what was seen, and times have no latest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from assay.contracts.inference.column_words import looks_like_identity, words_of
from assay.contracts.inference.guesses import Guess, counted, trust
from assay.contracts.inference.readings import BLANKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from assay.contracts.inference.profile import Profile
    from assay.contracts.inference.types import Typed

MOST_VALUES, ROWS_EACH, LONGEST_VALUE = 20, 5, 40
FEWEST_FOR_PATTERN, LONGEST_CODE, MOST_PIECES = 10, 40, 12
WIDER = 2
SMALLEST, LARGEST = Decimal("1e-15"), 10**15  # beyond these YAML would round a bound, or spell it so that nobody can read it
YEARS_BEFORE = 10
NAMED_BOUNDS = {
    ("latitude", "lat"): (-90, 90), ("longitude", "lon", "lng"): (-180, 180), ("percent", "percentage", "pct"): (0, 100),
    ("month",): (1, 12), ("day",): (1, 31), ("hour",): (0, 23), ("minute",): (0, 59), ("second",): (0, 59),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of a column: the ODCS field or option that says it, its value, and the guess behind it."""

    field: str
    value: Any
    guess: Guess


def promises(profile: Profile, typed: Typed, *, is_key: bool) -> list[Promise]:
    """The promises of a column that is not personal. Keys and running numbers have no maximum: the next file goes on counting."""
    kind, values = typed.reads.logical, typed.reads.values
    if kind in {"integer", "number"}:
        goes_on = is_key or looks_like_identity(profile.name) or (kind == "integer" and _is_running(profile, values))
        return _number_bounds(profile, values, goes_on=goes_on)
    if kind in {"date", "timestamp"}:
        return _time_bounds(profile, values)
    return _texts(profile, values) if kind == "string" and profile.present else []


def _is_running(profile: Profile, values: pl.Series) -> bool:
    """Whether whole numbers count the rows: each row has one of its own, without gaps."""
    distinct = values.drop_nulls().n_unique()
    return distinct == profile.rows and int(str(values.max())) - int(str(values.min())) == distinct - 1


def _number_bounds(profile: Profile, values: pl.Series, *, goes_on: bool) -> list[Promise]:
    known = values.drop_nulls()
    low, high = Decimal(str(known.min())), Decimal(str(known.max()))
    about, seen = profile.name, f"{_plain(low)} to {_plain(high)} were seen"
    for words, (first, last) in NAMED_BOUNDS.items():
        if words_of(about)[-1:] and words_of(about)[-1] in words and first <= low and high <= last:
            guess = Guess(f"{about}: bounds", f"by its name; {seen}", 0.9)
            return [Promise("minimum", first, guess), Promise("maximum", last, guess)]
    least = Decimal(0) if low >= 0 else -_round_up(-low * WIDER)
    most = _round_up(high * WIDER) if high > 0 else Decimal(0)
    if not all(bound == 0 or SMALLEST < bound < LARGEST for bound in (-least, most)):
        return []
    found = [
        Promise("minimum", _number(least), Guess(f"{about}: minimum", f"{seen}, none below 0" if low >= 0 else f"{seen}; wider", 0.75))
    ]
    if most and not goes_on:
        found.append(Promise("maximum", _number(most), Guess(f"{about}: maximum", f"{seen}; wider", 0.7 * trust(profile.present))))
    return found


def _round_up(value: Decimal) -> Decimal:
    """The next of 1, 2, 5, 10, 20, 50 .. that is not smaller."""
    unit = Decimal(1).scaleb(value.adjusted())
    return next(unit * step for step in (1, 2, 5, 10) if unit * step >= value)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"


def _time_bounds(profile: Profile, values: pl.Series) -> list[Promise]:
    """The first day of a year well before the first that was seen. No latest: time goes on."""
    known = values.drop_nulls()
    years = known.dt.year()
    earliest = int(str(years.min()))
    if earliest < 3 * YEARS_BEFORE:
        return []
    first = date(earliest // YEARS_BEFORE * YEARS_BEFORE - YEARS_BEFORE, 1, 1)
    days = known.dt.to_string("%Y-%m-%d").sort()
    seen = f"{days[0]} to {days[-1]} were seen; no latest, because time goes on"
    guess = Guess(f"{profile.name}: minimum", seen, 0.75)
    return [Promise("minimum", first.isoformat(), guess)]


def _texts(profile: Profile, values: pl.Series) -> list[Promise]:
    import polars as pl

    by_value = pl.DataFrame({"text": values, "count": profile.counts}).drop_nulls().group_by("text").agg(pl.col("count").sum()).sort("text")
    texts, counts = by_value["text"].to_list(), by_value["count"].to_list()
    if enum := _enumeration(profile, texts, counts):
        return [enum]
    return [pattern] if (pattern := _pattern(profile, texts)) else []


def _enumeration(profile: Profile, texts: Sequence[str], counts: Sequence[int]) -> Promise | None:
    """The allowed values, if they are few, each came more than once, and new ones had many chances to come."""
    rows = sum(counts)
    few = 1 < len(texts) <= MOST_VALUES and rows >= ROWS_EACH * len(texts) and min(counts) > 1
    if not few or looks_like_identity(profile.name) or any(len(text) > LONGEST_VALUE or re.search(BLANKS, text) for text in texts):
        return None
    reason = f"{len(texts)} different values in {counted(rows, 'row')}, the rarest {counted(min(counts), 'time')}"
    if len({text.casefold() for text in texts}) < len(texts):
        reason += "; some differ only in their capitals"
    return Promise("enum", list(texts), Guess(f"{profile.name}: enumeration", reason, rows / (rows + 10 * len(texts))))


CLASSES: Sequence[tuple[Callable[[str], bool], str]] = (
    (lambda letter: letter.isascii() and letter.isdigit(), "[0-9]"),
    (lambda letter: letter.isascii() and letter.isupper(), "[A-Z]"),
    (lambda letter: letter.isascii() and letter.islower(), "[a-z]"),
)
HEX = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _pattern(profile: Profile, texts: Sequence[str]) -> Promise | None:
    """The form that all codes of a column share: the same kinds of letters, digits and signs in the same order."""
    if len(texts) < 2 or profile.present < FEWEST_FOR_PATTERN or max(map(len, texts)) > LONGEST_CODE:
        return None
    if all(HEX.fullmatch(text) for text in texts):
        return _promised(profile, f"^{HEX.pattern}$", len(texts))
    forms = {tuple(kind for kind, _ in _pieces(text)) for text in texts}
    if len(forms) != 1 or any(letter.isspace() or (letter.isalnum() and not letter.isascii()) for text in texts for letter in text):
        return None
    form = next(iter(forms))
    lengths = zip(*([size for _, size in _pieces(text)] for text in texts), strict=True)
    sizes = [(min(column), max(column)) for column in lengths]
    is_code = len(form) > 1 or all(low == high for low, high in sizes)
    if not form or len(form) > MOST_PIECES or not is_code or form in {("[a-z]",), ("[A-Z]", "[a-z]")}:
        return None
    return _promised(profile, "^" + "".join(f"{kind}{_repeated(*size)}" for kind, size in zip(form, sizes, strict=True)) + "$", len(texts))


def _promised(profile: Profile, pattern: str, different: int) -> Promise:
    reason = f"the form of all {counted(profile.present, 'value')}, {different:,} different"
    return Promise("pattern", pattern, Guess(f"{profile.name}: pattern", reason, 0.8 * trust(different)))


def _pieces(text: str) -> list[tuple[str, int]]:
    """A text as runs: the class of the letters, or the escaped sign, and how many."""
    return [(kind, len(list(run))) for kind, run in groupby(text, key=_class_of)]


def _class_of(letter: str) -> str:
    return next((name for test, name in CLASSES if test(letter)), re.escape(letter))


def _repeated(low: int, high: int) -> str:
    if low == high:
        return "" if low == 1 else f"{{{low}}}"
    return f"{{{low},{high}}}"
