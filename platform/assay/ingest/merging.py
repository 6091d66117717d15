"""Merging: what an arrival is made from, the files that lie in landing and what bronze holds of names that do not.

A file of the same name with another content replaces the old content. One content under several names is taken once, and each of the names
is written down: whatever lands under one of them, the rows stay for the others. The newest file of a snapshot stays the newest.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from assay.contracts.language.file_names import arrival_names
from assay.ingest.bronze_contents import HeldFile
from assay.ingest.opening import taken_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from assay.contracts.model.contract import Contract
    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.arrived import Arrived
    from assay.ingest.landing_file import LandingFile


class Content(NamedTuple):
    """A content of an arrival: the file that is read for it, its hash, the other names that it has."""

    file: LandingFile | HeldFile
    digest: str
    aliases: tuple[str, ...] = ()


Contents = tuple[Content, ...]


def merged(found: Sequence[tuple[LandingFile, str]], held: Sequence[HeldFile], source: LandingSource) -> Contents:
    """The contents of an arrival, in the order of their names: of what lies in landing, and what bronze holds of names that do not.

    Of several names of a content that goes on to have its rows which has them in bronze, so that no row gets another origin when a name
    comes or is archived; else the first of which the rows can be read.
    """
    order, there = arrival_names(source.path).order, {file.name for file, _ in found}
    both: list[tuple[LandingFile | HeldFile, str]] = [*found, *((file, file.landed.hash) for file in held if file.name not in there)]
    has = {file.landed.hash: file.under for file in sorted(held, key=lambda one: order(one.under), reverse=True)}
    names: dict[str, list[LandingFile | HeldFile]] = {}
    for file, digest in sorted(both, key=lambda one: (_is_lost(one[0]), one[0].name != has.get(one[1]), order(one[0].name))):
        names.setdefault(digest, []).append(file)
    contents = (Content(first, digest, tuple(sorted((one.name for one in rest), key=order))) for digest, (first, *rest) in names.items())
    return tuple(sorted(contents, key=lambda one: order(one.file.name)))


def _is_lost(file: LandingFile | HeldFile) -> bool:
    """Whether the rows of a file that is not in landing cannot be read from bronze."""
    return isinstance(file, HeldFile) and file.rows is None


def newest_of(arrived: Arrived, held: Sequence[HeldFile], contract: Contract, now: datetime | None = None) -> Contents:
    """The newest file of a snapshot, which may be the one that bronze holds; nothing if it is gone since it was listed.

    A file that names a day to come, as of `now`, is not yet its newest.
    """
    names = arrival_names(contract.source.path)

    def is_open(day: date | None) -> bool:
        return now is None or day is None or taken_from(contract, day) <= now

    # of those before the newest day none can be the newest: years of files are not looked at
    day = max((day for day in arrived.groups if is_open(date.fromisoformat(day))), default="")
    files = list(arrived.files(day))
    there = {file.name for file in files}
    moments = ((file, names.moment(file.name)) for file in held if file.name not in there)
    archived = [file for file, moment in moments if is_open(moment.date() if moment else None)]
    known: list[LandingFile | HeldFile] = [*files, *archived]
    if not known:
        return ()
    newest = max(known, key=lambda file: names.order(file.name))
    digest = newest.landed.hash if isinstance(newest, HeldFile) else arrived.hash_of(newest)
    return (Content(newest, digest),) if digest is not None else ()
