"""Why partitions have failed, in the words of the runs that were to make them. They quote no personal data: the steps saw to that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from assay.orchestration.partition_status import ENDED_BADLY
from assay.orchestration.reporting import FOR_GOOD, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Told = tuple[frozenset[str], str]  # of a failed step: the assets that it names, or none, and its words

LOOKED_AT = 50  # of the newest failed runs
HIDDEN = "its words are not shown, because they may quote personal data; the run shows them"

MOST_REMEMBERED = 256
_remembered: dict[tuple[str, bool], Sequence[Told]] = {}


def reasons(instance: dg.DagsterInstance, assets: Sequence[str], *, hidden: bool) -> dict[str, str]:
    """Why each of some assets has failed, by its newest failed run. `hidden`: what an engine says by itself may quote somebody."""
    left, found = set(assets), dict[str, str]()
    for run in instance.get_runs(ENDED_BADLY, limit=LOOKED_AT) if assets else ():
        if not left:
            break
        made = {key.to_user_string() for key in run.asset_selection or ()}
        told = list(_told(instance, run.run_id, hidden=hidden))
        for name in sorted(left):
            why = next((words for named, words in told if name in named), None)
            if why is None and name in made:
                why = next((words for named, words in told if not named), f"its run ended without a word ({run.status.value.lower()})")
            if why is not None:
                found[name] = f"{why.removeprefix(f'{name}: ')} (run {run.run_id[:8]})"
        left -= found.keys()
    return found


def _told(instance: dg.DagsterInstance, run_id: str, *, hidden: bool) -> Sequence[Told]:
    """What the failed steps of a run say. It has ended, so that is remembered: an open alert asks at every look."""
    if len(_remembered) > MOST_REMEMBERED:
        _remembered.clear()
    if (run_id, hidden) not in _remembered:
        _remembered[run_id, hidden] = tuple(_failures(instance, run_id, hidden=hidden))
    return _remembered[run_id, hidden]


def _failures(instance: dg.DagsterInstance, run_id: str, *, hidden: bool) -> Iterator[Told]:
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        data = entry.dagster_event.step_failure_data if entry.dagster_event else None
        said = data.user_failure_data if data else None
        if said is not None:
            for_good = said.metadata.get(FOR_GOOD)
            named = for_good.value if isinstance(for_good, dg.JsonMetadataValue) and isinstance(for_good.value, dict) else {}
            refused = {name.removeprefix(REFUSED) for name in said.metadata if name.startswith(REFUSED)}
            yield frozenset({*named, *refused}), said.description or "it failed"
        elif data is not None and data.error is not None:
            yield frozenset(), f"{data.error.cls_name}: {HIDDEN if hidden else data.error.message}"
