"""Freshness in Dagster: a check on each silver asset whose contract promises how old its newest data may be, and a sensor that judges it.

Dagster's own freshness checks ask when something last ran, or whether the newest partition has; the promise is about the data. The sensor
reports evaluations without a run, and only when something has changed. Being late is about now: this is the one place that asks the clock.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.errors import TableUnreadable
from assay.orchestration.clock import wall_clock
from assay.refine.freshness import Freshness, freshness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from assay.contracts.model.contract import Contract

    Clock = Callable[[], datetime]

CHECK = "freshness"
SECONDS = 60
PROMISE = "The newest data of {} are at most {} old."


def promising(contracts: Iterable[Contract]) -> list[Contract]:
    """The contracts that say how old the newest data may be."""
    return [contract for contract in contracts if contract.freshness]


def freshness_checks(lake: Path, contracts: Iterable[Contract], clock: Clock = wall_clock) -> list[dg.AssetChecksDefinition]:
    """A check of each promise, for whoever executes it by hand, and after each run of its asset."""
    return [_check(lake, contract, clock) for contract in promising(contracts)]


def _check(lake: Path, contract: Contract, clock: Clock) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=_key(contract), name=CHECK, description=PROMISE.format(contract.dataset, contract.freshness))
    def check() -> dg.AssetCheckResult:
        found = freshness(lake, contract)
        if found is None:
            return dg.AssetCheckResult(passed=True, description="Nothing was published yet.")
        return dg.AssetCheckResult(**_judged(found, clock()))

    return check


def freshness_sensor(lake: Path, contracts: Iterable[Contract], clock: Clock = wall_clock, name: str = CHECK) -> dg.SensorDefinition:
    """A sensor that reports each promise when it is broken or kept again, and when newer data came."""
    promised = promising(contracts)

    @dg.sensor(
        name=name,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Judges how old the newest data are, by what the contracts promise (latency). It starts no run.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        known, now, events = json.loads(context.cursor or "{}"), clock(), list[dg.AssetCheckEvaluation]()
        for contract in promised:
            try:
                found = freshness(lake, contract)
            except TableUnreadable as error:  # of the others it can be told
                context.log.warning(str(error))
                continue
            if found is None:
                continue
            judged = _judged(found, now)
            state = [judged["passed"], found.deadline.isoformat()]
            if known.get(contract.dataset) != state:
                events.append(dg.AssetCheckEvaluation(asset_key=_key(contract), check_name=CHECK, **judged))
            known[contract.dataset] = state
        if not events:
            return dg.SkipReason("Every promise is as it was at the last look.")
        return dg.SensorResult(asset_events=events, cursor=json.dumps(known))

    return sensor


def _key(contract: Contract) -> dg.AssetKey:
    return dg.AssetKey(["silver", contract.dataset])


def _judged(found: Freshness, now: datetime) -> dict[str, Any]:
    """The data stay readable while they are old, so a broken promise is a warning."""
    complaint = found.complaint(now)
    return {
        "passed": complaint is None,
        "severity": dg.AssetCheckSeverity.WARN,
        "description": complaint or f"Fresh until {found.deadline:%Y-%m-%d %H:%M} UTC.",
        "metadata": {
            "newest": dg.MetadataValue.timestamp(found.began),
            "fresh until": dg.MetadataValue.timestamp(found.deadline),
            "promised": str(found.promised),
            "told by": found.told_by,
        },
    }
