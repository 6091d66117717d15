"""What a reader may run: one SELECT over the tables that are there, and nothing that DuckDB's own parser calls by another name.

The connection is closed by DuckDB's locks (`lake.duckdb_sql.lock`), which let it read the lake's files. A lock on files knows no reading
and writing apart, so what writes must not reach it; nor what reads a file of the lake by its path, past the columns that bronze hides.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

EXPLAIN = re.compile(r"\s*EXPLAIN\b(?:\s+ANALYZE\b)?(?:\s*\([^()]*\))?", re.IGNORECASE)
TABLE_NAME = re.compile(r"\w+")  # a file that is named like a table has a dot or a slash
MAKE_ROWS = frozenset({"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"})
OF_THE_CATALOGUE = "duckdb_"
CATALOGUES = {"information_schema", "pg_catalog"}

Names = frozenset[tuple[str, str]]


def why_not(connection: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    """Why a statement is more than a query of tables, or an EXPLAIN of one; None if it is none."""
    found = parsed(connection, sql)
    return "it is no SELECT" if found is None else next(_beyond(found), None)


def named_tables(connection: duckdb.DuckDBPyConnection, sql: str) -> Names | None:
    """The tables that a query names, as (schema, table) in small letters; None if it may look at any, because it asks which there are."""
    found = parsed(connection, sql)
    named = frozenset(_named(found)) if found is not None else None
    return None if named is None or any(schema in CATALOGUES or table.startswith(OF_THE_CATALOGUE) for schema, table in named) else named


def parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:  # noqa: ANN401  # JSON
    """One SELECT as DuckDB's parser reads it, or that of an EXPLAIN; None for anything else."""
    said = EXPLAIN.sub("", sql, count=1)
    found = json.loads(connection.execute("SELECT json_serialize_sql(?)", [said]).fetchall()[0][0])
    return None if found["error"] or len(found["statements"]) != 1 else found["statements"]


def _named(node: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  # JSON
    if isinstance(node, list):
        for one in node:
            yield from _named(one)
    elif isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield str(node["schema_name"]).lower(), str(node["table_name"]).lower()
        if node.get("type") == "SHOW_REF" and node["query"] is None:
            yield next(iter(CATALOGUES)), ""
        if node.get("type") == "TABLE_FUNCTION":
            yield "", str(node["function"]["function_name"]).lower()
        for inner in node.values():
            yield from _named(inner)


def _beyond(node: Any) -> Iterator[str]:  # noqa: ANN401  # JSON
    if isinstance(node, list):
        for one in node:
            yield from _beyond(one)
    elif isinstance(node, dict):
        name = str(node.get("table_name", ""))
        if node.get("type") == "BASE_TABLE" and not TABLE_NAME.fullmatch(name):
            yield f"{name!r} is a file, and no table"
        if node.get("type") == "TABLE_FUNCTION":
            called = str(node["function"]["function_name"]).lower()
            if called not in MAKE_ROWS and not called.startswith(OF_THE_CATALOGUE):
                yield f"{called} reads what is no table"
        for inner in node.values():
            yield from _beyond(inner)
