"""What of the lake DuckDB is shown, table by table: which schemas there are, and which table is shown under which of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.cli.bronze_reader import BRONZE, hidden_bronze
from assay.errors import TableUnreadable
from assay.lake.damage import refuse_changed
from assay.lake.duckdb_sql import quoted
from assay.lake.erasures import LAYER as ERASURES
from assay.lake.layers import is_closed_layer
from assay.lake.provenance import LAYER as PROVENANCE
from assay.lake.quarantine.decisions import LAYER as DECISIONS
from assay.lake.quarantine.reader import Fate, View
from assay.lake.retention import LAYER as RETENTION
from assay.lake.snapshots import open_snapshot, table_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from assay.cli.bronze_reader import Open
    from assay.cli.partition_pruning import Asked
    from assay.cli.reading_only import Names

QUARANTINE = "quarantine"
LAYERS = (BRONZE, "silver", "gold", DECISIONS, ERASURES, RETENTION, PROVENANCE)
FATES = {QUARANTINE: Fate.HELD, "discarded": Fate.DISCARDED, "refused": Fate.REFUSED}


def show(connection: duckdb.DuckDBPyConnection, lake: Path, known: Open, named: Names | None, asked: Sequence[Asked] = ()) -> None:
    """Make a schema for each layer, and a view for each table that is named; without names for all that are not damaged.

    Of a table of silver or gold the view has only the partitions of which `asked` can be true.

    Raises TableUnreadable for a damaged one that is named.
    """
    for layer in (*LAYERS, *FATES):
        connection.execute(f"CREATE SCHEMA {layer}")
    for name in table_names(lake):
        layer, _, table = name.partition("/")
        schemas = [*FATES] if layer == QUARANTINE else [layer]
        meant = named if not is_closed_layer(name) else named and {(schema, table) for schema, _ in named}
        shown = [one for one in schemas if meant is None or (one, table.lower()) in meant]
        if not shown or layer not in {*LAYERS, QUARANTINE}:
            continue
        try:
            bodies = _bodies(lake, name, known, shown, dict(asked))
        except TableUnreadable:
            if named is not None:
                raise
            continue
        for schema, body in bodies.items():
            connection.execute(f"CREATE VIEW {schema}.{quoted(table)} AS {body}")


def _bodies(lake: Path, name: str, known: Open, schemas: Iterable[str], asked: Mapping[str, str]) -> dict[str, str]:
    """SQL for a table, by the schemas that show it."""
    layer, _, table = name.partition("/")
    if layer == QUARANTINE:
        view = View.open(lake, table)
        return {schema: view.duckdb_select(FATES[schema]) for schema in schemas}
    snapshot = open_snapshot(lake, name)
    return {layer: hidden_bronze(snapshot, known) if layer == BRONZE else snapshot.duckdb_select(asked=asked)}


def refuse_flipped(lake: Path, named: Iterable[tuple[str, str]]) -> None:
    """Raise TableDamaged if a query failed because a file that it read has other bytes than were committed."""
    for name in table_names(lake):
        layer, _, table = name.partition("/")
        if (layer, table.lower()) in {(QUARANTINE if schema in FATES else schema, one) for schema, one in named}:
            snapshot = open_snapshot(lake, name)
            refuse_changed(snapshot, snapshot.files)
