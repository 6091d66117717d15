"""Outcomes of a step become Dagster events: a materialization for each partition that is good, a check for each, a failure for the rest.

In a run over a range, Dagster's own results carry no partition. So the good partitions of a partly failed range are logged one by one, and
the failure names the others. When all went well, the materializations come from the step's output, which Dagster stores in batches. Those
of partitions that a step took in beside the ones that it was asked for are always logged.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.errors import PartitionsFailed, PermanentFailure
from assay.orchestration.metadata import outcome_metadata, rules_table
from assay.steps import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.contracts.model import DatasetRule, Rule
    from assay.steps import Outcome

CHECK = "contract"
SHOWN_FAILURES = 5
RETRIES = dg.RetryPolicy(max_retries=3, delay=1, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def contract_check(key: dg.AssetKey, definition: dg.PartitionsDefinition | None, description: str) -> dg.AssetCheckSpec:
    """The one blocking check of an asset: its contract, judged before anything is published."""
    return dg.AssetCheckSpec(CHECK, asset=key, description=description, blocking=True, partitions_def=definition)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one asset in a step. With `rules`, each outcome is also an evaluation of the asset's contract check."""

    key: dg.AssetKey
    outcomes: Sequence[Outcome]
    rules: Sequence[Rule | DatasetRule] | None = None

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
    partitioned = context.has_partition_key_range or context.has_partition_key
    asked = set(context.partition_keys) if partitioned else set[str]()
    for one in reports:
        _log_evaluations(context, one, partitioned=partitioned)
        for outcome in one.good:
            metadata = outcome_metadata(outcome, partitioned=partitioned)
            if one.refused or (partitioned and outcome.key not in asked):
                context.log_event(dg.AssetMaterialization(one.key, partition=outcome.key if partitioned else None, metadata=metadata))
            else:
                context.add_asset_metadata(metadata, asset_key=one.key, partition_key=outcome.key if partitioned else None)
        if not one.refused:
            yield dg.MaterializeResult(asset_key=one.key)
    if failed := [one for one in reports if one.refused]:
        raise _failure(failed)


@contextmanager
def permanent_failures() -> Iterator[None]:
    """Inside, an error that would come again in the same way fails the step without a retry."""
    try:
        yield
    except PermanentFailure as error:
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


def _log_evaluations(context: dg.AssetExecutionContext, one: Report, *, partitioned: bool) -> None:
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


def _failure(failed: Sequence[Report]) -> dg.Failure:
    said = []
    for one in failed:
        shown = "; ".join(f"{outcome.key}: {str(outcome.refusal).rstrip('.')}" for outcome in one.refused[:SHOWN_FAILURES])
        more = f"; and {len(one.refused) - SHOWN_FAILURES} more" if len(one.refused) > SHOWN_FAILURES else ""
        said.append(f"{one.key.to_user_string()}: {len(one.refused)} of {len(one.outcomes)} partitions were refused: {shown}{more}.")
    metadata = {f"refused {one.key.to_user_string()}": [outcome.key for outcome in one.refused] for one in failed}
    return dg.Failure(str(PartitionsFailed(" ".join(said))), metadata=metadata, allow_retries=False)
