"""Partition pruning: a query that asks by `=` for one partition of the one table that it names needs no list of the files of others.

DuckDB prunes them too, but it is given all their paths first: of twenty years of days that is half of what such a query costs. Here only
what cannot be mistaken is read out of a query; DuckDB compares again, so that more files than are asked for are no harm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.cli.reading_only import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Asked(NamedTuple):
    """What a query asks for: a column, in small letters, and the text that it has to be equal to. It may be no partition column."""

    column: str
    value: str


def asked_values(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Asked]:
    """What every row of the one table that a query reads has to be; nothing if it reads several, or is more than one plain SELECT."""
    found = parsed(connection, sql)
    if found is None or sum(1 for _ in _nodes(found, "BASE_TABLE")) != 1 or len([*_nodes(found, "SELECT_NODE")]) != 1:
        return []
    node = found[0]["node"]
    table = node.get("from_table") or {}
    plain = node["type"] == "SELECT_NODE" and table.get("type") == "BASE_TABLE" and not node["sample"]
    if not plain or table["sample"] or table["column_name_alias"] or table["at_clause"]:
        return []
    return [*_equal(node["where_clause"])]


def _equal(clause: Any) -> Iterator[Asked]:  # noqa: ANN401  # JSON
    """The comparisons `column = 'text'` that all have to be true for a clause to be."""
    if not clause:
        return
    if clause["type"] == "CONJUNCTION_AND":
        for one in clause["children"]:
            yield from _equal(one)
    if clause["type"] == "COMPARE_EQUAL":
        for column, value in ((clause["left"], clause["right"]), (clause["right"], clause["left"])):
            # a name before it could be that of a column whose field is meant
            if column["type"] == "COLUMN_REF" and len(column["column_names"]) == 1 and (text := _text(value)) is not None:
                yield Asked(column["column_names"][0].lower(), text)


def _text(value: Any) -> str | None:  # noqa: ANN401  # JSON
    """A text, or a date that is spelled as `DATE '2024-01-31'`."""
    if value["type"] == "OPERATOR_CAST" and not value["try_cast"] and value["type_expr"].get("type_name", "").lower() == "date":
        text = _text(value["child"])
        return text if text and DATE.fullmatch(text) else None
    if value["type"] == "VALUE_CONSTANT" and value["literal"]["kind"] == "STRING":
        return str(value["literal"]["text"])
    return None


def _nodes(node: Any, kind: str) -> Iterator[Any]:  # noqa: ANN401  # JSON
    if isinstance(node, list):
        for one in node:
            yield from _nodes(one, kind)
    elif isinstance(node, dict):
        if node.get("type") == kind:
            yield node
        for inner in node.values():
            yield from _nodes(inner, kind)
