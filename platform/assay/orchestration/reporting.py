"""Outcomes of a step become Dagster events: a materialization for each partition that is good, a check for each, a failure for the rest.

In a run over a range, Dagster's own results carry no partition. So the good partitions of a partly failed range are logged one by one, and
the failure names the others. When all went well, the materializations come from the step's output, which Dagster stores in batches.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.errors import PartitionsFailed, may_pass
from assay.orchestration.metadata import outcome_metadata, rules_table
from assay.steps import Status
from assay.stopping import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assay.contracts.model import DatasetRule, Rule
    from assay.steps import Outcome

    Rules = Sequence[Rule | DatasetRule] | None

INTERRUPTS = (Stopped, KeyboardInterrupt, dg.DagsterExecutionInterruptedError)
CHECK = "contract"
REFUSED = "refused "  # begins the name of the metadata of a failed step that lists the refused partitions of an asset
SHOWN_FAILURES = 5
SAID_SINGLY = 2
RETRIES = dg.RetryPolicy(max_retries=3, delay=1, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def contract_check(key: dg.AssetKey, definition: dg.PartitionsDefinition | None, description: str) -> dg.AssetCheckSpec:
    """The one blocking check of an asset: its contract, judged before anything is published."""
    return dg.AssetCheckSpec(CHECK, asset=key, description=description, blocking=True, partitions_def=definition)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one asset in a step. With `rules`, each outcome is also an evaluation of the asset's contract check."""

    key: dg.AssetKey
    outcomes: Sequence[Outcome]
    rules: Rules = None

    @property
    def refused(self) -> list[Outcome]:
        """The partitions that were not published because they broke their contract."""
        return [outcome for outcome in self.outcomes if outcome.status is Status.REFUSED]

    @property
    def good(self) -> list[Outcome]:
        """The partitions that are as they should be."""
        return [outcome for outcome in self.outcomes if outcome.status is not Status.REFUSED]


def report(context: dg.AssetExecutionContext, reports: Sequence[Report]) -> Iterator[dg.MaterializeResult[Any]]:
    """Turn the outcomes of a step into events.

    Raises dg.Failure, naming the refused partitions of every asset, after everything that is good was recorded.
    """
    partitioned = is_partitioned(context)
    for one in reports:
        _log_evaluations(context, one)
        if one.refused:
            _log_good(context, one)
            continue
        for outcome in one.good:
            metadata = outcome_metadata(outcome, partitioned=partitioned)
            context.add_asset_metadata(metadata, asset_key=one.key, partition_key=outcome.key if partitioned else None)
        yield dg.MaterializeResult(asset_key=one.key)
    if failed := [one for one in reports if one.refused]:
        raise _failure(failed)


def carry_out(
    context: dg.AssetExecutionContext, promised: Mapping[dg.AssetKey, Rules], work: Iterable[tuple[dg.AssetKey, Outcome]]
) -> Iterator[dg.MaterializeResult[Any]]:
    """Do the work of a step to its end and report it; `promised` gives the assets of the step and the rules that each is checked by.

    Raises dg.Failure, without a retry, for an error that would come again in the same way, and when the run is interrupted: Dagster
    itself would answer an interrupt with a retry. What was done until then is published, so it is recorded first.
    """
    done: dict[dg.AssetKey, list[Outcome]] = {key: [] for key in promised}
    reports = [Report(key, done[key], rules) for key, rules in promised.items()]
    try:
        with permanent_failures(", ".join(key.to_user_string() for key in promised) + ": "):
            for key, outcome in work:
                done[key].append(outcome)
    except dg.Failure as failure:
        for one in reports:
            _log_evaluations(context, one)
            _log_good(context, one)
        raise dg.Failure(failure.description, metadata=_refused(reports), allow_retries=False) from failure.__cause__
    yield from report(context, reports)


@contextmanager
def permanent_failures(said: str = "") -> Iterator[None]:
    """Inside, an error that would come again in the same way fails the step without a retry, and so does an interrupt."""
    try:
        yield
    except INTERRUPTS as stop:
        raise dg.Failure(f"{said}stopped. What was published stays; run it again.", allow_retries=False) from stop
    except Exception as error:
        if may_pass(error):
            raise
        raise dg.Failure(f"{said}{type(error).__name__}: {error}", allow_retries=False) from error


def _log_good(context: dg.AssetExecutionContext, one: Report) -> None:
    partitioned = is_partitioned(context)
    for outcome in one.good:
        metadata = outcome_metadata(outcome, partitioned=partitioned)
        context.log_event(dg.AssetMaterialization(one.key, partition=outcome.key if partitioned else None, metadata=metadata))


def is_partitioned(context: dg.AssetExecutionContext) -> bool:
    """Whether a run is about partitions."""
    return bool(context.has_partition_key_range or context.has_partition_key)


def _log_evaluations(context: dg.AssetExecutionContext, one: Report) -> None:
    partitioned = is_partitioned(context)
    for outcome in one.outcomes if one.rules is not None else ():
        if outcome.status is not Status.UNCHANGED:  # what is unchanged was judged when it was published
            context.log_event(_evaluation(one.key, outcome, one.rules or (), partitioned=partitioned))


def _evaluation(key: dg.AssetKey, outcome: Outcome, rules: Sequence[Rule | DatasetRule], *, partitioned: bool) -> dg.AssetCheckEvaluation:
    counts = {name: value for name, value in outcome.facts.items() if isinstance(value, int)}
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=CHECK,
        passed=outcome.status is not Status.REFUSED,
        partition=outcome.key if partitioned else None,
        description=outcome.refusal,
        metadata={"broken_rules": rules_table(rules, outcome.broken), "rules": len(rules), **counts},
    )


def keys_said(keys: Sequence[str]) -> str:
    """Some partition keys, in order, as a person says them: two that are not alone say how many lie from one to the other."""
    if len(keys) <= SAID_SINGLY:
        return " and ".join(keys)
    return f"{keys[0]} to {keys[-1]} ({len(keys)})"


def _failure(failed: Sequence[Report]) -> dg.Failure:
    said = []
    for one in failed:
        alike = [(why, [outcome.key for outcome in group]) for why, group in groupby(one.refused, lambda outcome: outcome.refusal)]
        shown = "; ".join(f"{keys_said(keys)}: {str(why).rstrip('.')}" for why, keys in alike[:SHOWN_FAILURES])
        hidden = sum(len(keys) for _, keys in alike[SHOWN_FAILURES:])
        more = f"; and {hidden} more" if hidden else ""
        said.append(f"{one.key.to_user_string()}: {len(one.refused)} of {len(one.outcomes)} partitions were refused: {shown}{more}.")
    return dg.Failure(str(PartitionsFailed(" ".join(said))), metadata=_refused(failed), allow_retries=False)


def _refused(reports: Sequence[Report]) -> dict[str, list[str]]:
    return {f"{REFUSED}{one.key.to_user_string()}": [outcome.key for outcome in one.refused] for one in reports if one.refused}
