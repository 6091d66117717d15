"""dbt's properties of a gold model, compiled from its contracts: enforced columns, its rules as tests, and what the engine must know.

The rules of an older major version are tested on the rows that its view computes, before those of the highest version are published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from assay.contracts.compiling.arrow_types import arrow_type, types_of
from assay.contracts.export.dbt_sources import plain
from assay.contracts.model.contract import Kind, Severity
from assay.contracts.model.descriptions import column_words, dataset_words
from assay.gold.redundant_tests import is_redundant, unchanged
from assay.gold.rules_sql import condition, measure
from assay.gold.views import computed
from assay.lake.duckdb_sql import duckdb_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa

    from assay.contracts.model.contract import Column, DatasetRule, Rule
    from assay.contracts.model.gold_contract import GoldContract, ProductContracts

    Test = Mapping[str, Any]

HEADER = "# Generated from {} by `assay contracts compile`; do not edit.\n"
GENERATED = HEADER.partition("{}")[0]
SUFFIXES = {Severity.ERROR: "rules", Severity.WARNING: "warnings"}


class _Plain(yaml.SafeDumper):
    """YAML without anchors, for people."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # the hook's argument
        return True


def properties(product: ProductContracts, name: str) -> str:
    """The text of the .yml of a model."""
    majors = product.majors(name)
    contract = majors[0]
    tests = [test for major in majors for test in _tests(major, contract)]
    model = {
        "name": name,
        "description": plain(dataset_words(contract)),
        "config": {"meta": plain(_meta(contract, product.promises_of(name)))},
        "data_tests": tests,
        "columns": plain([_column(column) for column in contract.columns]),
    }
    text = yaml.dump({"models": [model]}, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=140)
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
    found = {"name": column.name, "quote": True, "data_type": duckdb_type(arrow_type(column)).lower(), "description": column_words(column)}
    return found | ({"constraints": [{"type": "not_null"}]} if column.required else {})


def _tests(contract: GoldContract, current: GoldContract) -> Iterator[Test]:
    """The tests of one major version: of an older one those that the highest does not have already, under names that begin with `v1.`.

    A required column of the highest one is a constraint, which DuckDB enforces. What a rule refers to has landed: a test that reads another
    model runs only in builds of both.
    """
    older, types = contract is not current, types_of(contract)
    prefix, label = (f"{contract.dataset}_v{contract.major}", label_of(contract)) if older else (contract.dataset, "")
    common = {"event_time": current.event_column} | ({"mapping": dict(computed(contract))} if older else {})
    said = [rule for rule in contract.rules if not (older and is_redundant(rule, contract, current))]
    measures = [rule for rule in contract.dataset_rules if not (older and is_redundant(rule, contract, current))]
    if not (older and set(contract.key) <= unchanged(contract, current)):
        yield _test("unique_grain", f"{prefix}_has_unique_grain", common | {"columns": list(contract.key)})
    rows = [rule for rule in said if rule.kind is not Kind.REFERENCE and (older or rule.kind is not Kind.REQUIRED)]
    for severity, suffix in SUFFIXES.items():
        if chosen := {f"{label}{rule.name}": condition(rule, types) for rule in rows if rule.severity is severity}:
            yield _test("rows_satisfy", f"{prefix}_rows_satisfy_{suffix}", common | {"rules": chosen}, severity)
        if measured := {f"{label}{rule.name}": _measure(rule, types) for rule in measures if rule.severity is severity}:
            yield _test("months_satisfy", f"{prefix}_months_satisfy_{suffix}", common | {"rules": measured}, severity)
    for rule in (one for one in said if one.kind is Kind.REFERENCE):
        target, columns = rule.argument
        there = {"to": f"source('silver', '{target}')", "to_columns": _listed(columns), "columns": _of(rule), "rule": f"{label}{rule.name}"}
        yield _test("refers_to", f"{prefix}_{rule.name}", common | there, rule.severity)


def label_of(older: GoldContract) -> str:
    """How the names of the rules of an older major version begin."""
    return f"v{older.major}."


def _test(kind: str, name: str, arguments: Mapping[str, Any], severity: Severity = Severity.ERROR) -> Test:
    config = {"config": {"severity": "warn"}} if severity is Severity.WARNING else {}
    return {kind: {"name": name, "arguments": dict(arguments), **config}}


def _measure(rule: DatasetRule, types: Mapping[str, pa.DataType]) -> dict[str, Any]:
    found = measure(rule, types)
    where = {"where": found.where} if found.where else {}
    return {"value": found.value, "holds": found.holds, **where, **({"counts_rows": True} if found.counts_rows else {})}


def _of(rule: Rule) -> list[str]:
    return list(rule.columns) or [str(rule.column)]


def _listed(columns: str | Iterable[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns)
