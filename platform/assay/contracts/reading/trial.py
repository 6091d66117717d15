"""A trial of everything in a contract that only an engine can judge: each expression, rule and measure is run on one row of nulls.

Loading a contract needs no engine and finds unknown columns; this finds unknown functions, types that do not fit, and regular expressions
that the engine cannot read. `assay contracts check` runs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import published_schema, types_of
from assay.contracts.compiling.expressions import condition_expression, flag_of, measure_of, sql_expression, violation
from assay.contracts.documents.tables import column_items, tables
from assay.contracts.model.contract import Kind
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl
    import pyarrow as pa

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.model.contract import Contract, DatasetRule, Rule


def trial_faults(document: Document, contract: Contract) -> Iterator[Finding]:
    """What an engine finds wrong with a contract that has no other fault."""
    import polars as pl

    landing = pl.DataFrame(schema=dict.fromkeys(contract.source.columns, pl.String)).clear(1)
    typed = pl.DataFrame(schema=pl.Schema(published_schema(contract))).clear(1)
    others = [name for name in landing.columns if name not in typed.columns]
    flags = [pl.lit(value=False).alias(flag_of(rule)) for rule in contract.rules if rule.kind is Kind.TYPE]
    both = pl.concat([typed, landing.select(others)], how="horizontal").with_columns(flags)
    types = types_of(contract)
    yield from _expressions(document, contract, landing)
    for rule in contract.rules:
        if rule.kind is not Kind.REFERENCE:
            yield from _rule(document, rule, types, both)
    for measure in contract.dataset_rules:
        yield from _measure(document, measure, types, typed)


def _expressions(document: Document, contract: Contract, landing: pl.DataFrame) -> Iterator[Finding]:
    """The expressions over landing columns: the event time, and the transform logic of columns."""
    import polars as pl

    table = tables(document)[0]
    if contract.event_time is not None:
        place = (*table.custom.places["eventTime"], "expression")
        yield from _typed(document, contract.event_time.expression, place, landing, (pl.String,))
    logic = {column.name: column for column in contract.columns if column.expression}
    for item, place in column_items(document, table.place):
        column = logic.get(item["name"])
        if column is not None:
            allowed = () if column.logical_type in ("integer", "number") else (pl.String,)
            yield from _typed(document, str(column.expression), (*place, "transformLogic"), landing, allowed)


def _typed(
    document: Document, sql: str, place: Place, landing: pl.DataFrame, allowed: tuple[type[pl.DataType], ...]
) -> Iterator[Finding]:  # fmt: skip
    import polars as pl

    try:
        found = landing.select(sql_expression(sql, landing.columns).alias("_")).schema["_"]
    except (pl.exceptions.PolarsError, ContractInvalid) as error:
        yield document.finding(f"the expression {sql!r} cannot be evaluated: {_said(error)}", place)
    else:
        if allowed and not isinstance(found, (*allowed, pl.Null)):
            yield document.finding(f"the expression {sql!r} gives {found}, not text", place, "Such as CAST(.. AS VARCHAR).")


def _rule(document: Document, rule: Rule, types: Mapping[str, pa.DataType], frame: pl.DataFrame) -> Iterator[Finding]:
    import polars as pl

    try:
        frame.select(violation(rule, types, {}).alias("_"))
    except (pl.exceptions.PolarsError, ContractInvalid) as error:
        yield document.finding(f"the rule {rule.name!r} cannot be evaluated: {_said(error)}", place_of(document, rule))


def _measure(document: Document, rule: DatasetRule, types: Mapping[str, pa.DataType], frame: pl.DataFrame) -> Iterator[Finding]:
    import polars as pl

    try:
        rows = frame.filter(condition_expression(rule.argument[1], types)) if rule.metric == "sql" and rule.argument[1] else frame
        found = rows.group_by(pl.lit(1).alias("_group")).agg(measure_of(rule, types).alias("_")).schema["_"]
    except (pl.exceptions.PolarsError, ContractInvalid) as error:
        yield document.finding(f"the rule {rule.name!r} cannot be measured: {_said(error)}", place_of(document, rule))
    else:
        if not (found.is_numeric() or isinstance(found, pl.Boolean)):
            yield document.finding(f"the rule {rule.name!r} measures {found}, not a number", place_of(document, rule))


def _said(error: Exception) -> str:
    """The engine's complaint on one line, without its list of what there is."""
    return " ".join(str(error).partition("\n\n")[0].split())[:300].rstrip(".")


def place_of(document: Document, rule: Rule | DatasetRule) -> Place:
    """Where a rule stands: the entry that has its name, or else its property."""
    table = tables(document)[0]
    items = list(column_items(document, table.place))
    for holder in (table.place, *(place for _, place in items)):
        for entry, place in document.entries((*holder, "quality")):
            if entry.get("name") == rule.name:
                return next(((*place, field) for field in ("implementation", "query", "metric") if field in entry), place)
    return next((place for item, place in items if item["name"] == rule.column), table.place)
