"""The survey of the landing folder: what becomes of every file below it, and why.

A file is taken, waits until its arrival is over, or is ignored. Nothing here reads a file or a table: a survey is made of names, calendars
and the time that it is.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from assay.contracts.language.file_names import arrival_names
from assay.contracts.model.calendars import arrival_calendar, midnight, zone_of
from assay.errors import FileUnreadable
from assay.ingest.landing import LEADS_NOWHERE, allowed, folder_leads_out, leads_out, shown_name, told_name
from assay.ingest.misnamed import why_not
from assay.ingest.opening import outside, taken_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract

LEADS_OUT = "it is a link that leads out of its folder; have the file itself land"
FOLDER_LEADS_OUT = "it is a link to a folder outside of the landing folder; ASSAY_LANDING_LINKS names the places that links may lead to"
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


def survey(landing: Path, contracts: Mapping[str, Contract], now: datetime, linked: Sequence[Path] = ()) -> list[Sighting]:
    """What becomes of every file below the landing folder, by name. One that several datasets would read is there for each.

    A folder behind a link is looked into if it lies in the landing folder, or in one of the folders `linked`; a name with a leading dot
    is left out for an hour, while it may still be written. Raises FileUnreadable for a folder that cannot be listed.
    """
    return [sighting for found in sorted(_walk(landing, allowed(landing, linked))) for sighting in _seen(found, contracts, now)]


class _Found(NamedTuple):
    """Something below the landing folder that is no folder: its path, why nobody can take it (empty for a file), when it was written."""

    name: str
    fault: str = ""
    written: datetime | None = None


def _seen(found: _Found, contracts: Mapping[str, Contract], now: datetime) -> Iterator[Sighting]:
    name = told_name(found.name)
    readers = [(one, moment) for one in contracts.values() if (moment := arrival_names(one.source.path).moment(found.name))]
    if found.fault:
        if found.written is None or now - found.written > UNFINISHED:
            yield Sighting(shown_name(name), Fate.IGNORED, why=found.fault)
    elif readers:
        yield from (_judged(shown_name(name), contract, moment.date(), now) for contract, moment in readers)
    else:
        dataset, why = why_not(name, contracts)
        yield Sighting(shown_name(name), Fate.IGNORED, dataset, why=why)


def _judged(name: str, contract: Contract, day: date, now: datetime) -> Sighting:
    calendar, until = arrival_calendar(contract), taken_from(contract, day)
    arrival = "" if calendar is None else calendar.first_of(day).isoformat()
    if calendar is not None and (why := outside(calendar, day)):
        return Sighting(name, Fate.IGNORED, contract.dataset, arrival, why)
    if until <= now:
        return Sighting(name, Fate.TAKEN, contract.dataset, arrival)
    until = until.astimezone(ZoneInfo(zone_of(contract)))
    begun = calendar is not None and midnight(calendar.first_of(day), calendar.zone) <= now
    why = f"its {calendar.grain} is not over in {calendar.zone}" if calendar and begun else f"{day} is still to come in {zone_of(contract)}"
    return Sighting(name, Fate.WAITS, contract.dataset, arrival, why, until)


def _walk(landing: Path, places: Sequence[Path], below: str = "", above: tuple[tuple[int, int], ...] = ()) -> Iterator[_Found]:
    """Everything below a folder that is no folder. `above` are the folders that it is in: a link to one would be walked for ever."""
    try:
        with os.scandir(landing / below) as entries:
            found = list(entries)
        here = (landing / below).stat()
    except OSError as error:
        if error.errno in LEADS_NOWHERE:
            return
        what = f"Tried to list {below or 'the landing folder'!a}; {error.strerror}."
        raise FileUnreadable(what, hint="Give this process the right to read it.") from error
    inside = (*above, (here.st_dev, here.st_ino))
    for entry in found:
        relative = f"{below}/{entry.name}" if below else entry.name
        try:
            looked = entry.stat()
        except OSError as error:
            yield _Found(relative, f"it cannot be looked up: {error.strerror}")
            continue
        if not stat.S_ISDIR(looked.st_mode):
            if leads_out(landing / relative):
                yield _Found(relative, LEADS_OUT)
            else:
                yield _Found(relative, _fault(entry.name, looked), datetime.fromtimestamp(looked.st_mtime, UTC))
        elif folder_leads_out(landing / relative, places):
            yield _Found(relative, FOLDER_LEADS_OUT)
        elif (looked.st_dev, looked.st_ino) not in inside:
            yield from _walk(landing, places, relative, inside)


def _fault(name: str, looked: os.stat_result) -> str:
    if name.startswith("."):
        return "its name begins with a dot, as that of a file that is still being written"
    return "" if stat.S_ISREG(looked.st_mode) else "it is no file"
