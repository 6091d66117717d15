"""dbt's properties of a gold model, compiled from its contracts: enforced columns, its rules as tests, and what the engine must know.

The rules of an older major version are tested on the rows that its view computes, before those of the highest version are published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from assay.contracts.compile import arrow_type
from assay.contracts.model import Kind, Severity
from assay.gold.rules_sql import condition, measure
from assay.gold.views import computed
from assay.lake.snapshots import duckdb_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from assay.contracts.gold import GoldContract, ProductContracts
    from assay.contracts.model import Column, Rule

    Test = Mapping[str, Any]

HEADER = "# Generated from {} by `assay contracts compile`; do not edit.\n"
GENERATED = HEADER.partition("{}")[0]
SUFFIXES = {Severity.ERROR: "rules", Severity.WARNING: "warnings"}


def properties(product: ProductContracts, name: str) -> str:
    """The text of the .yml of a model."""
    majors = product.majors(name)
    contract = majors[0]
    tests = [test for major in majors for test in _tests(major, contract)]
    model = {
        "name": name,
        "description": f"{contract.description} Grain: {contract.granularity}.",
        "config": {"meta": _meta(contract, product.promises_of(name))},
        "data_tests": tests,
        "columns": [_column(column) for column in contract.columns],
    }
    text = yaml.safe_dump({"models": [model]}, sort_keys=False, allow_unicode=True, width=140)
    return HEADER.format(" and ".join(major.path for major in majors)) + text


def _meta(contract: GoldContract, promises: str) -> dict[str, Any]:
    return {
        "owner": {"name": contract.about.team or contract.owner, "email": contract.owner},
        "contract": {"version": contract.version},
        "assay": {
            "partition_by": contract.partitioning.column, "event_time": contract.event_column, "key": list(contract.key),
            "lookback_days": contract.lookback_days, "lookahead_days": contract.lookahead_days, "promises": promises,
        },
    }  # fmt: skip


def _column(column: Column) -> dict[str, Any]:
    unit = f" Unit: {column.unit}." if column.unit else ""
    found = {"name": column.name, "data_type": duckdb_type(arrow_type(column)).lower(), "description": f"{column.description}{unit}"}
    return found | ({"constraints": [{"type": "not_null"}]} if column.required else {})


def _tests(contract: GoldContract, current: GoldContract) -> Iterator[Test]:
    """The tests of one major version. A required column of the highest one is a constraint, which DuckDB enforces.

    What a rule refers to has landed: a test that reads another model runs only in builds of both.
    """
    older = contract is not current
    prefix = f"{contract.dataset}_v{contract.major}" if older else contract.dataset
    common = {"event_time": current.event_column} | ({"mapping": dict(computed(contract))} if older else {})
    yield _test("unique_grain", f"{prefix}_has_unique_grain", common | {"columns": list(contract.key)})
    rows = [rule for rule in contract.rules if rule.kind is not Kind.REFERENCE and (older or rule.kind is not Kind.REQUIRED)]
    for severity, suffix in SUFFIXES.items():
        if chosen := {rule.name: condition(rule) for rule in rows if rule.severity is severity}:
            yield _test("rows_satisfy", f"{prefix}_rows_satisfy_{suffix}", common | {"rules": chosen}, severity)
        if measured := {rule.name: _measure(rule) for rule in contract.dataset_rules if rule.severity is severity}:
            yield _test("months_satisfy", f"{prefix}_months_satisfy_{suffix}", common | {"rules": measured}, severity)
    for rule in contract.references:
        target, columns = rule.argument
        there = {"to": f"source('silver', '{target}')", "to_columns": _listed(columns), "columns": _of(rule), "rule": rule.name}
        yield _test("refers_to", f"{prefix}_{rule.name}", common | there, rule.severity)


def _test(kind: str, name: str, arguments: Mapping[str, Any], severity: Severity = Severity.ERROR) -> Test:
    config = {"config": {"severity": "warn"}} if severity is Severity.WARNING else {}
    return {kind: {"name": name, "arguments": dict(arguments), **config}}


def _measure(rule: Any) -> dict[str, Any]:  # noqa: ANN401  # a DatasetRule
    found = measure(rule)
    where = {"where": found.where} if found.where else {}
    return {"value": found.value, "holds": found.holds, **where, **({"counts_rows": True} if found.counts_rows else {})}


def _of(rule: Rule) -> list[str]:
    return list(rule.columns) or [str(rule.column)]


def _listed(columns: str | Iterable[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns)
