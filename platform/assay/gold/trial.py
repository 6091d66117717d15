"""A trial of everything in a gold contract that only DuckDB can judge: its rules and its views, run on one row of nulls.

Loading a contract needs no engine and finds unknown columns; this finds unknown functions and types that do not fit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import arrow_type, holds, types_of
from assay.contracts.documents.tables import column_items, tables
from assay.contracts.language.row_sql import beyond_row
from assay.contracts.model.contract import Kind
from assay.contracts.reading.trial import place_of
from assay.errors import ContractInvalid
from assay.gold.rules_sql import condition, measure
from assay.gold.views import ConsumerView
from assay.lake.duckdb_sql import duckdb_type, lock, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import duckdb
    import pyarrow as pa

    from assay.contracts.documents.document import Document, Finding
    from assay.contracts.model.contract import DatasetRule, Rule
    from assay.contracts.model.gold_contract import GoldContract

ROWS, CURRENT = "asked", "highest"


def gold_trial(document: Document, contract: GoldContract, current: GoldContract) -> Iterator[Finding]:
    """What DuckDB finds wrong with a major version of a model that has no other fault; `current` is the highest one."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        lock(connection)
        for name, columns in ((CURRENT, current.columns), (ROWS, contract.columns)):
            spelled = ", ".join(f"{quoted(column.name)} {duckdb_type(arrow_type(column))}" for column in columns)
            connection.execute(f"CREATE TABLE {name} ({spelled})")
            connection.execute(f"INSERT INTO {name} DEFAULT VALUES")
        yield from _rules(connection, document, contract)
        if contract is not current:
            faults = list(_columns(connection, document, contract, [column.name for column in current.columns]))
            yield from faults
        else:
            faults = []
        if not faults:
            yield from _view(connection, document, ConsumerView(contract, current))


def _rules(connection: duckdb.DuckDBPyConnection, document: Document, contract: GoldContract) -> Iterator[Finding]:
    import pyarrow as pa

    types = types_of(contract)
    for rule in contract.rules:
        if rule.kind is Kind.REFERENCE:
            continue
        found = _tried(connection, partial(_judging, rule, types))
        if isinstance(found, str):
            yield document.finding(f"the rule {rule.name!r} cannot be evaluated: {found}", place_of(document, rule))
        elif not (pa.types.is_boolean(found) or pa.types.is_null(found)):
            yield document.finding(f"the rule {rule.name!r} gives {found}, not whether a row is good", place_of(document, rule))
    for one in contract.dataset_rules:
        found = _tried(connection, partial(_measuring, one, types))
        if isinstance(found, str):
            yield document.finding(f"the rule {one.name!r} cannot be measured: {found}", place_of(document, one))


def _judging(rule: Rule, types: Mapping[str, pa.DataType]) -> str:
    return f"SELECT ({condition(rule, types)}) FROM {ROWS}"  # noqa: S608  # a contract's SQL is run as it is


def _measuring(rule: DatasetRule, types: Mapping[str, pa.DataType]) -> str:
    how = measure(rule, types)
    where = f" WHERE {how.where}" if how.where else ""
    return f"SELECT CAST({how.value} AS DOUBLE) FROM {ROWS}{where}"  # noqa: S608  # as above


def _columns(
    connection: duckdb.DuckDBPyConnection, document: Document, contract: GoldContract, current: Iterable[str]
) -> Iterator[Finding]:
    """The expressions of an older major version give the types that it promises."""
    import pyarrow as pa

    columns = {column.name: column for column in contract.columns}
    for item, place in column_items(document, tables(document)[0].place):
        column = columns[item["name"]]
        if not column.expression:
            continue
        here, wanted = (*place, "transformLogic"), arrow_type(column)
        found = beyond_row(column.expression, current) or _type(connection, f"SELECT ({column.expression}) FROM {CURRENT}")  # noqa: S608
        if isinstance(found, str):
            yield document.finding(f"the expression {column.expression!r} cannot be evaluated: {found}", here)
        elif not pa.types.is_null(found) and found != wanted and not holds(wanted, found):
            hint = f"Such as CAST(.. AS {duckdb_type(wanted)})."
            yield document.finding(f"the expression {column.expression!r} gives {found}, and {wanted} is promised", here, hint)


def _view(connection: duckdb.DuckDBPyConnection, document: Document, view: ConsumerView) -> Iterator[Finding]:
    found = _type(connection, view.select(CURRENT))
    if isinstance(found, str):
        yield document.finding(f"the view {view.contract.view} cannot be read: {found}", tables(document)[0].place)


def _tried(connection: duckdb.DuckDBPyConnection, said: Callable[[], str]) -> pa.DataType | str:
    """The type of a query that a contract's SQL makes, or why there is none."""
    try:
        return _type(connection, said())
    except ContractInvalid as error:
        return str(error).rstrip(".")


def _type(connection: duckdb.DuckDBPyConnection, query: str) -> pa.DataType | str:
    """The Arrow type of a query's first column, or why the query fails."""
    import duckdb

    try:
        return connection.sql(query).to_arrow_table().schema.field(0).type
    except duckdb.Error as error:
        return " ".join(str(error).partition("\n\n")[0].split())[:300].rstrip(".")
