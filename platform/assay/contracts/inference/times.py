"""Dates and times among the texts of a column: which of the formats that a contract can say reads them, and what stays ambiguous."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from assay.contracts.inference.column_words import INSTANT, words_of
from assay.contracts.inference.readings import EPOCH_MILLISECONDS, EPOCH_SECONDS, Reads
from assay.contracts.language.date_formats import strptime_format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from assay.contracts.inference.profile import Profile
    from assay.contracts.inference.readings import Reading

LOOKED_AT = 1_000
COMPACT = r"^(19|20)[0-9]{6}$"
FEWEST_COMPACT = 5  # fewer numbers of eight digits may be dates by chance
SHAPE = re.compile(
    r"(?:(?P<year>\d{4})(?P<s1>[-/.])(?P<m>\d{1,2})(?P=s1)(?P<d>\d{1,2})|(?P<first>\d{1,2})(?P<s2>[-/.])(?P<second>\d{1,2})(?P=s2)\d{4})"
    r"(?:(?P<sep>[T ])(?P<h>\d{1,2}):\d{2}(?P<sec>:\d{2}(?P<frac>\.\d+)?)?)?(?P<zone>Z|[+-]\d{2}:\d{2}|[+-]\d{4})?"
)
FRACTIONS = {None: "", 4: ".SSS", 7: ".SSSSSS"}
EPOCHS = {EPOCH_SECONDS: (10**9, 4 * 10**9), EPOCH_MILLISECONDS: (10**12, 4 * 10**12)}


def compact_dates(_: Profile, reading: Reading, texts: pl.Series) -> Iterator[Reads]:
    """Dates of eight digits, in a column that holds nothing else."""
    if texts.len() >= FEWEST_COMPACT and texts.str.contains(COMPACT).all():
        values = parsed(texts, "yyyyMMdd")
        if not values.has_nulls():
            yield Reads("date", "DATE", reading, values, "eight digits that are a date each", "yyyyMMdd", 0.9)


def epochs(profile: Profile, texts: pl.Series) -> Iterator[Reads]:
    """Seconds or milliseconds since 1970, in a column whose name speaks of a time."""
    import polars as pl

    if not set(words_of(profile.name)) & INSTANT:
        return
    numbers = texts.cast(pl.Int64, strict=False)
    for reading, (low, high) in EPOCHS.items():
        if (known := numbers.drop_nulls()).len() and known.is_between(low, high).all():
            pattern = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'" if reading is EPOCH_MILLISECONDS else "yyyy-MM-dd'T'HH:mm:ss'Z'"
            values = parsed(reading.applied(profile), pattern)
            yield Reads("timestamp", "TIMESTAMP", reading, values, "a time by its name", pattern, 0.85)


def times(profile: Profile, reading: Reading, texts: pl.Series) -> Iterator[Reads]:
    """Dates and timestamps in each format that some of the texts are spelled in, day before month and month before day."""
    found = list[Reads]()
    for pattern in _patterns(texts.head(LOOKED_AT).drop_nulls().to_list()):
        values = parsed(texts, pattern)
        logical, physical = ("timestamp", "TIMESTAMP") if "mm" in pattern else ("date", "DATE")
        found.append(Reads(logical, physical, reading, values, pattern, pattern))
    least = min((reads.unreadable(profile) for reads in found), default=0)
    best = [reads for reads in found if reads.unreadable(profile) == least]
    yield from _ordered(best)


def _ordered(best: list[Reads]) -> Iterator[Reads]:
    """Each different meaning once. Where no value tells day from month, the order that puts the dates closer together comes first."""
    different = list[Reads]()
    for reads in best:
        if not any(reads.values.equals(other.values) for other in different):
            different.append(reads)
    if len(different) < 2:
        yield from different
        return
    spans = {str(reads.format): _days(reads.values) for reads in different}
    said = ", ".join(f"{pattern} spans {days:,} days" for pattern, days in spans.items())
    for reads in sorted(different, key=lambda one: spans[str(one.format)]):
        yield replace(reads, said=f"day and month cannot be told apart: {said}; check this", certainty=0.4)


def _days(values: pl.Series) -> int:
    """How many days lie between the first and the last."""
    import polars as pl

    days = values.cast(pl.Date).to_physical().drop_nulls()
    return 0 if days.is_empty() else int(str(days.max())) - int(str(days.min()))


def _patterns(texts: Iterable[str]) -> list[str]:
    """The Java formats that the texts are spelled in; of two that read the same, the one that allows more comes first."""
    found = dict[str, None]()
    for text in texts:
        if match := SHAPE.fullmatch(text):
            found |= dict.fromkeys(_formats_of(match))
    return sorted(found)


def _formats_of(match: re.Match[str]) -> Iterator[str]:
    fraction = len(match["frac"]) if match["frac"] else None
    if fraction not in FRACTIONS or (match["zone"] and not match["h"]):
        return
    clock = ""
    if match["h"]:
        hour = "HH" if len(match["h"]) == 2 else "H"
        clock = ("'T'" if match["sep"] == "T" else " ") + f"{hour}:mm" + (":ss" if match["sec"] else "") + FRACTIONS[fraction]
        clock += {None: "", "Z": "'Z'"}.get(match["zone"], "XXX" if ":" in (match["zone"] or "") else "Z")
    for day in _dates_of(match):
        yield day + clock
        if match["zone"] == "Z":
            yield f"{day}{clock.removesuffix(chr(39) + 'Z' + chr(39))}XXX"


def _dates_of(match: re.Match[str]) -> tuple[str, ...]:
    if match["year"]:
        month, day = ("MM" if len(match["m"]) == 2 else "M"), ("dd" if len(match["d"]) == 2 else "d")
        return (f"yyyy{match['s1']}{month}{match['s1']}{day}",)
    loose = len(match["first"]) == 1 or len(match["second"]) == 1
    day, month = ("d", "M") if loose else ("dd", "MM")
    return (f"{day}{match['s2']}{month}{match['s2']}yyyy", f"{month}{match['s2']}{day}{match['s2']}yyyy")


def parsed(texts: pl.Series, pattern: str) -> pl.Series:
    """The texts as the engine reads them in a Java format: dates, or instants in UTC; null where it cannot. A time without zone is UTC."""
    form = strptime_format(pattern)
    if "mm" not in pattern:
        return texts.str.to_date(form, strict=False)
    return texts.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone("UTC")
