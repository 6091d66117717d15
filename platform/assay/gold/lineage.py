"""Column lineage of the gold models, their tests and exposures, and what a changed column of a table reaches through them.

The SQL is what dbt renders (`compiled`), traced query by query (`select_lineage`). A model that cannot be traced counts as reading every
column of the tables that it reads: a change is shown where it may break something, never left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.gold.compiled import compiled_project
from assay.gold.select_lineage import Lineage, LineageUnknown, Role, lineage_of, through

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

TRACED = {"model", "test"}
NOT_RENDERED = "dbt cannot render it without a lake."
NO_COLUMNS = "an exposure names no columns."


@dataclass(frozen=True, slots=True)
class Node:
    """A model, a test, or an exposure: a consumer outside, as dbt is told of it.

    `table` is what a model makes (`gold/x`); `lineage` is None when `unknown` says why it cannot be traced.
    """

    name: str
    kind: str
    table: str | None
    reads: tuple[str, ...]
    lineage: Lineage | None
    unknown: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Reached:
    """Something that a changed column reaches: a column of a gold table, or its rows (no column), a test, a rule, an exposure.

    `role` is how the changed column is used on the way, indirect if one step is; none where the table as a whole is read, or where
    `unknown` says why the use could not be traced. `way` names the gold columns between.
    """

    kind: str
    name: str
    column: str | None
    role: Role | None
    way: tuple[str, ...] = ()
    unknown: str = ""


def project_lineage(project: Path, tables: Mapping[str, Sequence[str]]) -> list[Node]:
    """Trace every model and test of a dbt project. `tables` adds columns to those that `silver/x` or `gold/x` is described with.

    Raises DbtFailed when dbt cannot read the project.
    """
    manifest, compiled = compiled_project(project)
    return nodes_of(json.loads(manifest.read_bytes()), compiled, tables)


def nodes_of(manifest: Mapping[str, Any], compiled: Mapping[str, str], tables: Mapping[str, Sequence[str]]) -> list[Node]:
    """Trace the models and tests of a manifest, given what dbt rendered of them, and list its exposures."""
    relations = {uid: _relation(node) for uid, node in {**manifest["nodes"], **manifest["sources"]}.items()}
    models = {uid: node for uid, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    known: dict[str, tuple[str, ...]] = {}
    for uid, node in {**models, **manifest["sources"]}.items():
        known[relations[uid]] = tuple(dict.fromkeys([*node["columns"], *tables.get(relations[uid].replace(".", "/"), ())]))
    found = [
        _node(uid, node, compiled.get(uid), relations, known)
        for uid, node in manifest["nodes"].items()
        if node["resource_type"] in TRACED and node["config"].get("enabled", True)
    ]
    outside = manifest.get("exposures", {}).values()
    return found + [Node(node["name"], "exposure", None, _reads(node, relations), None, NO_COLUMNS) for node in outside]


def _reads(node: Mapping[str, Any], relations: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(relations[parent].replace(".", "/") for parent in node["depends_on"]["nodes"] if parent in relations)


def _relation(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}"


def _node(uid: str, node: Mapping[str, Any], sql: str | None, relations: Mapping[str, str], known: Mapping[str, tuple[str, ...]]) -> Node:
    table = relations[uid].replace(".", "/") if node["resource_type"] == "model" else None
    reads = _reads(node, relations)
    kind = "gold" if table else "test"
    if sql is None:
        return Node(node["name"], kind, table, reads, None, NOT_RENDERED)
    try:
        return Node(node["name"], kind, table, reads, lineage_of(sql, known))
    except LineageUnknown as why:
        return Node(node["name"], kind, table, reads, None, why.message.partition("; ")[2])


def downstream(nodes: Sequence[Node], table: str, column: str | None = None) -> list[Reached]:
    """What a column of a table reaches, or without one any of its columns; through any number of models, each place once."""
    found: dict[tuple[str, str | None], Reached] = {}
    waiting: list[tuple[str, str | None, Role | None, tuple[str, ...]]] = [(table, column, Role.IDENTITY, ())]
    while waiting:
        source, name, role, way = waiting.pop(0)
        for node in nodes:
            if source not in node.reads:
                continue
            for reached in _reached(node, source, name, role, way):
                key = (f"{reached.kind} {reached.name}", reached.column)
                if key not in found or _weaker(found[key].role, reached.role):
                    found[key] = reached
                    if node.table:
                        step = f"{node.table}.{reached.column}" if reached.column else node.table
                        waiting.append((node.table, reached.column, reached.role, (*way, step)))
    return sorted(found.values(), key=lambda one: (one.kind, len(one.way), one.name, one.column or ""))


def _weaker(known: Role | None, other: Role | None) -> bool:
    """Whether a way that was found later says more: values that flow say more than a use that only chooses rows."""
    return other is not None and other.is_direct and not (known is not None and known.is_direct)


def _reached(node: Node, table: str, column: str | None, role: Role | None, way: tuple[str, ...]) -> Iterator[Reached]:
    name = node.table or node.name
    if node.lineage is None:
        yield Reached(node.kind, name, None, None, way, node.unknown)
        return
    if column is None:
        yield Reached(node.kind, name, None, role if way else None, way)
        return
    relation = table.replace("/", ".").lower()
    uses = {
        output: {use.role for use in found if (use.table, use.column) == (relation, column.lower())}
        for output, found in [*node.lineage.columns.items(), (None, node.lineage.rows)]
    }
    for output, roles in uses.items():
        if roles:
            inner = min(roles, key=list(Role).index)
            yield Reached(node.kind, name, output if node.table else None, through(role, inner) if role else None, way)
