"""The asset `maintenance/lake`: what `assay maintain` does, on a schedule. The UI shows what it freed, and the health of each table.

This module does not postpone its annotations: Dagster reads those of an asset's body when the asset is made.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from assay.errors import TableUnreadable
from assay.lake.snapshots import table_names
from assay.maintenance.cleaning import Cleaning
from assay.maintenance.health import Health
from assay.orchestration.clock_rollback import require_steady_clock
from assay.orchestration.maintaining import Maintaining
from assay.orchestration.naming import ALONE, Naming
from assay.orchestration.plan import Planner
from assay.settings import Settings

GROUP, LAKE, OP, JOB, CHECK = "maintenance", "lake", "maintain_lake", "maintenance", "health"
NIGHTLY = "30 3 * * *"
AT_NIGHT = "Removes each night what nobody needs any more, kept for {} days. Turn it on."
DESCRIPTION = (
    "Removes files of earlier versions, and what killed runs have left, as `assay maintain` does. A materialization says what was freed;"
    " an observation of each table says how many files, log entries and dead bytes it has."
)
FREED = dg.TableSchema(
    [dg.TableColumn("table"), dg.TableColumn("files", "int"), dg.TableColumn("bytes", "int"), dg.TableColumn("what stays, and why")]
)


def maintenance_asset(settings: Settings, planner: Planner, tables: Sequence[dg.AssetKey], naming: Naming = ALONE) -> dg.AssetsDefinition:
    """The asset, whose check warns of tables that are not healthy. `tables` are the assets that are observed."""
    key = dg.AssetKey([GROUP, naming.of(LAKE)])
    check = dg.AssetCheckSpec(CHECK, asset=key, description="No table has many small files, a long log, or more dead bytes than live ones.")
    spec = dg.AssetSpec(key, description=DESCRIPTION, group_name=GROUP, kinds={"deltalake"}, metadata={"dagster/uri": str(settings.lake)})

    @dg.multi_asset(name=naming.of(OP), specs=[spec], check_specs=[check], pool=naming.of(JOB))
    def maintenance(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        require_steady_clock(settings.lake, context.instance)
        cleanings = Maintaining(settings, planner, lambda whom: context.log.info("Waits for %s.", whom)).execute()
        health, complaints = look(settings)
        for table in tables:
            if numbers := health.get("/".join(table.path)):
                context.log_event(dg.AssetObservation(table, metadata=numbers))
        yield dg.MaterializeResult(key, metadata=freed(cleanings), check_results=[judged(complaints, key)])

    return maintenance


def freed(cleanings: Sequence[Cleaning]) -> dict[str, dg.MetadataValue]:
    """What was removed, in all and by table."""
    records = [
        dg.TableRecord({"table": one.name, "files": len(one.removals), "bytes": one.freed, "what stays, and why": one.told})
        for one in cleanings
        if one.removals or one.told
    ]
    return {
        "freed bytes": dg.MetadataValue.int(sum(one.freed for one in cleanings)),
        "files removed": dg.MetadataValue.int(sum(len(one.removals) for one in cleanings)),
        "by table": dg.MetadataValue.table(records, FREED),
    }


def look(settings: Settings) -> tuple[dict[str, dict[str, int]], dict[str, str]]:
    """The health of each table in numbers, and what is wrong with some."""
    health, complaints = dict[str, dict[str, int]](), dict[str, str]()
    for name in table_names(settings.lake):
        try:
            found = Health.of(settings.lake, name)
        except TableUnreadable as error:
            complaints[name] = str(error)
            continue
        health[name] = found.numbers
        if said := "; ".join(found.complaints):
            complaints[name] = said
    return health, complaints


def judged(complaints: dict[str, str], key: dg.AssetKey) -> dg.AssetCheckResult:
    """A table that is not healthy can be read, so it is a warning."""
    said = " ".join(f"{name}: {why}." for name, why in complaints.items())
    return dg.AssetCheckResult(
        passed=not complaints,
        check_name=CHECK,
        asset_key=key,
        severity=dg.AssetCheckSeverity.WARN,
        description=said or "All tables are healthy.",
        metadata=dict(complaints),
    )
