"""Column lineage of one SQL query: which columns of which tables make each of its columns, and which decide its rows.

The roles are those of OpenLineage's column lineage facet (https://openlineage.io/docs/spec/facets/dataset-facets/column_lineage_facet/): a
column is used directly, or indirectly, as in a join. Whatever cannot be worked out raises `LineageUnknown`; it is never left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from assay.errors import PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

DIALECT = "duckdb"


class LineageUnknown(PermanentFailure):
    """The columns of a query cannot be traced."""

    hint = "Name the columns, without PIVOT, COLUMNS() or recursion, to have them traced."


class Role(StrEnum):
    """How a column is used. The first three go into a value; the others decide which rows or values there are."""

    IDENTITY = "identity"
    TRANSFORMATION = "transformation"
    AGGREGATION = "aggregation"
    CONDITIONAL = "condition"
    WINDOW = "window"
    JOIN = "join"
    FILTER = "filter"
    GROUP_BY = "group by"
    SORT = "sort"

    @property
    def is_direct(self) -> bool:
        """Whether values flow."""
        return self in {Role.IDENTITY, Role.TRANSFORMATION, Role.AGGREGATION}


DIRECT = [Role.IDENTITY, Role.TRANSFORMATION, Role.AGGREGATION]


def through(outer: Role, inner: Role) -> Role:
    """The role of a column that is used in a column that is used: an indirect step makes the way indirect."""
    if outer.is_direct and inner.is_direct:
        return max(outer, inner, key=DIRECT.index)
    return inner if outer.is_direct else outer


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """A column of a table (`schema.name`) and how it is used."""

    table: str
    column: str
    role: Role


@dataclass(slots=True)
class Lineage:
    """The uses that make each column of a query, and those that decide which rows it has."""

    columns: dict[str, set[Use]] = field(default_factory=dict)
    rows: set[Use] = field(default_factory=set)


def lineage_of(sql: str, tables: Mapping[str, Sequence[str]]) -> Lineage:
    """Trace a query over tables (`schema.name`) whose columns are known. Raises LineageUnknown, saying why."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema: dict[str, object] = {}
    for name, columns in ((name, columns) for name, columns in tables.items() if columns):
        folder, _, table = name.partition(".")
        within = schema.setdefault(folder, {})
        assert isinstance(within, dict)  # noqa: S101  # made on the line above
        within[table] = dict.fromkeys(columns, "unknown")
    try:
        tree = parse_one(sql, dialect=DIALECT)
        for named in tree.find_all(exp.Table):
            named.set("catalog", None)  # dbt names the database too: the name of a scratch file
        root = build_scope(qualify(tree, schema=schema, dialect=DIALECT, validate_qualify_columns=False, identify=False))
    except SqlglotError as error:
        raise LineageUnknown(f"Tried to trace a query; sqlglot cannot read it: {str(error).partition('.')[0]}.") from error
    if root is None or tree.find(exp.Pivot) or any(found.args.get("recursive") for found in tree.find_all(exp.With)):
        raise LineageUnknown("Tried to trace a query; it is no plain SELECT.")
    return _Reader().read(root)


class _Reader:
    """Reads scopes, each once: a common table expression may be used many times."""

    def __init__(self) -> None:
        self.done: dict[int, Lineage] = {}

    def read(self, scope: Scope) -> Lineage:
        """The lineage of a scope: a SELECT, or a set operation of several."""
        if id(scope) not in self.done:
            self.done[id(scope)] = self._set_operation(scope) if scope.set_operation_scopes else _Select(self, scope).read()
        return self.done[id(scope)]

    def _set_operation(self, scope: Scope) -> Lineage:
        left, right = (self.read(side) for side in scope.set_operation_scopes)
        if scope.expression.args.get("by_name"):
            pairs = {name: right.columns.get(name, set()) for name in {**left.columns, **right.columns}}
        else:
            pairs = dict(zip(left.columns, right.columns.values(), strict=False))
        return Lineage({name: left.columns.get(name, set()) | uses for name, uses in pairs.items()}, left.rows | right.rows)


class _Select:
    """One SELECT: its projections, and everything around them that decides its rows."""

    def __init__(self, reader: _Reader, scope: Scope) -> None:
        self.reader, self.scope, self.tree = reader, scope, scope.expression
        self.nested = {id(inner.expression): inner for inner in scope.subquery_scopes}
        self.found = Lineage()
        self.windows = {window.this.name: window for window in self.tree.args.get("windows") or []}

    def read(self) -> Lineage:
        """Projections first; a column that nothing below asks for decides the rows, so that none is ever lost."""
        from sqlglot import exp

        if not isinstance(self.tree, exp.Select):
            raise LineageUnknown(f"Tried to trace a query; it reads from {type(self.tree).__name__.upper()}.")
        projections = self.tree.selects
        found = self.found = Lineage({item.alias_or_name: set(self.uses(item, Role.IDENTITY)) for item in projections})
        found.rows |= {use for part, role in self._around() for use in self.uses(part, role)}
        for source in self.scope.sources.values():
            if not isinstance(source, exp.Expr):
                found.rows |= self.reader.read(source).rows
        seen = {(use.table, use.column) for uses in (*found.columns.values(), found.rows) for use in uses}
        every = {use for column in self.scope.columns for use in self._column(column, Role.CONDITIONAL)}
        found.rows |= {use for use in every if (use.table, use.column) not in seen}
        return found

    def _around(self) -> Iterator[tuple[exp.Expr, Role]]:
        """Every clause but the projections."""
        from sqlglot import exp

        clauses = {"where": Role.FILTER, "having": Role.FILTER, "qualify": Role.FILTER, "order": Role.SORT, "group": Role.GROUP_BY}
        yield from ((self.tree.args[name], role) for name, role in clauses.items() if self.tree.args.get(name))
        yield from ((join.args["on"], Role.JOIN) for join in self.tree.args.get("joins") or [] if join.args.get("on"))
        group = self.tree.args.get("group")
        if self.tree.args.get("distinct") or (group and group.args.get("all")):
            assert isinstance(self.tree, exp.Select)  # noqa: S101  # `read` looked
            yield from ((item, Role.GROUP_BY) for item in self.tree.selects if not item.find(exp.AggFunc))

    def uses(self, node: exp.Expr, role: Role) -> Iterator[Use]:
        """The columns below a node, each with the role that it has there."""
        from sqlglot import exp

        if isinstance(node, exp.Column):
            yield from self._column(node, role)
        elif isinstance(node, exp.TableColumn):
            raise LineageUnknown(f"Tried to trace a query; it uses the rows of {node.name!r} as values.")
        elif isinstance(node, exp.Columns) or (isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)):
            raise LineageUnknown("Tried to trace a query; its columns are those of a table that nobody describes.")
        elif isinstance(node, exp.Query):
            yield from self._subquery(node, role)
        else:
            if isinstance(node, exp.Window) and (named := self.windows.get(node.alias)):
                yield from self.uses(named, through(role, Role.WINDOW))
            for child, part in _parts(node):
                yield from self.uses(child, through(role, part))

    def _subquery(self, node: exp.Query, role: Role) -> Iterator[Use]:
        inner = self.nested.get(id(node.unnest()))
        if inner is None:
            raise LineageUnknown("Tried to trace a query; one of its subqueries cannot be read.")
        found = self.reader.read(inner)
        for use in {use for uses in found.columns.values() for use in uses}:
            yield Use(use.table, use.column, through(through(role, Role.TRANSFORMATION), use.role))
        yield from (Use(use.table, use.column, through(role, use.role)) for use in found.rows)

    def _column(self, node: exp.Column, role: Role) -> Iterator[Use]:
        from sqlglot import exp

        if not node.table and node.name in self.found.columns:  # ORDER BY the name of a projection
            yield from (Use(use.table, use.column, through(role, use.role)) for use in self.found.columns[node.name])
            return
        source = self._source(node.table)
        if isinstance(source, exp.Table):
            if isinstance(source.this, exp.Identifier):  # a function's columns come from no table
                yield Use(f"{source.db}.{source.name}", node.name, role)
            return
        if source is None or isinstance(source, exp.Expr) or node.name not in (inner := self.reader.read(source)).columns:
            raise LineageUnknown(f"Tried to trace a query; it does not say where the column {node.sql(DIALECT)} comes from.")
        yield from (Use(use.table, use.column, through(role, use.role)) for use in inner.columns[node.name])

    def _source(self, name: str) -> exp.Expr | Scope | None:
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.sources:
                return scope.sources[name]
            scope = scope.parent
        return None


def _parts(node: exp.Expr) -> Iterator[tuple[exp.Expr, Role]]:
    """The children of a node with what each does to a value: conditions choose, windows order, the rest makes."""
    from sqlglot import exp

    plain = Role.IDENTITY if isinstance(node, exp.Alias | exp.Paren) else Role.TRANSFORMATION
    plain = Role.AGGREGATION if isinstance(node, exp.AggFunc) else plain
    special: dict[str, Role] = {}
    if isinstance(node, exp.Window):
        special, plain = {"partition_by": Role.WINDOW, "order": Role.WINDOW}, Role.IDENTITY
    elif isinstance(node, exp.Filter):
        special, plain = {"expression": Role.CONDITIONAL}, Role.IDENTITY
    elif isinstance(node, exp.If) or (isinstance(node, exp.Case) and node.args.get("this")):
        special = {"this": Role.CONDITIONAL}
    elif isinstance(node, exp.Ordered):
        plain = Role.SORT
    for name, value in node.args.items():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, exp.Expr):
                yield child, special.get(name, plain)
