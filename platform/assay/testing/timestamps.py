"""Days and instants of a contract as its files spell them, in the zone whose clocks they show."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from assay.contracts.language.date_formats import DIRECTIVE
from assay.contracts.language.sql import columns_in
from assay.contracts.model.calendars import event_calendar, midnight
from assay.ingest.bronze import event_dates
from assay.orchestration.synthetic_rows import SOME_DAY, of_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from assay.contracts.model.contract import Contract, EventTime

FIRST_DAYS = 3
TRIED = 200  # texts of one day


def usual_days(contract: Contract) -> list[date]:
    """The first days that the contract has partitions for; of months those of the first. Without partitions it does not matter which."""
    calendar = event_calendar(contract)
    if calendar is None:
        return [SOME_DAY]
    start = contract.partitioning.start or calendar.start
    days = [start + timedelta(days=number) for number in range(FIRST_DAYS)]
    return [day for day in days if contract.partitioning.end is None or day < contract.partitioning.end]


def spelled(moment: datetime | date, format_: str, zone: str | None = None) -> str:
    """A day or an instant in a strptime format: with an offset in UTC, else as the clocks of a zone show it (default: UTC)."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    elif zone is not None and "z" not in format_.replace("%#z", "z"):
        moment = moment.astimezone(ZoneInfo(zone))
    parts = {
        "%Y": f"{moment.year:04}", "%m": f"{moment.month:02}", "%-m": str(moment.month), "%d": f"{moment.day:02}", "%-d": str(moment.day),
        "%H": f"{moment.hour:02}", "%-H": str(moment.hour), "%M": f"{moment.minute:02}", "%S": f"{moment.second:02}",
        "%3f": f"{moment.microsecond // 1000:03}", "%6f": f"{moment.microsecond:06}", "%9f": f"{moment.microsecond:06}000",
        "%#z": "+00:00", "%z": "+0000", "%%": "%",
    }  # fmt: skip
    return DIRECTIVE.sub(lambda found: parts[found.group()], format_)


def moment_on(day: date, zone: str, random: Random) -> datetime:
    """An instant of a day in a zone: often the first or the last second, where zones are mistaken."""
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    last = int((end - start).total_seconds()) - 1
    return start + timedelta(seconds=random.choice((0, last, random.randint(0, last))))


def event_columns(contract: Contract) -> tuple[str, ...]:
    """The landing columns that tell a row's event time."""
    return columns_in(contract.event_time.expression, contract.source.columns) if contract.event_time else ()


def event_texts(contract: Contract, days: Sequence[date], random: Random) -> list[dict[str, str]]:
    """What the event time's columns may hold so that a row belongs to one of some days, each of them among the answers if it can be."""
    import polars as pl

    names, time = event_columns(contract), contract.event_time
    if time is None or not names:
        return []
    found = list[dict[str, str]]()
    for day in days:
        tried = [of_day(contract, day)]
        if len(names) == 1:
            tried += [{names[0]: text} for text in _texts_on(contract, names[0], time, day, random)]
        frame = pl.DataFrame([[one[name] for one in tried] for name in names], schema=dict.fromkeys(names, pl.String))
        found += [one for one, told in zip(tried, event_dates(frame, contract).to_list(), strict=True) if told == day]
    return found


def _texts_on(contract: Contract, name: str, time: EventTime, day: date, random: Random) -> list[str]:
    """Texts of a column: in the format of the event time, and in those of the columns that are published from it."""
    formats = {(time.format, time.source_zone)}
    formats |= {(one.format, one.source_zone or "UTC") for one in contract.columns if one.source == name and one.format}
    moments = [moment_on(day, time.zone, random) for _ in range(TRIED if len(formats) > 1 else TRIED // 10)]
    return [spelled(moment, format_, zone) for moment in moments for format_, zone in sorted(formats)]
