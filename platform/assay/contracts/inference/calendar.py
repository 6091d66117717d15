"""The calendar of a dataset, guessed: which column is the event time, how long a partition is, when they begin, how files are named."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.inference.column_words import vocabulary, words_of
from assay.contracts.inference.guesses import Guess, counted, trust
from assay.contracts.model.contract import Grain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import polars as pl

    from assay.contracts.inference.guesses import Sample
    from assay.contracts.inference.profile import Profile
    from assay.contracts.inference.types import Typed

NO_EVENT_TIME = "none"
MOSTLY = 0.95
ROWS_A_DAY = 50  # fewer rows a day make smaller files than they are worth: then a month is a partition
FAR_BEFORE = 5  # years; so far before nearly all others a date is a slip or a word for "absent"
LONGEST_LATENESS = 7
EVENT = vocabulary(
    "event occurred happened recorded measured observed ordered order created timestamp ts time date datetime day booked transaction sale "
    "sold sent received logged at when started start"
)
LATER = vocabulary("due delivered delivery shipped shipping paid planned scheduled closed cancelled returned deadline end ended finished")
NEVER = vocabulary("updated modified changed valid until expiry expires expiration birth birthday dob since founded hired last next")
FILE_DATES = (
    (re.compile(r"(?<!\d)(\d{4})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)"), "yyyy{0}MM{0}dd"),
    (re.compile(r"(?<!\d)(\d{4})([-_.])(0[1-9]|1[0-2])(?!\d|\2\d)"), "yyyy{0}MM"),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How files are named: the path with its {arrival:FORMAT}, the date in the sample's own name if it has one, and its format."""

    path: str
    day: date | None
    format: str
    guess: Guess


@dataclass(frozen=True, slots=True)
class Calendar:
    """How time runs. `column` is the landing column of the event time; without one the dataset is a snapshot and has no partitions.

    `lost` counts the rows that belong to no event partition: their time cannot be read, or lies before the first.
    """

    column: str | None
    event: Guess
    grain: Grain = Grain.NONE
    grain_guess: Guess | None = None
    start: date | None = None
    start_guess: Guess | None = None
    arrival_start: date | None = None
    lost: int = 0
    lateness: int = 0
    lateness_guess: Guess | None = None


def guess_arrival(sample: Sample) -> Arrival:
    """The landing path, from the date in the sample's name. A compressed file may land too, where the format has such."""
    stem, ending = _ending(sample.file)
    tail = f"{ending}*" if sample.format in {"csv", "jsonl"} else ending
    for pattern, form in FILE_DATES:
        match = pattern.search(stem)
        if match and (day := _date(match)):
            spelled = form.format(match.group(2))
            name = f"{stem[: match.start()]}{{arrival:{spelled}}}{stem[match.end() :]}"
            reason = "the date in the sample's name; a file belongs to nobody if its name has none"
            return Arrival(f"{sample.dataset}/{name.replace('*', '_')}{tail}", day, spelled, Guess("path", reason, 0.85))
    reason = "the sample's name has no date; name the files so, with the day they arrive"
    return Arrival(f"{sample.dataset}/{sample.dataset}_{{arrival:yyyy-MM-dd}}{tail}", None, "yyyy-MM-dd", Guess("path", reason, 0.5))


def _date(match: re.Match[str]) -> date | None:
    year, month, *day = (int(part) for part in match.groups() if part.isdigit())
    try:
        return date(year, month, *day or [1])
    except ValueError:
        return None


def _ending(file: str) -> tuple[str, str]:
    """The name and its ending, without the one of a compression."""
    stem = re.sub(r"\.(gz|bz2|zst|lz4|xz)$", "", file)
    name, dot, ending = stem.rpartition(".")
    return (name, f".{ending}") if dot and name else (stem, "")


def guess_calendar(
    profiles: Sequence[Profile], types: Mapping[str, Typed], personal: Collection[str], arrival: Arrival, wanted: str | None
) -> Calendar:
    """The calendar of a sample. `wanted` names the event time's column, or `none`; without it the best candidate is taken."""
    if wanted == NO_EVENT_TIME:
        return Calendar(None, Guess("eventTime", "asked for: a snapshot, which each new file replaces", 1.0))
    found = sorted(_candidates(profiles, types, personal), reverse=True) if wanted is None else []
    if wanted is None and not found:
        return Calendar(None, Guess("eventTime", "no column with a date or time that every row has: each new file replaces the whole", 0.6))
    place = -found[0][1] if found else [profile.name for profile in profiles].index(str(wanted))
    profile = profiles[place]
    typed, days = types[profile.name], _days(profile, types[profile.name])
    others = [profiles[-other].name for _, other in found[1:4]]
    reason = f"{typed.reads.logical} in {days.len():,} of {counted(profile.rows, 'row')}"
    reason += f"; other candidates: {', '.join(others)}" if others else ""
    certainty = 1.0 if wanted else trust(days.len()) * (0.9 if not others else 0.6) * (0.7 if found[0][0] < 1 else 1)
    calendar = _calendar(profile.name, days, arrival, Guess(f"eventTime ({profile.name})", reason, certainty))
    return replace(calendar, lost=calendar.lost + profile.rows - days.len())


def _candidates(profiles: Sequence[Profile], types: Mapping[str, Typed], personal: Collection[str]) -> Iterator[tuple[float, int]]:
    """How well each date or time would do as event time, and its place, negative, so that the left one is the larger."""
    for place, profile in enumerate(profiles):
        typed, words = types[profile.name], set(words_of(profile.name))
        read = profile.present - typed.unreadable
        if typed.reads.logical not in {"date", "timestamp"} or profile.name in personal or words & NEVER or read < MOSTLY * profile.rows:
            continue
        yield (1.0 if words & EVENT else 0.0) - (1.5 if words & LATER else 0.0) + (0.5 if not profile.absent else 0.0), -place


def _days(profile: Profile, typed: Typed) -> pl.Series:
    """The event date of every row that has one."""
    import polars as pl

    values = typed.reads.values
    frame = pl.DataFrame({"day": values.dt.date() if values.dtype == pl.Datetime else values, "count": profile.counts}).drop_nulls()
    return frame.select(pl.col("day").repeat_by("count").explode())["day"].drop_nulls().sort()


def event_dates(texts: pl.Series, profile: Profile, typed: Typed) -> pl.Series:
    """The event date of each of some texts of a column; null for one that cannot be read."""
    import polars as pl

    values = typed.reads.values
    known = pl.DataFrame({"text": profile.texts, "day": values.dt.date() if values.dtype == pl.Datetime else values})
    return texts.alias("text").to_frame().join(known, on="text", how="left", maintain_order="left")["day"]


def _calendar(column: str, days: pl.Series, arrival: Arrival, event: Guess) -> Calendar:
    different = days.n_unique()
    by_month = days.len() < ROWS_A_DAY * different
    grain = Grain.MONTH if by_month else Grain.DAY
    said = f"{days.len() / different:,.0f} rows a day, {'fewer' if by_month else 'not fewer'} than {ROWS_A_DAY}"
    said += "; a month is published when it is over" if by_month else ""
    grain_guess = Guess("partitioning", said, 0.6 * trust(different))
    year, usual = int(str(days.dt.year().min())), int(str(days.dt.year().sort()[days.len() // 100]))
    before = int((days.dt.year() < usual).sum()) if usual - year > FAR_BEFORE else 0
    start = date(max(usual if before else year, 1), 1, 1)
    reason = f"the year of the earliest that was seen, {days.dt.to_string('%Y-%m-%d')[before]}"
    reason += f"; {counted(before, 'row')} far before it will be quarantined" if before else "; rows before it are quarantined"
    lateness, late_guess = _lateness(days, grain, arrival)
    arrival_start = min(start, arrival.day.replace(month=1, day=1)) if arrival.day else start
    return Calendar(column, event, grain, grain_guess, start, Guess("start", reason, 0.7), arrival_start, before, lateness, late_guess)


def _lateness(days: pl.Series, grain: Grain, arrival: Arrival) -> tuple[int, Guess]:
    """How many arrivals after its event partition a row came, as far as one file with a date in its name can tell."""
    about = "lateness"
    if arrival.day is None or arrival.format.count("d") == 0:
        return 0, Guess(about, "one file does not tell how late rows come; later ones are found all the same", 0.5)
    first = days[0]
    late = (arrival.day - first).days if grain is Grain.DAY else (arrival.day.year - first.year) * 12 + arrival.day.month - first.month
    if 0 <= late <= LONGEST_LATENESS:
        return late, Guess(about, f"the earliest row of the file of {arrival.day} is of {first}", 0.6)
    return 0, Guess(about, f"the rows of the file of {arrival.day} begin on {first}, which tells nothing", 0.5)
