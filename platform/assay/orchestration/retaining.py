"""Retention that acts: what is older than its contract keeps it is removed, table by table, each in one commit that says so.

Gold goes first, by contracts of its own: a month that has expired needs no silver any more. Then silver, as far as gold is made from it;
then the arrivals of bronze that fed nothing else, and what nobody sees any more beside both. Whoever is killed in between leaves rows that
are counted as expired, and the next removal takes them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from assay.cached_property import cached_property
from assay.contracts.export.page_rules import span
from assay.contracts.model.calendars import arrival_calendar, event_calendar
from assay.contracts.model.retention import kept_from
from assay.erasure.removing import remove_rows
from assay.errors import TableUnreadable
from assay.gold.calendars import calendars_of, reach_of
from assay.gold.models import LAYER
from assay.ingest.expired import ExpiredArrivals
from assay.lake.claims import claims_table
from assay.lake.expired import Expired
from assay.lake.migrations import GONE, outgrown, published_keys
from assay.lake.publisher import fingerprint
from assay.lake.quarantine.decisions import decisions_spec
from assay.lake.quarantine.store import Quarantine
from assay.lake.retention import Chosen, Removed, take_out, without_receipt, write_receipts
from assay.lake.snapshots import newest, table_names
from assay.lake.workplaces import deleting
from assay.maintenance.cutoff import safe_before
from assay.orchestration.expiring import begun, beside, gone_beside, of_bronze, of_gold, of_silver

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from assay.contracts.model.calendars import Calendar
    from assay.contracts.model.contract import Contract
    from assay.gold.models import Model
    from assay.lake.snapshots import Snapshot
    from assay.orchestration.due import Due
    from assay.orchestration.plan import Planner
    from assay.settings import Settings

REFERENCE = "it has no partitions and is replaced whole, so that nothing of it expires"
CHANGED = "its calendar was changed, and nothing goes until `assay backfill` has replaced it"
NEEDED = "from {} on it stays until {} of {} is made from it"
EMPTIED = "all {} partitions of it have expired: nothing of it, or of what it is made from, is removed unless --allow-empty says so"
UNPLANNED = "all of it stays, because {}, which is made from it, cannot be planned: {}"


@dataclass(frozen=True, slots=True)
class Expiry:
    """What goes of a table that was `kept` for its time: rows and bytes by partition; `told` says why more of it stays.

    `is_refused` if that is because nothing of it would be left.
    """

    table: str
    kept: str
    partitions: Mapping[str, tuple[int, int]]
    told: str = ""
    is_refused: bool = False

    @property
    def rows(self) -> int:
        """The rows of it all."""
        return sum(rows for rows, _ in self.partitions.values())

    @property
    def bytes(self) -> int:
        """The bytes of its files, which go with those of other earlier versions."""
        return sum(size for _, size in self.partitions.values())


@dataclass(frozen=True, slots=True)
class _Why:
    """By which contract something goes, and the first day that is kept."""

    contract_version: str
    retention: timedelta
    kept_from: date

    @property
    def note(self) -> dict[str, str]:
        return {"contract_version": self.contract_version, "retention": span(self.retention), "kept_from": self.kept_from.isoformat()}


@dataclass(frozen=True)
class Retaining:
    """The removal of what has expired at a moment. `waits` is told who is at work first, an erasure or a maintenance.

    A table of which all has expired is left as it is, unless `allow_empty`: a wrong unit, or data of long ago, would empty it in one night.
    """

    settings: Settings
    planner: Planner
    now: datetime
    waits: Callable[[str], None] = lambda _: None
    dry_run: bool = False
    allow_empty: bool = False

    def execute(self, names: Collection[str] | None = None) -> list[Expiry]:
        """Remove what has expired of some tables of silver and gold, or of all, with what belongs to them; returns what. A dry run removes
        nothing.
        """
        with deleting(self.settings.scratch, self.waits):
            if not self.dry_run:
                write_receipts(self.lake, without_receipt(self.lake, table_names(self.lake)))
            found: list[Expiry] = []
            for model in self.planner.project.models:
                found += self._readable(model.table, model.retention, names, self._gold(model))
            for name, contract in self.planner.contracts.items():
                found += self._readable(f"silver/{name}", contract.retention, names, self._dataset(contract))
            return [one for one in found if one.partitions or one.told]

    @property
    def lake(self) -> Path:
        """The root of the tables."""
        return self.planner.run.lake

    def _readable(self, table: str, retention: timedelta | None, names: Collection[str] | None, work: Iterator[Expiry]) -> Iterator[Expiry]:
        """The work on a table that is meant, up to where something of it cannot be read: that stays, and is told."""
        if retention is None or (names is not None and table not in names):
            return
        try:
            yield from work
        except TableUnreadable as error:
            yield Expiry(table, span(retention), {}, str(error))

    def _gold(self, model: Model) -> Iterator[Expiry]:
        calendar, table = self._calendars.get(model.table), newest(self.lake, model.table)
        if model.retention is None or table is None:
            return
        if calendar is None or (why := outgrown(table, calendar)):
            yield Expiry(model.table, span(model.retention), {}, REFERENCE if calendar is None else f"{CHANGED} ({why})")
            return
        until = kept_from(calendar, model.retention, self.now)
        reason = _Why(model.contract_version, model.retention, until)
        yield from self._refused(table, of_gold(table, calendar, until), model.retention) or [
            self._removed(model.table, lambda there: of_gold(there, calendar, until), reason)
        ]

    def _dataset(self, contract: Contract) -> Iterator[Expiry]:
        name, calendar = f"silver/{contract.dataset}", event_calendar(contract)
        silver, bronze = newest(self.lake, name), newest(self.lake, f"bronze/{contract.dataset}")
        if contract.retention is None or silver is None or bronze is None:
            return
        changed = outgrown(silver, calendar) or outgrown(bronze, arrival_calendar(contract))
        if calendar is None or changed:
            yield Expiry(name, span(contract.retention), {}, REFERENCE if calendar is None else f"{CHANGED} ({changed})")
            return
        oldest = kept_from(calendar, contract.retention, self.now)
        needed, told = self._needed(name, calendar, oldest)
        until = min(oldest, needed)
        reason = _Why(contract.version, contract.retention, until)
        to_come = Expired(calendar, until)
        feeds_nothing = bool(of_bronze(contract, to_come, bronze).files)

        def choose(there: Snapshot) -> Chosen:
            chosen = of_silver(self.lake, contract, calendar, until, there)
            return begun(there, until) if feeds_nothing and not chosen.tokens else chosen

        unfed = of_bronze(contract, to_come, bronze) if feeds_nothing else Chosen()
        refused = self._refused(silver, choose(silver), contract.retention) or self._refused(bronze, unfed, contract.retention)
        if refused:
            yield from refused
            return
        acts = bool(choose(silver).tokens)
        yield self._removed(name, choose, reason, told if until < oldest else "")
        expired = to_come if acts and self.dry_run else Expired.of(newest(self.lake, name), calendar, contract.retention, self.now)
        going = of_bronze(contract, expired, bronze).tokens
        yield self._removed(bronze.name, lambda there: of_bronze(contract, expired, there), reason)
        arrivals = ExpiredArrivals(newest(self.lake, bronze.name), expired)
        yield from self._beside(contract, gone_beside(expired.has_key, lambda key: key in going or arrivals.may_have(key)), reason)

    def _beside(self, contract: Contract, is_gone: Callable[[str], bool], reason: _Why) -> Iterator[Expiry]:
        """Quarantine, claims and decisions. Who is at work may be about to name what was stored since they began."""
        before = safe_before(self.settings.scratch, datetime.now(UTC), timedelta())
        for spec in (Quarantine(self.lake, contract.dataset).spec, claims_table(self.lake, contract.dataset).spec):
            yield self._removed(spec.name, partial(beside, is_gone, before), reason)
        decisions = newest(self.lake, decisions_spec(contract.dataset).name)
        if decisions is None:
            return
        import polars as pl

        by_key = decisions.scan(columns=["_partition"]).group_by("_partition").len().sort("_partition").collect()
        gone = {key: (rows, 0) for key, rows in by_key.iter_rows() if is_gone(key)}
        if gone and not self.dry_run:
            spec = decisions_spec(contract.dataset)
            remove_rows(self.lake, spec, lambda frame: frame["_partition"].is_in(pl.Series([*gone]).implode()), None)
            note = {**reason.note, "number": fingerprint(uuid.uuid4().hex), "partitions": gone}
            there = newest(self.lake, spec.name)
            write_receipts(self.lake, [Removed.of(spec.name, there.version if there else 0, note, self.now.astimezone(UTC))])
        yield Expiry(decisions.name, span(reason.retention), gone)

    def _refused(self, table: Snapshot, chosen: Chosen, retention: timedelta) -> list[Expiry]:
        """That it is refused, if nothing would be left, of what was published, once what is chosen is gone."""
        published = published_keys(table)
        if self.allow_empty or not published or not published <= {key for key, token in chosen.tokens.items() if token == GONE}:
            return []
        return [Expiry(table.name, span(retention), {}, EMPTIED.format(len(published)), is_refused=True)]

    def _removed(self, name: str, choose: Callable[[Snapshot], Chosen], reason: _Why, told: str = "") -> Expiry:
        """Take it out, and write the receipt."""
        table = newest(self.lake, name)
        if table is None:
            return Expiry(name, span(reason.retention), {}, told)
        if self.dry_run:
            return Expiry(name, span(reason.retention), choose(table).partitions, told)
        done = take_out(self.lake, name, choose, reason.note)
        write_receipts(self.lake, [done] if done else [])
        return Expiry(name, span(reason.retention), done.partitions if done else {}, told)

    @cached_property
    def _calendars(self) -> Mapping[str, Calendar]:
        return calendars_of(self.planner.project.models, self.planner.contracts)

    @cached_property
    def _gold_due(self) -> list[tuple[Model, Due]]:
        """What gold is still to be made from what is there: asked for once its own months are gone."""
        models = {model.name: model for model in self.planner.project.models}
        found = [one for stage in self.planner.stages if stage.keys[0].path[0] == LAYER for one in self.planner.due(stage.keys)]
        return [(models[one.key.path[1]], one) for one in found]

    def _needed(self, table: str, calendar: Calendar, oldest: date) -> tuple[date, str]:
        """The first day from which on gold is still to be made from a table, and why; the day that is kept anyway if there is none."""
        day, why = oldest, ""
        for model, due in self._gold_due:
            if table not in model.depends_on:
                continue
            if due.problem:
                return date.min, UNPLANNED.format(model.table, due.problem)
            for month in self._to_be_made(model, due):
                first = reach_of(model, month, self._calendars[model.table]).first_of(calendar)
                if first is not None and first < day:
                    day, why = first, NEEDED.format(first, month, model.table)
        return day, why

    def _to_be_made(self, model: Model, due: Due) -> list[date]:
        """The months that are due and that will not expire themselves."""
        calendar = self._calendars.get(model.table)
        if calendar is None:
            return []
        since = kept_from(calendar, model.retention, self.now) if model.retention else date.min
        return [month for month in map(date.fromisoformat, due.partitions) if calendar.after(month) > since]
