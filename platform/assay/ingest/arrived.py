"""What has arrived: the files of a source by arrival, as they lie there now, each with the hash of its content.

A hash is remembered as long as the file has the inode, the bytes and the times that it had when it was read, and these are so old that
a file which is written now gets others. What is remembered outlives the process in the index, if there is one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from assay.contracts.model.contract import Grain
from assay.ingest.landing import listed_days, listing_of
from assay.ingest.landing_file import is_settled
from assay.ingest.landing_index import FILE, Row, digest_of, load, save

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.ingest.landing import Listed
    from assay.ingest.landing_file import LandingFile, Stamp

MOST_DATASETS = 1_000  # whose rows are kept in memory, some 70 bytes a file

_known, _lock = OrderedDict[tuple["Path | None", "Path", str], dict[str, Row]](), Lock()


@dataclass(frozen=True)
class Arrived:
    """The listed files of a dataset, by arrival: the first day of its partition in ISO form; of a snapshot by the day of each file."""

    landing: Path
    dataset: str
    groups: dict[str, list[Listed]]
    rows: dict[str, Row]
    index: Path | None = None
    changed: set[str] = field(default_factory=set)

    @classmethod
    def look(cls, landing: Path, contract: Contract, linked: Sequence[Path] = (), index: Path | None = None) -> Arrived:
        """List what is there. Raises what `landed` raises."""
        groups, starts = dict[str, list["Listed"]](), dict["date", str]()
        for listed in listed_days(landing, contract.source, linked):
            if (start := starts.get(listed.day)) is None:
                start = starts[listed.day] = _start(listed.day, contract.arrival.grain)
            groups.setdefault(start, []).append(listed)
        return cls(landing, contract.dataset, groups, _rows(index, landing, contract.dataset), index)

    def files(self, arrival: str) -> Iterator[LandingFile]:
        """The files of an arrival."""
        for listed in self.groups.get(arrival, ()):
            yield from listed.landing_files(self.landing)

    def hashed(self, arrival: str) -> list[tuple[LandingFile, str]]:
        """The files of an arrival with the hashes of their contents, without those that are gone since they were listed."""
        row = self.rows.get(arrival, Row())
        known, found, kept, newest, at_rest = row.by_name(), [], list[bytes](), 0, True
        for file in self.files(arrival):
            digest, as_listed = _recalled(file, known) or file.hash_as_listed()
            at_rest = at_rest and as_listed
            if digest is not None:
                found.append((file, digest))
            if as_listed and digest is not None and file.stamp is not None:
                newest = max(newest, file.stamp.newest_ns)
                kept.append(_packed(file.name, file.stamp, digest))
        listing, files = self.listing(arrival) if at_rest else b"", b"".join(kept)
        if (row.listing, row.files) != (listing, files):
            self._keep(arrival, Row(listing, newest, files=files))
        return found

    def hash_of(self, file: LandingFile) -> str | None:
        """The hash of one file of a snapshot; None if it is gone."""
        day = file.arrival.isoformat()
        row = self.rows.get(day, Row())
        known = row.by_name()
        if found := _recalled(file, known):
            return found[0]
        digest, as_listed = file.hash_as_listed()
        if as_listed and digest is not None and file.stamp is not None:
            self._keep(day, Row(files=_packed(file.name, file.stamp, digest)))
        return digest

    def listing(self, arrival: str) -> bytes:
        """A digest of where the files of an arrival lie and of their stamps."""
        return listing_of(self.groups.get(arrival, ()))

    def settled(self, arrival: str) -> Row | None:
        """What is known of an arrival whose files are as they were when bronze had been made from them; None if that must be found out."""
        row = self.rows.get(arrival)
        same = row is not None and row.contents and row.listing == self.listing(arrival) and is_settled(row.newest_ns)
        return row if same else None

    def settle(self, arrival: str, contents: str, lacking: frozenset[str]) -> None:
        """Remember that bronze is made from these contents, unless files of it are not at rest."""
        row = self.rows.get(arrival, Row()) if self.groups.get(arrival) else Row(self.listing(arrival))
        now = row._replace(contents=contents, lacking=tuple(sorted(lacking)))
        if row.listing == self.listing(arrival) and now != self.rows.get(arrival):
            self._keep(arrival, now)

    def save(self, held: Sequence[str] = ()) -> None:
        """Write what was found out into the index, without the arrivals that are neither there nor `held` by bronze."""
        gone = {*self.rows} - self.groups.keys() - {*held}
        for arrival in gone:
            self.rows.pop(arrival, None)
        if self.index is not None and (self.changed or gone):
            save(self.index, self.landing, self.dataset, {one: self.rows[one] for one in self.changed - gone}, gone)
        self.changed.clear()

    def _keep(self, arrival: str, row: Row) -> None:
        self.rows[arrival] = row
        self.changed.add(arrival)


def _packed(name: str, stamp: Stamp, digest: str) -> bytes:
    return FILE.pack(digest_of(name), *stamp, bytes.fromhex(digest))


def _recalled(file: LandingFile, known: dict[bytes, tuple[tuple[int, ...], str]]) -> tuple[str, bool] | None:
    stamp, digest = known.get(digest_of(file.name), ((), ""))
    return (digest, True) if file.stamp is not None and file.stamp == stamp and is_settled(file.stamp.newest_ns) else None


def _rows(index: Path | None, landing: Path, dataset: str) -> dict[str, Row]:
    """What this process knows; at first what the index has."""
    key = (index, landing, dataset)
    with _lock:
        if key not in _known:
            _known[key] = load(index, landing, dataset) if index is not None else {}
            while len(_known) > MOST_DATASETS:
                _known.popitem(last=False)
        _known.move_to_end(key)
        return _known[key]


def _start(day: date, grain: Grain) -> str:
    return (day.replace(day=1) if grain is Grain.MONTH else day).isoformat()
