"""The type of a column, guessed: the one that reads the most texts, if it reads nearly all.

Nearly all is 99 in 100 rows, or all but one of at least 20. What is not read is counted in the guess: such rows will be quarantined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.contracts.inference.guesses import counted, trust
from assay.contracts.inference.numbers import booleans, integers, is_meant, numbers
from assay.contracts.inference.readings import (
    AS_IT_IS,
    BLANKS,
    DECIMAL_COMMA,
    MICROSECONDS,
    MICROSECONDS_UTC,
    THOUSANDS,
    TRIMMED,
    Reads,
    kept,
    share,
)
from assay.contracts.inference.times import compact_dates, epochs, times

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from assay.contracts.inference.guesses import Declared
    from assay.contracts.inference.profile import Profile

STRING = "string"
ENOUGH_FOR_ONE = 20
NEARLY = 0.8
LONG_TEXT = 40  # a longer text, or one with line breaks, is written by people: blanks around belong to it
MONTH_NAME = (
    r"(?i)^(?:[a-z]{2,9},? )?(?:\d{1,2}\.?[ -])?(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec|m[aä]r|mai|okt|dez)[a-zä]{0,7}[., -]"
    r".{0,3}\d"
)
TYPES = ("boolean", "integer", "number", "date", "timestamp")
# what a file that declares types may still hold in a column of each: times are often kept as text or as a number
MAY_BE = {STRING: ("date", "timestamp"), "integer": ("integer", "timestamp")}


@dataclass(frozen=True, slots=True)
class Typed:
    """A column's type: how it is read, how many rows have a value that it does not read, and why it was guessed."""

    reads: Reads
    unreadable: int
    reason: str
    certainty: float


def tolerated(present: int) -> int:
    """How many of so many values a type may fail to read and still be the type of the column."""
    return max(present // 100, 1 if present >= ENOUGH_FOR_ONE else 0)


def guess_type(profile: Profile, declared: Declared | None = None, only: Collection[str] = TYPES) -> Typed:
    """The type of a column, of those in `only`; text if none of them reads nearly all values."""
    if not profile.present:
        nothing = Reads(STRING, "VARCHAR", AS_IT_IS, profile.texts, "no value was seen")
        return Typed(nothing, 0, "no value was seen, so text", 0.1)
    allowed = [name for name in only if declared is None or name in MAY_BE.get(declared.logical, (declared.logical,))]
    found = [reads for reads in _candidates(profile) if reads.logical in allowed]
    best = min(found, key=lambda reads: reads.unreadable(profile), default=None)
    if best is None or best.unreadable(profile) > tolerated(profile.present):
        return _text(profile, best, declared)
    if declared and declared.logical == best.logical and declared.physical:
        best = replace(best, physical=declared.physical, certainty=1.0)
    return _typed(profile, best, declared)


def _candidates(profile: Profile) -> Iterator[Reads]:
    """Every type that reads some of the texts: as they are first, then cleaned. Of two that read the same, the first is better."""
    texts = profile.texts
    yield from epochs(profile, texts)
    for kind in (booleans, compact_dates, integers, numbers, times):
        yield from kind(profile, AS_IT_IS, texts)
    for reading, fine in ((MICROSECONDS, r"\.[0-9]{7,9}$"), (MICROSECONDS_UTC, r"\.[0-9]{7,9}Z$")):
        if texts.str.contains(fine).any():
            yield from times(profile, reading, reading.applied(profile))
    if texts.str.contains(BLANKS).any():
        trimmed = TRIMMED.applied(profile)
        for kind in (booleans, compact_dates, integers, numbers, times):
            yield from kind(profile, TRIMMED, trimmed)
    meant = [reading for reading in (THOUSANDS, DECIMAL_COMMA) if is_meant(reading, texts)]
    for reading in meant:
        cleaned = reading.applied(profile)
        for kind in (integers, numbers):
            for reads in kind(profile, reading, cleaned):
                yield replace(reads, certainty=0.4, said=f"{reads.said}; a comma may be either: check this") if len(meant) > 1 else reads


def _typed(profile: Profile, best: Reads, declared: Declared | None) -> Typed:
    unreadable, present = best.unreadable(profile), profile.present
    said = [f"{best.said}: {present - unreadable:,} of {counted(present, 'value')}"]
    said += [best.reading.said] if best.reading.said else []
    said += [f"{counted(unreadable, 'row')} cannot be read so and will be quarantined"] if unreadable else []
    said += [f"the file declares {declared.logical}"] if declared else []
    certainty = best.certainty * (1.0 if declared and declared.physical else trust(present)) * (0.8 if unreadable else 1.0)
    return Typed(best, unreadable, "; ".join(said), certainty)


def _text(profile: Profile, nearly: Reads | None, declared: Declared | None) -> Typed:
    blanks = share(profile.texts.str.contains(BLANKS), profile.counts)
    reading = TRIMMED if blanks and not _is_free(profile) else AS_IT_IS
    texts = reading.applied(profile)
    reads = Reads(STRING, "VARCHAR", reading, kept(texts.is_not_null(), texts), "text")
    said, certainty = [f"text: {counted(profile.present, 'value')}, {profile.texts.len():,} different"], trust(profile.present)
    if nearly is not None and (missed := nearly.unreadable(profile)) <= (1 - NEARLY) * profile.present:
        said.append(f"nearly {nearly.logical}, but {counted(missed, 'row')} cannot be read so, more than 1 in 100")
        certainty = 0.3
    fate = "are cut off" if reading is TRIMMED else "belong to it"
    said += [f"{round(blanks * profile.present):,} with blanks around, which {fate}"] if blanks else []
    if share(profile.texts.str.contains(MONTH_NAME), profile.counts) >= NEARLY:
        said.append("dates with names of months, which no format reads: have them sent as 2024-03-31, or write a transform")
    said += ["the file declares text"] if declared and declared.logical == STRING else []
    return Typed(reads, 0, "; ".join(said), certainty)


def _is_free(profile: Profile) -> bool:
    """Whether people wrote the texts: some are long, or have more than one line."""
    stripped = profile.texts.str.strip_chars()
    return bool((stripped.str.len_chars() > LONG_TEXT).any() or stripped.str.contains(r"[\r\n]").any())
