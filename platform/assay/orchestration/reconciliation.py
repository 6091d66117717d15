"""Fates: what became of every row of a dataset that landed. Rows are counted where they landed, and again where they went.

A row is published, held in quarantine, discarded by a steward, dropped as a duplicate, erased or expired; it waits while there is no event
partition for it; or it is not judged yet, because its partition is outdated or was refused. If the sum does not close, a row was lost.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from assay.contracts.model.calendars import event_calendar
from assay.contracts.model.contract import Grain
from assay.lake.accounts import arrived
from assay.lake.expired import Expired, expired_rows
from assay.lake.manifest import manifest_of
from assay.lake.quarantine.reader import Fate, View
from assay.lake.quarantine.store import ARRIVALS, PARTITION, visible_files
from assay.lake.slices import WHOLE, Partition
from assay.lake.snapshots import newest
from assay.orchestration.calendars import events_of, keys_of
from assay.orchestration.clock import now
from assay.refine.accounts import Accounts
from assay.steps import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.lake.accounts import Rows
    from assay.lake.snapshots import Snapshot
    from assay.steps import Outcome

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Fates:
    """The rows of a dataset: how many landed, and what became of them.

    `waiting` has rows by the day on which their event partition begins to exist, `unjudged` by the key of their event partition.
    """

    dataset: str
    landed: int
    published: int
    held: int
    discarded: int
    duplicates: int
    erased: int
    waiting: Mapping[date, int]
    unjudged: Mapping[str, int]
    expired: int = 0

    @property
    def closes(self) -> bool:
        """Whether every row has exactly one fate."""
        judged = self.published + self.held + self.discarded + self.duplicates + self.erased + self.expired
        return self.landed == judged + sum(self.waiting.values()) + sum(self.unjudged.values())

    def __str__(self) -> str:
        names = ("published", "held", "discarded", "duplicates")
        parts = [f"{name} {getattr(self, name):,}" for name in names]
        parts += [f"{name} {rows:,}" for name, rows in (("erased", self.erased), ("expired", self.expired)) if rows]
        if self.waiting:
            parts.append(f"waiting {sum(self.waiting.values()):,} (until {_shown(sorted(self.waiting))})")
        if self.unjudged:
            parts.append(f"not judged yet {sum(self.unjudged.values()):,} ({_shown(sorted(self.unjudged))})")
        return f"{self.dataset}: landed {self.landed:,} {'=' if self.closes else 'is NOT'} {' + '.join(parts)}"


def fates_of(lake: Path, contract: Contract) -> Fates | None:
    """What became of the rows of a dataset, as of now; None if nothing has landed yet."""
    silver, bronze = newest(lake, f"silver/{contract.dataset}"), newest(lake, f"bronze/{contract.dataset}")
    if bronze is None:
        return None
    view = View.open(lake, contract.dataset) if newest(lake, f"quarantine/{contract.dataset}") else None
    accounts = Accounts(view.silver, view.quarantine) if view else Accounts(silver, None)
    bronze = view.bronze if view and view.bronze else bronze
    expired = Expired.of(accounts.silver, event_calendar(contract), contract.retention, now())
    there, gone_rows = _Arrived.of(contract, bronze, accounts, expired), expired_rows(bronze)
    judged = [part for part, rows in there.by_partition.items() if accounts.closes(part, rows)]
    open_ = {part.key: count for part, rows in there.by_partition.items() if part not in judged and (count := arrived(rows))}
    keys = {part.key for part in judged}
    held = sum(accounts.held.get(key, 0) for key in keys) + _set_aside(view, contract)
    gone = Counter(view.rows(Fate.DISCARDED, [PARTITION])[PARTITION]) if view else Counter[str]()
    discarded = sum(count for key, count in gone.items() if key in keys or key.startswith(ARRIVALS))
    return Fates(
        contract.dataset, sum(manifest_of(file.path).landed for file in bronze.files) + gone_rows,
        published=sum(accounts.published.get(part.values, 0) for part in judged), held=held - discarded, discarded=discarded,
        duplicates=sum(map(accounts.duplicates, keys)), erased=sum(manifest_of(file.path).erased for file in bronze.files),
        waiting=there.waiting, unjudged=open_, expired=there.expired + gone_rows,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Arrived:
    """The rows of bronze by the event partition that they lie in, and by the day on which theirs will exist."""

    by_partition: Mapping[Partition, Sequence[Rows]]
    waiting: Mapping[date, int]
    expired: int = 0

    @classmethod
    def of(cls, contract: Contract, bronze: Snapshot, accounts: Accounts, expired: Expired) -> _Arrived:
        """Rows that lie in no partition are told by quarantine; of those that lie in one that never was, nothing tells."""
        found = [(file, day, rows) for file in bronze.files for day, rows in manifest_of(file.path).days.items()]
        if contract.is_snapshot:
            return cls({WHOLE: [("".join(file.values), str(day or ""), rows) for file, day, rows in found]}, {})
        definition = events_of(contract)
        assert definition is not None  # noqa: S101  # only a snapshot has no event partitions
        keys, monthly = keys_of(definition), contract.partitioning.grain is Grain.MONTH
        known = {key: Partition(key, (key,)) for key in keys}
        until = definition.time_window_for_partition_key(keys[-1]).end.date() if keys else date.min
        kept = [key for (key,) in accounts.published if key in known and not expired.has_key(key)]
        parts: dict[Partition, list[Rows]] = {known[key]: [] for key in kept}
        waiting, gone = dict[date, int](), 0
        for file, day, rows in found:
            first = day.replace(day=1) if day and monthly else day
            if day and first and first.isoformat() in known and expired.has_day(day):
                gone += rows.rows
            elif first and (part := known.get(first.isoformat())):
                parts.setdefault(part, []).append(("".join(file.values), str(day), rows))
            elif first and first >= until:
                exists = _after(first, monthly=monthly)
                waiting[exists] = waiting.get(exists, 0) + rows.rows
        return cls(parts, waiting, gone)


def _after(first: date, *, monthly: bool) -> date:
    return (first + timedelta(days=31)).replace(day=1) if monthly else first + timedelta(days=1)


def with_waiting(lake: Path, contract: Contract, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """What became of arrivals in bronze, with the rows that wait for their event partition, and the day from which the last one exists."""
    definition, monthly = events_of(contract), contract.partitioning.grain is Grain.MONTH
    keys = keys_of(definition) if definition else []
    begins = definition.time_window_for_partition_key(keys[-1]).end.date() if definition and keys else date.min
    version, files = None, dict[str, list[str]]()
    for outcome in outcomes:
        if definition is None or outcome.status is Status.REFUSED:
            yield outcome
            continue
        if not files or outcome.facts.get("version") != version:
            version, files = outcome.facts.get("version"), {}
            for file in table.files if (table := newest(lake, f"bronze/{contract.dataset}")) else ():
                files.setdefault("".join(file.values) or WHOLE.key, []).append(file.path)
        days = [(day, rows.rows) for path in files.get(outcome.key, ()) for day, rows in manifest_of(path).days.items() if day]
        waiting = [(day, rows) for day, rows in days if (day.replace(day=1) if monthly else day) >= begins]
        if waiting:
            last = max(day for day, _ in waiting)
            until = _after(last.replace(day=1) if monthly else last, monthly=monthly)
            more = {"waiting": sum(rows for _, rows in waiting), "waiting_until": until.isoformat()}
            outcome = replace(outcome, facts={**outcome.facts, **more})  # noqa: PLW2901  # the same one, with more to say
        yield outcome


def _set_aside(view: View | None, contract: Contract) -> int:
    """Count the rows that quarantine shows under arrivals. A snapshot has no event partitions: its rows are judged wherever they lie."""
    if view is None or contract.is_snapshot:
        return 0
    files = visible_files(view.quarantine, {ARRIVALS: view.bronze})
    return sum(file.rows for file in files if file.values[0].startswith(ARRIVALS))


def _shown(known: Sequence[object]) -> str:
    return ", ".join(map(str, known[:SHOWN])) + (f", and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
