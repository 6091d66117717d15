"""Outcomes of a step become Dagster events: a materialization for each partition that is good, a check for each, a failure for the rest.

In a run over a range, Dagster's own results carry no partition. So the good partitions of a partly failed range are logged one by one, and
the failure names the others. When all went well, the materializations come from the step's output, which Dagster stores in batches. Those
of partitions that a step took in beside the ones that it was asked for are always logged.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.errors import PartitionsFailed, may_pass
from assay.orchestration.data_versions import VERSION, common, tags_of, versions_of
from assay.orchestration.metadata import broken_rules, outcome_metadata
from assay.orchestration.recoveries import RECORD_TAG
from assay.steps import Status
from assay.stopping import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import DatasetRule, Rule
    from assay.steps import Outcome

    Rules = Sequence[Rule | DatasetRule] | None

INTERRUPTS = (Stopped, KeyboardInterrupt, dg.DagsterExecutionInterruptedError)
CHECK = "contract"
REFUSED = "refused "  # begins the name of the metadata of a failed step that lists the refused partitions of an asset
SHOWN_FAILURES = 5
RECORDED = "What is published is what would be made now. It met the contract when it was published."
WOULD_BE = {"published": "would_be_published"}  # what the counts of a refused partition are called
SAID_SINGLY = 2
FOR_GOOD = "failed for good"  # metadata of a failure that would come again: its assets, and whether each partition failed by itself
RETRIES = dg.RetryPolicy(max_retries=3, delay=1, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def contract_check(key: dg.AssetKey, definition: dg.PartitionsDefinition | None, description: str) -> dg.AssetCheckSpec:
    """The one blocking check of an asset: its contract, judged before anything is published."""
    return dg.AssetCheckSpec(CHECK, asset=key, description=description, blocking=True, partitions_def=definition)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one asset in a step, with the data versions of its partitions. With `rules`, each outcome is also an evaluation of the
    asset's contract check.
    """

    key: dg.AssetKey
    outcomes: Sequence[Outcome]
    rules: Rules = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> list[Outcome]:
        """The partitions that were not published because they broke their contract."""
        return [outcome for outcome in self.outcomes if outcome.status is Status.REFUSED]

    @property
    def good(self) -> list[Outcome]:
        """The partitions that are as they should be."""
        return [outcome for outcome in self.outcomes if outcome.status is not Status.REFUSED]

    def metadata(self, outcome: Outcome, *, partitioned: bool) -> dict[str, Any]:
        """What a materialization of a partition says."""
        version = self.versions.get(outcome.key) if partitioned else None
        return outcome_metadata(outcome, partitioned=partitioned) | ({VERSION: version} if version else {})

    def log(self, context: dg.AssetExecutionContext, outcome: Outcome) -> None:
        """Log a materialization by itself."""
        partitioned = is_partitioned(context)
        tags = tags_of(context, self.key, self.versions.get(outcome.key))
        part, metadata = outcome.key if partitioned else None, self.metadata(outcome, partitioned=partitioned)
        context.log_event(dg.AssetMaterialization(self.key, partition=part, metadata=metadata, tags=tags))


def report(context: dg.AssetExecutionContext, reports: Sequence[Report], *, together: bool = False) -> Iterator[dg.MaterializeResult[Any]]:
    """Turn the outcomes of a step into events. `together` says that its partitions are published all or none.

    Raises dg.Failure, naming the refused partitions of every asset, after everything that is good was recorded.
    """
    partitioned = is_partitioned(context)
    asked = set(context.partition_keys) if partitioned else set[str]()
    for one in reports:
        _log_evaluations(context, one)
        for outcome in one.good:
            if one.refused or (partitioned and outcome.key not in asked):
                one.log(context, outcome)
            else:
                metadata = one.metadata(outcome, partitioned=partitioned)
                context.add_asset_metadata(metadata, asset_key=one.key, partition_key=outcome.key if partitioned else None)
        if not one.refused:
            yield dg.MaterializeResult(asset_key=one.key, data_version=common(one.versions.values()))
    if failed := [one for one in reports if one.refused]:
        raise _failure(failed, together=together)


def carry_out(
    context: dg.AssetExecutionContext,
    promised: Mapping[dg.AssetKey, Rules],
    work: Iterable[tuple[dg.AssetKey, Outcome]],
    lake: Path,
    *,
    together: bool = False,
) -> Iterator[dg.MaterializeResult[Any]]:
    """Do the work of a step to its end and report it; `promised` gives the assets of the step and the rules that each is checked by.

    With `together` one refused partition refuses all.

    Raises dg.Failure, without a retry, for an error that would come again in the same way, and when the run is interrupted: Dagster
    itself would answer an interrupt with a retry. What was done until then is published, so it is recorded first.
    """
    done: dict[dg.AssetKey, list[Outcome]] = {key: [] for key in promised}
    reports = [Report(key, done[key], rules) for key, rules in promised.items()]
    try:
        with permanent_failures(promised):
            for key, outcome in work:
                done[key].append(outcome)
    except dg.Failure as failure:
        for one in _with_versions(lake, reports):
            _log_evaluations(context, one)
            _log_good(context, one)
        raise dg.Failure(
            failure.description, metadata={**failure.metadata, **_refused(reports)}, allow_retries=False
        ) from failure.__cause__
    yield from report(context, _with_versions(lake, reports), together=together)


@contextmanager
def permanent_failures(keys: Iterable[dg.AssetKey] = ()) -> Iterator[None]:
    """Inside, an error that would come again in the same way fails the step without a retry, and so does an interrupt.

    `keys` are the assets that the step makes.
    """
    made = list(keys)
    named = f"{', '.join(key.to_user_string() for key in made)}: " if made else ""
    try:
        yield
    except INTERRUPTS as stop:
        raise dg.Failure(f"{named}stopped. What was published stays; run it again.", allow_retries=False) from stop
    except Exception as error:
        if may_pass(error):
            raise
        raise dg.Failure(f"{named}{type(error).__name__}: {error}", metadata=_for_good(made, alone=False), allow_retries=False) from error


def _for_good(keys: Iterable[dg.AssetKey], *, alone: bool) -> dict[str, Any]:
    return {FOR_GOOD: dg.MetadataValue.json({key.to_user_string(): alone for key in keys})}


def failed_for_good(instance: dg.DagsterInstance, run_id: str) -> dict[str, bool]:
    """The assets that a run failed to make and would fail to make again; True where each partition failed by itself."""
    found: dict[str, bool] = {}
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        said = entry.dagster_event.step_failure_data.user_failure_data if entry.dagster_event else None
        value = said.metadata.get(FOR_GOOD) if said else None
        found |= value.value if isinstance(value, dg.JsonMetadataValue) and isinstance(value.value, dict) else {}
    return found


def _with_versions(lake: Path, reports: Sequence[Report]) -> list[Report]:
    return [replace(one, versions=versions_of(lake, one.key, [outcome.key for outcome in one.good])) for one in reports]


def _log_good(context: dg.AssetExecutionContext, one: Report) -> None:
    for outcome in one.good:
        one.log(context, outcome)


def is_partitioned(context: dg.AssetExecutionContext) -> bool:
    """Whether a run is about partitions of its asset: one of several assets may be sent with the key of another's partition."""
    return context.assets_def.partitions_def is not None and bool(context.has_partition_key_range or context.has_partition_key)


def _log_evaluations(context: dg.AssetExecutionContext, one: Report) -> None:
    partitioned = is_partitioned(context)
    for outcome in one.outcomes if one.rules is not None else ():
        # what is unchanged was judged when it was published, but its newest evaluation may be of what did not come after it
        if outcome.status is not Status.UNCHANGED or RECORD_TAG in context.run.tags:
            context.log_event(_evaluation(one.key, outcome, one.rules or (), partitioned=partitioned))


def _evaluation(key: dg.AssetKey, outcome: Outcome, rules: Sequence[Rule | DatasetRule], *, partitioned: bool) -> dg.AssetCheckEvaluation:
    refused = outcome.status is Status.REFUSED
    counts = {WOULD_BE.get(name, name) if refused else name: value for name, value in outcome.facts.items() if isinstance(value, int)}
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=CHECK,
        passed=not refused,
        partition=outcome.key if partitioned else None,
        description=outcome.refusal or (RECORDED if outcome.status is Status.UNCHANGED else None),
        metadata={**broken_rules(rules, outcome.broken), "rules": len(rules), **counts},
    )


def keys_said(keys: Sequence[str]) -> str:
    """Some partition keys, in order, as a person says them: two that are not alone say how many lie from one to the other."""
    if len(keys) <= SAID_SINGLY:
        return " and ".join(keys)
    return f"{keys[0]} to {keys[-1]} ({len(keys)})"


def _failure(failed: Sequence[Report], *, together: bool) -> dg.Failure:
    said = []
    for one in failed:
        alike = [(why, [outcome.key for outcome in group]) for why, group in groupby(one.refused, lambda outcome: outcome.refusal)]
        shown = "; ".join(f"{keys_said(keys)}: {str(why).rstrip('.')}" for why, keys in alike[:SHOWN_FAILURES])
        hidden = sum(len(keys) for _, keys in alike[SHOWN_FAILURES:])
        more = f"; and {hidden} more" if hidden else ""
        refused = (
            f"{len(one.refused)} of {len(one.outcomes)} partitions were refused" if len(one.outcomes) > 1 else "the partition was refused"
        )
        said.append(f"{one.key.to_user_string()}: {refused}: {shown}{more}.")
    metadata = _refused(failed) | _for_good((one.key for one in failed), alone=not together)
    return dg.Failure(str(PartitionsFailed(" ".join(said))), metadata=metadata, allow_retries=False)


def _refused(reports: Sequence[Report]) -> dict[str, Any]:
    return {f"{REFUSED}{one.key.to_user_string()}": [outcome.key for outcome in one.refused] for one in reports if one.refused}
