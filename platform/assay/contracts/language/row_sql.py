"""SQL about one row sees its row and nothing else: no other rows, no other tables or files, no clock, no dice.

What a text uses is told by DuckDB's parser, what a function is by its catalogue, in which each says whether it is an aggregate and whether
it is stable. Polars' SQL is judged by the same, before Polars sees it: it would read a file while it reads the text.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.contracts.language.sql import NotReadable, tokens
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import duckdb

SHOWN = 120
ALONE = "A row rule sees its row and nothing else: what is published must not depend on what it is refined together with."
OF_PARTITION = "A rule about a partition measures the rows of the partition and nothing else."
PLAIN = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA", "OPERATOR", "TYPE",
})  # fmt: skip
STABLE = "CONSISTENT"
READS_THE_CLOCK_ALONE = frozenset({"age"})  # with one argument it reads the clock, and DuckDB's catalogue calls it consistent
OTHERS = {
    "WINDOW": "looks at other rows", "SUBQUERY": "reads another table or a file", "STAR": "stands for several columns",
    "POSITIONAL_REFERENCE": "names a column by its number", "PARAMETER": "has no value here", "DEFAULT": "has no value here",
}  # fmt: skip


class _Function(NamedTuple):
    """What the catalogue says of all functions of a name together."""

    kinds: frozenset[str]
    is_stable: bool
    macros: tuple[tuple[tuple[str, ...], str], ...]


def refuse_beyond_row(sql: str, known: Iterable[str], *, aggregates: bool = False) -> None:
    """Raise ContractInvalid for an expression that looks beyond its row, of these columns; with `aggregates` it is one over a partition."""
    if why := beyond_row(sql, known, aggregates=aggregates):
        said = sql if len(sql) <= SHOWN else f"{sql[:SHOWN]} .."
        raise ContractInvalid(f"The SQL {said!r} {why}.", hint=OF_PARTITION if aggregates else ALONE)


def beyond_row(sql: str, known: Iterable[str], *, aggregates: bool = False) -> str | None:
    """What an expression uses that is not of its row, as a verb and its object; None if it uses nothing else."""
    return _beyond(sql, frozenset(name.lower() for name in known), aggregates)


@lru_cache(maxsize=1024)
def _beyond(sql: str, known: frozenset[str], aggregates: bool) -> str | None:  # noqa: FBT001  # of a cache
    try:
        tree = _tree(sql)
        return "cannot be read" if tree is None else next(_faults(tree, known, aggregates=aggregates), None)
    except RecursionError:
        return "has too many parts within each other"


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(config={"enable_external_access": False, "lock_configuration": True})


@cache
def _catalogue() -> Mapping[str, _Function]:
    query = "SELECT function_name, function_type, stability, parameters, macro_definition FROM duckdb_functions()"
    found: dict[str, _Function] = {}
    for name, kind, stability, parameters, definition in _engine().execute(query).fetchall():
        kinds, stable, macros = found.get(name, _Function(frozenset(), is_stable=True, macros=()))
        more = ((tuple(parameters), definition),) if kind == "macro" else ()
        found[name] = _Function(kinds | {kind}, stable and stability in (None, STABLE), (*macros, *more))
    return found


def _tree(sql: str) -> Any:  # noqa: ANN401  # JSON
    """The tree of an expression; None if it is none, or more than one."""
    found = _parsed(sql)
    if found is None and (said := _in_other_words(sql)):
        found = _parsed(said)
    if found is None or len(found) != 1:
        return None
    node = found[0]["node"]
    others = (node.get("where_clause"), node.get("group_expressions"), node.get("having"), node.get("qualify"), node.get("modifiers"))
    is_alone = node["type"] == "SELECT_NODE" and node["from_table"]["type"] == "EMPTY" and not any(others)
    return node["select_list"][0] if is_alone and len(node["select_list"]) == 1 else None


def _parsed(sql: str) -> list[Any] | None:
    query = "SELECT json_serialize_sql(?)"
    found = json.loads(_engine().cursor().execute(query, [f"SELECT (\n{sql}\n)"]).fetchall()[0][0])  # it is only read
    return None if found["error"] else list(found["statements"])


def _in_other_words(sql: str) -> str | None:
    """The text in DuckDB's words, if another engine has words of its own for it, such as RLIKE."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        plain = " ".join(f'"{one.name}"' if one.text.startswith("`") else one.text for one in tokens(sql))
        return str(sqlglot.parse_one(plain).sql(dialect="duckdb"))
    except (SqlglotError, NotReadable):
        return None


def _faults(node: Any, known: frozenset[str], *, aggregates: bool) -> Iterator[str]:  # noqa: ANN401  # JSON
    if isinstance(node, list):
        for one in node:
            yield from _faults(one, known, aggregates=aggregates)
        return
    if not isinstance(node, dict):
        return
    does = node.get("class")
    if does == "LAMBDA":
        known = known | {name.lower() for name in _names(node["lhs"])}
    if does == "FUNCTION":
        yield from _function_faults(node, aggregates=aggregates)
    elif does == "COLUMN_REF":
        yield from _name_faults(node["column_names"], known)
    elif does is not None and does not in PLAIN:
        yield f"{OTHERS.get(does, 'is more than an expression')}: {node.get('function_name') or does.lower().replace('_', ' ')}"
    for inner in node.values():
        yield from _faults(inner, known, aggregates=aggregates)


def _names(node: Any) -> Iterator[str]:  # noqa: ANN401  # JSON
    if isinstance(node, list):
        for one in node:
            yield from _names(one)
    elif isinstance(node, dict):
        yield from node.get("column_names", ())
        for inner in node.values():
            yield from _names(inner)


def _function_faults(node: Mapping[str, Any], *, aggregates: bool) -> Iterator[str]:
    name = str(node["function_name"]).lower()
    found = _catalogue().get(name)
    if name in READS_THE_CLOCK_ALONE and len(node["arguments"]) == 1:
        yield f"is not the same at any time: {name}"
    if found is None:
        return  # an engine's own, or nobody's: `reading/trial.py` finds the latter
    if "aggregate" in found.kinds and not aggregates:
        yield f"looks at other rows: {name}"
    elif not found.is_stable:
        yield f"is not the same at any time: {name}"
    elif not found.kinds & {"scalar", "aggregate", "macro"}:
        yield f"makes or looks at other rows: {name}"
    for parameters, definition in found.macros:
        tree = _tree(definition)
        inner = None if tree is None else next(_faults(tree, frozenset(map(str.lower, parameters)), aggregates=aggregates), None)
        if tree is None or inner:
            yield f"{inner or 'cannot be read'}, in {name}"


def _name_faults(names: list[str], known: frozenset[str]) -> Iterator[str]:
    if names[0].lower() not in known and _is_of_session(names[-1]):
        yield f"is not the same at any time: {names[-1].lower()}"


@lru_cache(maxsize=256)
def _is_of_session(name: str) -> bool:
    """Whether the engine knows a value for a name that is no column, such as current_date."""
    import duckdb

    try:
        _engine().cursor().execute('SELECT "{}"'.format(name.replace('"', '""')))
    except duckdb.Error:
        return False
    return True
