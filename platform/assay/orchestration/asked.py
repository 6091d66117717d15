"""What a run was asked for, as the slice of a table, before anything is read.

Dagster's UI offers only partitions that there are. Whoever sends a run in another way (GraphQL, a page that was open too long) may name any
key, and Dagster runs it: of a day within a month it makes the month after, and months that are still to come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import SliceInvalid
from assay.orchestration.partitions import slice_of
from assay.orchestration.reporting import permanent_failures

if TYPE_CHECKING:
    import dagster as dg

    from assay.lake.slices import Slice, TableSpec

PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def asked_of(context: dg.AssetExecutionContext, definition: dg.TimeWindowPartitionsDefinition | None, spec: TableSpec) -> Slice:
    """The slice that a run owns of an asset's table; the whole table for an asset without partitions.

    Raises dg.Failure, without a retry, for a run that names a partition that there is not.
    """
    with permanent_failures(context.selected_asset_keys):
        return slice_of(definition, _keys(context, definition, spec) if definition else (), spec)


def _keys(context: dg.AssetExecutionContext, definition: dg.TimeWindowPartitionsDefinition, spec: TableSpec) -> list[str]:
    ends = [context.run.tags[name] for name in (PARTITION, RANGE_START, RANGE_END) if name in context.run.tags]
    first, last = definition.get_first_partition_key(), definition.get_last_partition_key()
    there = f"{first} to {last}" if first else "none yet"
    hint = f"It has {there}; assets with other partitions take a run of their own. Nothing was changed."
    if strange := [key for key in ends if not definition.has_partition_key(key)]:
        raise SliceInvalid(f"Tried to make {strange[0]} of {spec.name}, which has no such partition now.", hint=hint)
    if ends[0] > ends[-1]:
        raise SliceInvalid(f"Tried to make {ends[0]} to {ends[-1]} of {spec.name}, which begins after its end.", hint=hint)
    return list(context.partition_keys)
