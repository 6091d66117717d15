"""The IO manager: what an asset returns becomes the partitions of its run, in one atomic commit; what it asks for is read from a snapshot.

It only brings Dagster's contexts to `lake/`: which partitions (`partitions.py`), which table, which frame kind. It publishes frames that
need no contract; assets with one publish by themselves and return nothing.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from assay.errors import FrameNotSupported, PartitionsMissing, SliceInvalid, few_of
from assay.lake.fence import fence_now
from assay.lake.frames import from_snapshot, to_chunks
from assay.lake.publisher import Provenance, current_tokens, fingerprint, publish
from assay.lake.schemas import lacks_type, lake_schema, refuse_names
from assay.lake.slices import TableSpec
from assay.lake.snapshots import newest, open_snapshot
from assay.lake.staged import combine
from assay.lake.staging import stage
from assay.orchestration.partitions import partition_of, slice_of
from assay.orchestration.reporting import permanent_failures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from assay.lake.snapshots import Snapshot
    from assay.lake.staged import Staging

PARTITION_BY = "assay/partition_by"
EVENT_TIME = "assay/event_time"
MAY_ADD_COLUMNS = "assay/may_add_columns"
MISSING_PARTITIONS, ALLOW = "assay/missing_partitions", "allow"
SHOWN, NOTED = 5, 100


class LakeIOManager(dg.ConfigurableIOManager):
    """Stores any frame kind of `lake/frames.py` as the partitions of the run, and loads those that the partition mapping gives.

    Asset metadata says what the frame cannot: `assay/partition_by` (a column or several; required when the asset has partitions),
    `assay/event_time` (the column whose values must lie in the partition) and `assay/may_add_columns`. Input metadata may name `columns`,
    and let partitions be missing that were never published (`assay/missing_partitions`: `allow`): an observation of the asset names them.
    """

    root: str

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Replace exactly the partitions of this run. None is for assets that published by themselves: nothing is stored."""
        if obj is None:
            return
        with permanent_failures():
            name = table_name(context.asset_key)
            fence, found = fence_now(Path(self.root)), newest(Path(self.root), name)
            spec, chunks = table_spec(name, context, found, to_chunks(obj))
            definition = context.asset_partitions_def if context.has_asset_partitions else None
            slice_ = slice_of(definition, context.asset_partition_keys if definition else [], spec)
            # an erasure removes what was staged before it: then nothing may name these files
            outcome = self._publish(stage(Path(self.root) / name, slice_, chunks), found, Provenance(run_id=context.run_id, fence=fence))
        context.add_output_metadata(outcome)

    def _publish(self, staging: Staging, found: Snapshot | None, provenance: Provenance) -> dict[str, Any]:
        """Publish unless the table holds just these files under just these tokens; say what happened."""
        spec, summaries = staging.slice.spec, staging.summaries()
        tokens = {key: fingerprint("content", summary["digest"]) for key, summary in summaries.items()}
        rows = sum(summary["rows"] for summary in summaries.values())
        if found is not None and not len(staging.added) and _holds(found, staging, tokens):
            staging.discard()
            outcome, version = "unchanged", found.version
        else:
            outcome, version = "published", publish(Path(self.root), staging, tokens, provenance=provenance).version
        columns = [*spec.schema, *staging.added, *(pa.field(name, pa.null()) for name in spec.untyped - set(staging.added.names))]
        return {
            "assay/outcome": outcome,
            "assay/version": version,
            "dagster/row_count": rows,
            "dagster/uri": (Path(self.root) / spec.name).as_uri(),
            "dagster/column_schema": dg.TableSchema([dg.TableColumn(column.name, str(column.type)) for column in columns]),
        }

    def load_input(self, context: dg.InputContext) -> object:
        """Read the partitions that the partition mapping gives, as the type the input is annotated with (default: polars.DataFrame).

        Fails with PartitionsMissing if some were never published; the input's metadata may allow that.
        """
        import polars as pl

        with permanent_failures():
            snapshot = open_snapshot(Path(self.root), table_name(context.asset_key))
            keep = None
            if context.has_asset_partitions:
                spec = TableSpec(snapshot.name, snapshot.schema, snapshot.partition_by)
                keys, definition = list(context.asset_partition_keys), context.asset_partitions_def
                _account_for_missing(context, [key for key, token in current_tokens(snapshot, keys).items() if token is None], keys)
                owned = {partition_of(definition, key, spec).values for key in keys}
                keep = lambda file: file.values in owned  # noqa: E731  # a predicate, not a function with a name
            wanted = context.dagster_type.typing_type
            columns = metadata_value(context.definition_metadata, "columns")
            return from_snapshot(snapshot, keep, pl.DataFrame if wanted is Any else wanted, columns)


def _account_for_missing(context: dg.InputContext, missing: Sequence[str], asked: Sequence[str]) -> None:
    """An empty or a partial frame would be taken for everything that there is."""
    if not missing:
        return
    shown = few_of(missing, SHOWN)
    if metadata_value(context.definition_metadata, MISSING_PARTITIONS) != ALLOW:
        raise PartitionsMissing(
            f"Tried to read {len(asked)} partitions of {table_name(context.asset_key)}; {len(missing)} were never published: {shown}.",
            hint=f"Publish them first, or let the input do without: dg.AssetIn(metadata={{'{MISSING_PARTITIONS}': '{ALLOW}'}}).",
        )
    description = f"{context.op_def.name} read it without {len(missing)} partitions that were never published: {shown}."
    noted: dict[str, list[str] | int] = {MISSING_PARTITIONS: list(missing[:NOTED]), f"{MISSING_PARTITIONS}_count": len(missing)}
    # not `add_input_metadata`: it raises for an input of several partitions
    context.instance.report_runless_asset_event(dg.AssetObservation(context.asset_key, metadata=noted, description=description))


def table_name(key: dg.AssetKey) -> str:
    """The table of an asset: `<layer>/<dataset>`."""
    return "/".join(key.path)


def table_spec(
    name: str, context: dg.OutputContext, found: Snapshot | None, chunks: Iterator[pl.DataFrame]
) -> tuple[TableSpec, Iterator[pl.DataFrame]]:
    """What the table must look like: as it is, or like the first frame when it is new. Gives the chunks back, the first one included.

    A new table does not have the first frame's columns without a type: it keeps their names, until a frame tells what they hold.
    """
    metadata = context.definition_metadata
    columns = metadata_value(metadata, PARTITION_BY) or ()
    partition_by = (columns,) if isinstance(columns, str) else tuple(columns)
    if context.has_asset_partitions and not partition_by:
        raise SliceInvalid(
            f"Tried to store a partition of {name}, whose asset does not name its partition column.",
            hint=f"Give the asset metadata={{'{PARTITION_BY}': 'the_column'}}.",
        )
    if found is not None:
        schema, untyped = found.schema, frozenset(found.untyped)
    else:
        first = next(chunks, None)
        if first is None:
            raise FrameNotSupported(f"Tried to store no frame at all as the new table {name}.", hint="Yield one frame with its columns.")
        schema, untyped = new_schema(name, first, partition_by)
        chunks = chain([first], chunks)
    event_time, may_add = metadata_value(metadata, EVENT_TIME), bool(metadata_value(metadata, MAY_ADD_COLUMNS))
    return TableSpec(name, schema, partition_by, event_time, may_add, untyped=untyped), chunks


def new_schema(name: str, frame: pl.DataFrame, partition_by: tuple[str, ...]) -> tuple[pa.Schema, frozenset[str]]:
    """The columns of the new table `name`, all nullable except the partition columns; and the names of those that have no type yet."""
    import polars as pl

    refuse_names(frame.columns, name)
    if missing := [column for column in partition_by if column not in frame.columns]:
        raise SliceInvalid(f"The frame has no column {missing[0]!r} to partition by; it has {frame.columns}.")
    found = frame.clear().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    untyped = frozenset(field.name for field in found if lacks_type(field.type))
    if unknown := [column for column in partition_by if column in untyped]:
        hint = "Give it one in the frame, or publish first a partition that has rows."
        raise SliceInvalid(f"Tried to make the table {name}; its partition column {unknown[0]!r} has no value and no type.", hint=hint)
    if not set(frame.columns) - untyped - set(partition_by):
        hint = "Give one of them a type in the frame, or publish first a partition that has values."
        raise SliceInvalid(f"Tried to make the table {name}; of the columns {frame.columns} none that is stored has a type.", hint=hint)
    schema = lake_schema(pa.schema([field for field in found if field.name not in untyped]))
    return pa.schema([field.with_nullable(field.name not in partition_by) for field in schema]), untyped


def metadata_value(metadata: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  # JSON
    """A value of definition metadata, whether Dagster wrapped it or not."""
    value = metadata.get(name)
    return value.value if isinstance(value, dg.MetadataValue) else value


def _holds(found: Snapshot, staging: Staging, tokens: Mapping[str, int]) -> bool:
    digests: dict[tuple[str, ...], list[str]] = {}
    for file in found.files:
        digests.setdefault(file.values, []).append(file.digest)
    summaries = staging.summaries()
    return current_tokens(found, list(tokens)) == dict(tokens) and all(
        combine(digests.get(partition.values, [])) == summaries[partition.key]["digest"] for partition in staging.slice.partitions
    )
