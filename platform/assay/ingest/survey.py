"""The survey of the landing folder: what becomes of every file below it, and why.

A file is taken, waits until its arrival is over, or is ignored. Nothing here reads a file or a table: a survey is made of names, calendars
and the time that it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from assay.contracts.language.file_names import parts_of
from assay.contracts.model.calendars import arrival_calendar, midnight, zone_of
from assay.errors import FileUnreadable
from assay.ingest.folders import LEADS_NOWHERE, folder_of
from assay.ingest.landing import allowed, days_in, folder_leads_out, leads_out, like
from assay.ingest.landing_file import Stamp, shown_name, told_name
from assay.ingest.misnamed import why_not
from assay.ingest.opening import outside, taken_from

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.ingest.folders import Folder

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


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one folder that fare alike: their names, in order, what is to be said of each, and a digest of the names."""

    below: str
    names: tuple[str, ...]
    like: Sighting
    digest: bytes = b""

    def sightings(self, most: int | None = None) -> Iterator[tuple[str, Sighting]]:
        """Each of them, or the first, with its path as the file system has it."""
        for name in self.names[:most]:
            path = f"{self.below}/{name}" if self.below else name
            yield path, replace(self.like, name=shown_name(told_name(path)))


def survey(landing: Path, contracts: Mapping[str, Contract], now: datetime, linked: Sequence[Path] = ()) -> list[Sighting]:
    """What becomes of every file below the landing folder, by name. One that several datasets would read is there for each.

    A folder behind a link is looked into if it lies in the landing folder, or in one of the folders `linked`; a name with a leading dot
    is left out for an hour, while it may still be written. Raises FileUnreadable for a folder that cannot be listed.
    """
    return each_of(census(landing, contracts, now, linked))


def each_of(groups: Sequence[Group]) -> list[Sighting]:
    """The files of some groups, by name."""
    return [sighting for _, sighting in sorted((one for group in groups for one in group.sightings()), key=lambda one: one[0])]


def census(landing: Path, contracts: Mapping[str, Contract], now: datetime, linked: Sequence[Path] = ()) -> list[Group]:
    """The same in groups of files that fare alike, so that years of files are not looked at one by one."""
    readers, found = _Readers(contracts), list[Group]()
    for below, folder in _walk(landing, allowed(landing, linked), found):
        known = readers.of(below)
        for contract in known:
            for day, files in days_in(landing, below, folder, contract.source.path).items():
                found.append(Group(below, files.names, _judged(contract, day, now), files.told))
        for name in _strangers(folder, [contract.source.path for contract in known]):
            found += _alone(folder, below, name, contracts, now, leads=name in folder.links and leads_out(landing / below / name))
    return found


class _Readers:
    """The contracts by the folders that their files lie in. To ask each contract of each folder is years of folders times all contracts."""

    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        self._by_place: dict[tuple[int, str], list[tuple[re.Pattern[str], Contract]]] = {}
        for contract in contracts.values():
            *folders, _ = parts_of(contract.source.path)
            first = folders[0] if folders and "*" not in folders[0] else ""
            self._by_place.setdefault((len(folders), first), []).append((like("/".join(folders)), contract))
        self._order = {name: number for number, name in enumerate(contracts)}

    def of(self, below: str) -> list[Contract]:
        """Those whose files may lie in this folder, in the order in which the contracts are known."""
        folders = below.split("/") if below else []
        firsts = {"", folders[0]} if folders else {""}
        near = [one for first in firsts for one in self._by_place.get((len(folders), first), ())]
        return sorted((one for pattern, one in near if pattern.fullmatch(below)), key=lambda one: self._order[one.dataset])


def _strangers(folder: Folder, paths: Sequence[str]) -> list[str]:
    """The names in a folder that are no folders and that no contract's group has."""
    if (key := ("strangers", "\0".join(paths))) not in folder.derived:
        taken = {name for path in paths for files in folder.derived["by day", path].values() for name in files.names}
        folder.derived[key] = [name for name in (*folder.marks, *folder.failed) if name not in taken and not _is_folder(folder, name)]
    found: list[str] = folder.derived[key]
    return found


def _is_folder(folder: Folder, name: str) -> bool:
    return name in folder.marks and folder.is_folder(name)


def _alone(folder: Folder, below: str, name: str, contracts: Mapping[str, Contract], now: datetime, *, leads: bool) -> Iterator[Group]:
    """What is said of a file that nobody takes, once it is not being written any more."""
    path = f"{below}/{name}" if below else name
    if name in folder.failed:
        fault, written = f"it cannot be looked up: {folder.failed[name].strerror}", None
    else:
        fault = LEADS_OUT if leads else _fault(folder, name)
        may_be_written = not leads and folder.is_file(name)
        written = datetime.fromtimestamp(Stamp.of_mark(folder.marks[name]).modified_ns / 1e9, UTC) if may_be_written else None
    if not fault:
        dataset, why = why_not(told_name(path), contracts)
        yield _one(path, Sighting("", Fate.IGNORED, dataset, why=why))
    elif written is None or now - written > UNFINISHED:
        yield _one(path, Sighting("", Fate.IGNORED, why=fault))


def _one(path: str, like: Sighting) -> Group:
    below, _, name = path.rpartition("/")
    return Group(below, (name,), like)


def _judged(contract: Contract, day: date, now: datetime) -> Sighting:
    """What is said of a file of this day."""
    calendar, until = arrival_calendar(contract), taken_from(contract, day)
    arrival = "" if calendar is None else calendar.first_of(day).isoformat()
    if calendar is not None and (why := outside(calendar, day)):
        return Sighting("", Fate.IGNORED, contract.dataset, arrival, why)
    if until <= now:
        return Sighting("", Fate.TAKEN, contract.dataset, arrival)
    until = until.astimezone(ZoneInfo(zone_of(contract)))
    begun = calendar is not None and midnight(calendar.first_of(day), calendar.zone) <= now
    why = f"its {calendar.grain} is not over in {calendar.zone}" if calendar and begun else f"{day} is still to come in {zone_of(contract)}"
    return Sighting("", Fate.WAITS, contract.dataset, arrival, why, until)


def _walk(
    landing: Path, places: Sequence[Path], said: list[Group], below: str = "", above: tuple[tuple[int, int], ...] = ()
) -> Iterator[tuple[str, Folder]]:
    """Every folder below a folder, and that itself; of one that leads out it is `said`.

    `above` are the folders that it is in: a link to one would be walked for ever.
    """
    try:
        folder = folder_of(landing, below)
    except OSError as error:
        if error.errno in LEADS_NOWHERE:
            return
        what = f"Tried to list {below or 'the landing folder'!a}; {error.strerror}."
        raise FileUnreadable(what, hint="Give this process the right to read it.") from error
    if folder.identity in above:
        return
    yield below, folder
    for name in folder.folders:
        relative = f"{below}/{name}" if below else name
        if name in folder.links and folder_leads_out(landing / relative, places):
            said.append(_one(relative, Sighting("", Fate.IGNORED, why=FOLDER_LEADS_OUT)))
        else:
            yield from _walk(landing, places, said, relative, (*above, folder.identity))


def _fault(folder: Folder, name: str) -> str:
    if name.startswith("."):
        return "its name begins with a dot, as that of a file that is still being written"
    return "" if folder.is_file(name) else "it is no file"
