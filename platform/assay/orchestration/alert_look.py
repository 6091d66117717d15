"""What is wrong now: the troubles that alerts are about, found in the plan, the lake and the instance. What of them is news is `alerting`.

Nothing is decided here. What cannot be told, because a table is damaged or the clock was set back, is said to be unjudged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from assay.alerting.alert import Kind, Look, Trouble
from assay.contracts.model.calendars import arrival_calendar, zone_of
from assay.contracts.model.sensitivity import sensitive_landing_columns
from assay.errors import AssayError
from assay.gold.calendars import calendars_of
from assay.gold.models import LAYER
from assay.orchestration.calendars import arrivals_of, definition_of, events_of
from assay.orchestration.clock_rollback import set_back
from assay.orchestration.failed_runs import reasons
from assay.orchestration.freshness import promising
from assay.orchestration.partition_status import BEING_MADE, FAILED, bad_ends, shown
from assay.refine.freshness import freshness
from assay.refine.rejected_shares import rejected_shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assay.alerting.alert import Id
    from assay.alerting.declared import Declared
    from assay.alerting.edges import Open
    from assay.contracts.model.contract import Contract
    from assay.orchestration.due import Due
    from assay.orchestration.loadable import LeftOut
    from assay.orchestration.plan import Planner

    Definition = dg.TimeWindowPartitionsDefinition | None

DAYS_BACK = timedelta(days=7)  # deadlines of so many days are looked at; those that passed before nobody looked are told together
TICKS = "%Y-%m-%dT%H:%M"


@dataclass
class Looking:
    """One look at a product: what it finds, as it goes from one question to the next."""

    planner: Planner
    instance: dg.DagsterInstance
    declared: Declared
    now: datetime
    opened: Mapping[Id, Open] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    unjudged: set[Id] = field(default_factory=set)
    undecided: dict[Id, frozenset[str]] = field(default_factory=dict)

    def look(self, left_out: Iterable[LeftOut], ends: str | None) -> tuple[Look, str]:
        """Everything that is wrong, and the mark of the failed runs; `ends` is that of the last look, None if there was none."""
        mark = bad_ends(self.instance)
        if words := set_back(self.planner.run.lake, self.instance):
            return Look((Trouble(Kind.CLOCK, "", words),), judged=frozenset((Kind.CLOCK,))), ends or ""
        self.troubles += [Trouble(Kind.LEFT_OUT, one.name, one.why) for one in left_out]
        due = {one.key.to_user_string(): one for stage in self.planner.stages for one in self.planner.due(stage.keys)}
        self._of_plan(due.values())
        late = self._deadlines(due)
        self._failed(everywhere=mark != ends, late=late)
        self._stale()
        self._quarantined()
        return Look(tuple(self.troubles), unjudged=frozenset(self.unjudged), undecided=self.undecided), mark

    def _of_plan(self, due: Iterable[Due]) -> None:
        for one in due:
            name = one.key.to_user_string()
            self.troubles += [Trouble(Kind.BLOCKED, name, one.problem)] if one.problem else []
            self.troubles += [Trouble(Kind.ALTERED, name, one.note)] if one.note else []

    def _deadlines(self, due: Mapping[str, Due]) -> dict[str, set[str]]:
        """The arrivals that are due by a schedule and of which nothing is there, by asset. What was told of stays due, if it is not later
        than all that are: then the clock was ahead.
        """
        found = dict[str, set[str]]()
        for contract in self.planner.contracts.values():
            name = f"bronze/{contract.dataset}"
            if contract.schedule is None or name not in due:
                continue
            if due[name].problem:
                self.unjudged.add((Kind.DEADLINE, name))
                continue
            was = self.opened.get((Kind.DEADLINE, name))
            there = {*due[name].fingerprints, *due[name].settled}
            wanted = {*_due_arrivals(contract, self.now)}
            wanted |= {key for key in (was.keys if was else ()) if key <= max(wanted, default="")}
            if missing := sorted(wanted - there):
                why = f"By {contract.schedule!r} ({zone_of(contract)}) a file should have landed as {contract.source.path}."
                self.troubles.append(Trouble(Kind.DEADLINE, name, why, tuple(missing)))
                found[name] = set(missing)
        return found

    def _failed(self, *, everywhere: bool, late: Mapping[str, set[str]]) -> None:
        """What Dagster shows as failed, but for arrivals that are late: their run fails because nothing is there. While no run has failed
        anew, only what is open already can have changed.
        """
        definitions = definitions_of(self.planner)
        asked = [name for name in definitions if everywhere or (Kind.FAILED, name) in self.opened]
        bad = dict[str, tuple[str, ...]]()
        for name in asked:
            statuses = shown(self.instance, dg.AssetKey(name.split("/")), definitions[name])
            self.undecided[Kind.FAILED, name] = frozenset(key for key, status in statuses.items() if status == BEING_MADE)
            if keys := tuple(key for key, status in statuses.items() if status == FAILED and key not in late.get(name, ())):
                bad[name] = keys
        hidden = any(sensitive_landing_columns(contract) for contract in self.planner.contracts.values())
        whys = reasons(self.instance, list(bad), hidden=hidden)
        self.troubles += [Trouble(Kind.FAILED, name, whys.get(name, "its run has failed"), keys) for name, keys in bad.items()]

    def _stale(self) -> None:
        for contract in promising(self.planner.contracts.values()):
            name = f"silver/{contract.dataset}"
            try:
                found = freshness(self.planner.run.lake, contract)
            except AssayError:
                self.unjudged.add((Kind.STALE, name))
                continue
            if found is not None and (why := found.complaint(self.now)):
                self.troubles.append(Trouble(Kind.STALE, name, why))

    def _quarantined(self) -> None:
        lake = self.planner.run.lake
        for contract in self.planner.contracts.values():
            name, share = f"silver/{contract.dataset}", self.declared.share_of(contract.dataset)
            if share is None:
                continue
            try:
                found = rejected_shares(lake, contract, share)
            except AssayError:
                self.unjudged.add((Kind.QUARANTINE, name))
                continue
            if found:
                held, landed = (sum(numbers) for numbers in zip(*found.values(), strict=True))
                why = f"{held:,} of {landed:,} rows of these partitions are in quarantine; {share:.2%} is what alerts.yaml lets pass."
                self.troubles.append(Trouble(Kind.QUARANTINE, name, why, tuple(found)))


def _due_arrivals(contract: Contract, now: datetime) -> Iterator[str]:
    """The arrivals whose deadline has passed lately, by the contract's schedule: the newest, and those of some days before."""
    calendar = arrival_calendar(contract)
    if calendar is None or contract.schedule is None:
        return
    since = max(now - DAYS_BACK, datetime.combine(calendar.start, datetime.min.time(), now.tzinfo))
    ticks = dg.TimeWindowPartitionsDefinition(since, TICKS, timezone=calendar.zone, cron_schedule=contract.schedule)
    last = dg.TimeWindowPartitionsDefinition(
        calendar.start.isoformat(), "%Y-%m-%d", timezone=calendar.zone, cron_schedule=contract.schedule
    )
    newest = last.get_last_partition_window()
    ends = [ticks.time_window_for_partition_key(key).end for key in ticks.get_partition_keys()] + ([newest.end] if newest else [])
    for end in ends:
        if calendar.has(arrival := calendar.before(end)):
            yield arrival.isoformat()


def definitions_of(planner: Planner) -> dict[str, Definition]:
    """The partitions of every asset that is planned, by name; None for those without."""
    found: dict[str, Definition] = {}
    for name, contract in planner.contracts.items():
        found[f"bronze/{name}"], found[f"silver/{name}"] = arrivals_of(contract), events_of(contract)
    calendars = calendars_of(planner.project.models, planner.contracts)
    return found | {f"{LAYER}/{model.name}": definition_of(calendars.get(model.table)) for model in planner.project.models}


def by_id(opened: Sequence[Open]) -> dict[Id, Open]:
    """Open alerts by what makes them the same."""
    return {one.id: one for one in opened}
