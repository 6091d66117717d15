"""The survey of the landing folder: what becomes of every file below it, and why.

A file is taken, waits until its arrival is over, or is ignored. Nothing here reads a file or a table: a survey is made of names, calendars
and the time that it is.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from assay.contracts.arrivals import arrival_names, shown_name
from assay.contracts.calendars import arrival_calendar, midnight, zone_of
from assay.errors import FileUnreadable
from assay.ingest.misnamed import why_not

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from assay.contracts.model import Contract

UNFINISHED = timedelta(hours=1)  # a name with a leading dot is a file that is being written; nobody writes for longer


class Fate(StrEnum):
    """What becomes of a file."""

    TAKEN = "taken"
    WAITS = "waits"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file below the landing folder: its dataset (empty if it belongs to none), its arrival, and why it is not taken.

    `until` is the instant from which a file that waits is taken. `arrival` is the first day of its partition, empty for a snapshot.
    """

    name: str
    fate: Fate
    dataset: str = ""
    arrival: str = ""
    why: str = ""
    until: datetime | None = None


def survey(landing: Path, contracts: Mapping[str, Contract], now: datetime) -> list[Sighting]:
    """What becomes of every file below the landing folder, by name. One that several datasets would read is there for each.

    A folder behind a link is looked into; a name with a leading dot is left out for an hour, while it may still be written. Raises
    FileUnreadable for a folder that cannot be listed.
    """
    found = []
    for name, fault, age in sorted(_walk(landing, now)):
        readers = [contract for contract in contracts.values() if arrival_names(contract.source.path).moment(name)]
        if fault is not None:
            if age > UNFINISHED or not _is_hidden(name):
                found.append(Sighting(shown_name(name), Fate.IGNORED, why=fault))
        elif readers:
            found += [_judged(name, contract, now) for contract in readers]
        else:
            dataset, why = why_not(name, contracts)
            found.append(Sighting(shown_name(name), Fate.IGNORED, dataset, why=why))
    return found


def waits_until(contract: Contract, day: date) -> datetime:
    """The instant from which a file of this date may be taken: the end of its arrival, or its beginning where the contract says so.

    A snapshot has no arrivals: its file replaces the table from the day that it names.
    """
    calendar = arrival_calendar(contract)
    if calendar is None:
        return midnight(day, zone_of(contract))
    first = calendar.first_of(day)
    return midnight(first if calendar.current else calendar.after(first), calendar.zone)


def _judged(name: str, contract: Contract, now: datetime) -> Sighting:
    moment = arrival_names(contract.source.path).moment(name)
    assert moment is not None  # noqa: S101  # the caller looked
    day, calendar = moment.date(), arrival_calendar(contract)
    sighting = Sighting(shown_name(name), Fate.TAKEN, contract.dataset)
    if calendar is not None:
        first = calendar.first_of(day)
        sighting = replace(sighting, arrival=first.isoformat())
        if first < calendar.start:
            return replace(sighting, fate=Fate.IGNORED, why=f"{day} is before the first arrival of the contract, {calendar.start}")
        if not calendar.has(first):
            return replace(sighting, fate=Fate.IGNORED, why=f"{day} is not before the end of the contract's arrivals, {calendar.end}")
        if midnight(first, calendar.zone) >= midnight(calendar.after(first), calendar.zone):
            return replace(sighting, fate=Fate.IGNORED, why=f"no clock in {calendar.zone} showed the day {day}")
    until = waits_until(contract, day)
    if until <= now:
        return sighting
    if calendar is None or calendar.current or midnight(calendar.first_of(day), calendar.zone) > now:
        return replace(sighting, fate=Fate.WAITS, why=f"{day} is still to come in {zone_of(contract)}", until=until)
    return replace(sighting, fate=Fate.WAITS, why=f"its {calendar.grain} is not over in {calendar.zone}", until=until)


def _walk(landing: Path, now: datetime, below: str = "", above: tuple[tuple[int, int], ...] = ()) -> Iterator[tuple[str, str | None, timedelta]]:
    """Everything below a folder that is no folder: its name, why nobody can take it (None if it is a file), and its age."""
    here = os.stat(landing / below) if (landing / below).is_dir() else None  # noqa: PTH116
    if here is None or (here.st_dev, here.st_ino) in above:  # a link to a folder above would be walked for ever
        return
    try:
        with os.scandir(landing / below) as entries:
            names = [(entry.name, entry) for entry in entries]
    except OSError as error:
        raise FileUnreadable(f"Tried to list {below or 'the landing folder'!a}; {error.strerror}.", hint="Give this process the right to read it.") from error
    for name, entry in names:
        relative = f"{below}/{name}" if below else name
        try:
            found = entry.stat()
        except OSError as error:
            yield relative, f"it cannot be looked up ({error.strerror})", UNFINISHED * 2
            continue
        age = now - datetime.fromtimestamp(found.st_mtime, UTC)
        if stat.S_ISDIR(found.st_mode):
            yield from _walk(landing, now, relative, (*above, (here.st_dev, here.st_ino)))
        elif not stat.S_ISREG(found.st_mode):
            yield relative, "it is no file", age
        elif name.startswith("."):
            yield relative, "its name begins with a dot, as of a file that is still being written", age
        else:
            yield relative, None, age


def _is_hidden(name: str) -> bool:
    return name.rpartition("/")[2].startswith(".")
