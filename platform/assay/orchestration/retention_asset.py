"""The asset `maintenance/retention`: what `assay maintain --retention` does before it cleans up, on a schedule. The UI shows what has gone.

This module does not postpone its annotations: Dagster reads those of an asset's body when the asset is made.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import dagster as dg

from assay.orchestration.clock import now
from assay.orchestration.clock_rollback import require_steady_clock
from assay.orchestration.maintenance_asset import GROUP
from assay.orchestration.maintenance_asset import JOB as POOL
from assay.orchestration.naming import ALONE, Naming
from assay.orchestration.plan import Planner
from assay.orchestration.retaining import Expiry, Retaining
from assay.settings import Settings

NAME, OP, JOB = "retention", "remove_expired", "retention"
NIGHTLY = "0 3 * * *"  # before the files of earlier versions are looked at
AT_NIGHT = "Removes each night what is older than its contract keeps it. Turn it on."
DESCRIPTION = (
    "Removes the partitions that are older than the `retention` of their contracts, as `assay maintain --retention` does. Receipts are in"
    " the table `retention/receipts`."
)
GONE = dg.TableSchema(
    [dg.TableColumn("table"), dg.TableColumn("partitions", "int"), dg.TableColumn("rows", "int"), dg.TableColumn("what stays, and why")]
)


def retention_asset(settings: Settings, planner: Planner, naming: Naming = ALONE) -> dg.AssetsDefinition:
    """The asset, which has no check: what must stay for now is no fault."""
    key = dg.AssetKey([GROUP, naming.of(NAME)])
    spec = dg.AssetSpec(key, description=DESCRIPTION, group_name=GROUP, kinds={"deltalake"}, metadata={"dagster/uri": str(settings.lake)})

    @dg.multi_asset(name=naming.of(OP), specs=[spec], pool=naming.of(POOL))
    def retention(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        require_steady_clock(settings.lake, context.instance)
        waits = partial(context.log.info, "Waits for %s.")
        yield dg.MaterializeResult(key, metadata=told(Retaining(settings, planner, now(), waits).execute()))

    return retention


def told(found: Sequence[Expiry]) -> dict[str, dg.MetadataValue]:
    """What has gone, in all and by table."""
    records = [
        dg.TableRecord({"table": one.table, "partitions": len(one.partitions), "rows": one.rows, "what stays, and why": one.told})
        for one in found
    ]
    return {
        "rows removed": dg.MetadataValue.int(sum(one.rows for one in found)),
        "by table": dg.MetadataValue.table(records, GONE),
    }
