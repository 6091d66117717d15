"""What goes of each table of a lake when partitions expire, chosen from a snapshot. When that is, and that it happens, is `retaining`."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from assay.contracts.language.file_names import arrival_names
from assay.contracts.model.calendars import arrival_calendar
from assay.contracts.model.key_scope import has_table_key
from assay.ingest.step import digest_of_names
from assay.lake.claims import DISPLACED_NOW, FENCE, gave_way_to
from assay.lake.expired import EXPIRED, EXPIRED_ROWS, RETAINED, Mark, retained_from
from assay.lake.foreign import altered, files_by_key
from assay.lake.manifest import manifest_of
from assay.lake.migrations import GONE, published_keys
from assay.lake.publisher import fingerprint
from assay.lake.quarantine.store import ARRIVALS, REFUSED
from assay.lake.retention import Chosen
from assay.lake.side_tables import PUBLICATION
from assay.maintenance.unfinished import changed_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from assay.contracts.model.calendars import Calendar
    from assay.contracts.model.contract import Contract
    from assay.lake.expired import Expired
    from assay.lake.snapshots import DataFile, Snapshot

A_DAY = timedelta(days=1)


def of_gold(table: Snapshot, calendar: Calendar, until: date) -> Chosen:
    """The months that are over before a day. What the log then says of them is that they are gone."""
    keys = _over(table, calendar, until)
    files = [file for file in table.files if file.values[:1] and file.values[0] in keys]
    return Chosen(files, dict.fromkeys(keys, GONE) | {RETAINED: until.toordinal()}) if keys else Chosen()


def of_silver(lake: Path, contract: Contract, calendar: Calendar, until: date, table: Snapshot) -> Chosen:
    """The same of event partitions. What lies beside them is not named any more, and no writer who has read before can publish them.

    A key that counts in the whole table counts among what is kept: the partitions that gave way to these are to be made again.
    """
    chosen = of_gold(table, calendar, until)
    keys = {key for key, token in chosen.tokens.items() if token == GONE}
    tokens = {**chosen.tokens} | {PUBLICATION + key: _fresh() for key in keys}
    if keys and has_table_key(contract):
        tokens |= {FENCE: _fresh()} | {DISPLACED_NOW + key: 0 for key in gave_way_to(lake, contract.dataset, table, keys)}
    return Chosen(chosen.files, tokens)


def begun(table: Snapshot, until: date) -> Chosen:
    """Nothing of a table, but that its log says from when on it keeps: of a dataset of which nothing that old was published."""
    return Chosen((), {RETAINED: until.toordinal()}) if retained_from(table) < until.toordinal() else Chosen()


def of_bronze(contract: Contract, expired: Expired, table: Snapshot) -> Chosen:
    """The arrivals whose rows are all of event partitions that have expired. One that another tool has changed is made again first."""
    calendar, changed = arrival_calendar(contract), altered(table)
    if calendar is None or expired.before is None:
        return Chosen()
    going: list[DataFile] = []
    tokens: dict[str, int] = {}
    for key, files in files_by_key(table).items():
        days = [day or calendar.after(date.fromisoformat(key)) - A_DAY for file in files for day in manifest_of(file.path).days]
        last = max(days, default=calendar.after(date.fromisoformat(key)) - A_DAY)
        if key not in changed and expired.has_day(last):
            landed = sum(manifest_of(file.path).landed for file in files)
            going += files
            tokens |= {key: GONE, PUBLICATION + key: _fresh(), EXPIRED_ROWS + key: landed}
            tokens[EXPIRED + key] = Mark.of(last, _contents(contract, files)).number
    return Chosen(going, tokens)


def beside(is_gone: Callable[[str], bool], before: datetime, table: Snapshot) -> Chosen:
    """What lies beside partitions that are gone, or that were refused. What was stored since `before` somebody may be about to name."""
    limit = before.timestamp()
    return Chosen([file for file in table.files if is_gone(file.values[0]) and changed_at(Path(file.path)) < limit])


def gone_beside(events: Callable[[str], bool], arrivals: Callable[[str], bool]) -> Callable[[str], bool]:
    """Whether a partition of a table beside is of what is gone, by how its key begins."""

    def is_gone(key: str) -> bool:
        if key.startswith(ARRIVALS):
            return arrivals(key.removeprefix(ARRIVALS))
        return events(key.removeprefix(REFUSED))

    return is_gone


def _over(table: Snapshot, calendar: Calendar, until: date) -> set[str]:
    return {key for key in published_keys(table) if calendar.after(date.fromisoformat(key)) <= until}


def _contents(contract: Contract, files: Sequence[DataFile]) -> str:
    """A digest of contents, each under its first name, as the ingest step makes it of an arrival of which bronze holds nothing."""
    order = arrival_names(contract.source.path).order
    sources = {source.hash: min(source.names, key=order) for file in files for source in manifest_of(file.path).sources}
    return digest_of_names(sorted(((name, digest) for digest, name in sources.items()), key=lambda one: order(one[0])))


def _fresh() -> int:
    return fingerprint(uuid.uuid4().hex)
