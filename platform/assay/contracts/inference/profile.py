"""Profiles: for each landing column of a sample, its different texts with their counts, without those that mean "absent".

Which texts mean "absent" is a guess about the whole file, because a contract says it once for all columns.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.inference.guesses import Guess, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

# these mean "absent" wherever they stand; the others only where the rest of the column are numbers or times
SURE = frozenset(["", "null", "\\n", "n/a", "#n/a", "nan", "<null>", "(null)"])
IN_TYPED = frozenset(["na", "none", "nil", "undefined", "missing", "unknown", "tbd", "-", "--", "?", ".", "*"])
SIGNS = re.compile(r"[-?.*]+")
TYPED = re.compile(r"[+-]?\d[\d.,:/TZ +-]*")
MOST_NULLS = 20
HAVE_A_NULL = ("parquet", "avro")  # formats that tell an empty text, NaN and no value apart


@dataclass(frozen=True, slots=True)
class Profile:
    """One landing column: how many rows there were, how many had a value, and the different `texts` with their `counts`, most first."""

    name: str
    rows: int
    texts: pl.Series
    counts: pl.Series

    @property
    def present(self) -> int:
        """How many rows have a value."""
        return int(self.counts.sum())

    @property
    def absent(self) -> int:
        """How many rows have none."""
        return self.rows - self.present


@dataclass(frozen=True, slots=True)
class Nulls:
    """The texts that mean "absent", as a contract lists them, and why."""

    texts: tuple[str, ...]
    guess: Guess


OWN_NULL = Nulls((), Guess("nullValues", "the format has a null of its own, and texts are texts", 1.0))


def null_values(frame: pl.DataFrame) -> Nulls:
    """Guess the texts that mean "absent" from a frame of text columns. The empty text is always among them."""
    found, columns = Counter[str](), Counter[str]()
    doubtful = set[str]()
    for name in frame.columns:
        counts = _count_pairs(frame[name])
        for text, count in _nulls_of(counts):
            found[text] += count
            columns[text] += 1
            doubtful |= {text} if _plain(text) not in SURE else set()
    shown = [text for text, _ in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])) if text][: MOST_NULLS - 1]
    said = [f"{text!r} {counted(found[text], 'time')} in {counted(columns[text], 'column')}" for text in ["", *shown] if found[text]]
    reason = "; ".join(said) or "no text that means absent was seen"
    if doubtful:
        reason += "; in all columns these are then absent"
    return Nulls(("", *shown), Guess("nullValues", reason, 0.75 if doubtful else 0.95))


def _plain(text: str) -> str:
    return text.strip().lower()


def _count_pairs(values: pl.Series) -> list[tuple[str, int]]:
    texts, counts = _counted(values.drop_nulls())
    return list(zip(texts.to_list(), counts.to_list(), strict=True))


def _counted(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The different texts and how often each is there: most first, then by the alphabet, so that the same rows give the same draft."""
    import polars as pl

    counts = values.rename("text").value_counts(name="count").sort(["count", "text"], descending=[True, False])
    return counts["text"].cast(pl.String), counts["count"].cast(pl.Int64)


def _nulls_of(counts: Sequence[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    """The texts of one column that mean "absent": the sure ones, and the others where the rest of the values are typed, or no signs."""
    rest = [(text, count) for text, count in counts if _plain(text) not in SURE | IN_TYPED]
    total = sum(count for _, count in rest)
    is_typed = total > 0 and sum(count for text, count in rest if TYPED.fullmatch(text.strip())) >= 0.95 * total
    has_signs = any(not any(letter.isalnum() for letter in text) for text, _ in rest)
    for text, count in counts:
        plain = _plain(text)
        is_sign = bool(SIGNS.fullmatch(plain)) and total > 0 and not has_signs
        if plain in SURE or (plain in IN_TYPED and (is_typed or is_sign)):
            yield text, count


def profiles(frame: pl.DataFrame, nulls: Nulls) -> list[Profile]:
    """The profile of each column of a frame of text, in its order."""
    found = []
    for name in frame.columns:
        values = frame[name].drop_nulls()
        found.append(Profile(name, frame.height, *_counted(values.filter(~values.is_in(list(nulls.texts))))))
    return found
