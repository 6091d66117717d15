"""The asset `maintenance/history`: what `assay maintain` removes of Dagster's own history, on a schedule. The UI shows what has gone.

This module does not postpone its annotations: Dagster reads those of an asset's body when the asset is made.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from assay.orchestration.clock_rollback import require_steady_clock
from assay.orchestration.history import History, SpentHistory
from assay.orchestration.maintenance_asset import GROUP
from assay.orchestration.maintenance_asset import JOB as POOL
from assay.orchestration.naming import ALONE, Naming
from assay.settings import Settings

NAME, OP, JOB = "history", "remove_spent_history", "history"
NIGHTLY = "0 4 * * *"  # after the tables
AT_NIGHT = "Removes each night Dagster's history of runs that ended more than {} days ago, whoever's they are. Turn it on."
DESCRIPTION = (
    "Removes runs of Dagster's instance that ended long ago, their events and logs, and old ticks, as `assay maintain` does. The newest"
    " materialization, observation and check of every partition stays, and whatever the UI shows of it."
)


def history_asset(settings: Settings, naming: Naming = ALONE) -> dg.AssetsDefinition:
    """The asset, which has no check: what must stay for now is no fault."""
    key = dg.AssetKey([GROUP, naming.of(NAME)])
    spec = dg.AssetSpec(key, description=DESCRIPTION, group_name=GROUP, kinds={"dagster"})

    @dg.multi_asset(name=naming.of(OP), specs=[spec], pool=naming.of(POOL))
    def history(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        require_steady_clock(settings.lake, context.instance)
        waits = partial(context.log.info, "Waits for %s.")
        yield dg.MaterializeResult(key, metadata=told(History(settings, context.instance, waits, context.run.run_id).execute()))

    return history


def told(spent: SpentHistory) -> dict[str, dg.MetadataValue]:
    """What has gone, in numbers, and what could not."""
    counts = {"runs removed": spent.runs, "events removed": spent.events, "ticks removed": spent.ticks, "freed bytes": spent.freed}
    numbers: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(number) for name, number in counts.items()}
    return numbers | ({"what stays, and why": dg.MetadataValue.text(spent.told)} if spent.told else {})
