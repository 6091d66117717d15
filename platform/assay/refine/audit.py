"""The audit: a contract as a pandera schema, and which rows break which of its rules.

pandera says row by row what failed; here that becomes one verdict per row and one count per rule and partition. A warning is counted and
lets the row pass, an error rejects it. Nothing here reads or writes a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import types_of
from assay.contracts.compiling.expressions import flag_of, violation
from assay.contracts.language.literals import FINITE
from assay.contracts.model.contract import Contract, Kind, Rule, Severity
from assay.errors import ContractInvalid
from assay.masking.redaction import words_of
from assay.refine.pandera_module import pandera
from assay.refine.reasons import INDEX, LONGEST_VALUE, once, with_reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    import pyarrow as pa
    from pandera.api.polars.types import PolarsData
    from pandera.errors import SchemaErrors
    from pandera.polars import Check, DataFrameSchema


def pandera_schema(
    contract: Contract, references: Mapping[tuple[str, str], pl.Series], judged: Mapping[str, pl.Series] | None = None
) -> DataFrameSchema:
    """The contract's row rules as a pandera schema; each check is named after its rule.

    `references` holds, for each reference rule's (dataset, column), the values that exist there. `judged` says which rows keep each rule,
    if that is known of the frame that will be validated.
    """
    module = pandera()
    by_column: dict[str | None, list[Check]] = {}
    types = types_of(contract)
    for rule in contract.rules:
        by_column.setdefault(_checked_column(rule), []).append(_check(rule, types, references, judged))
    whole = by_column.pop(None, [])
    columns = {str(name): module.Column(nullable=True, checks=checks) for name, checks in by_column.items()}
    schema: DataFrameSchema = module.DataFrameSchema(columns, checks=whole)
    return schema


def _checked_column(rule: Rule) -> str | None:
    return flag_of(rule) if rule.kind is Kind.TYPE and rule.argument != FINITE else rule.column


def _check(
    rule: Rule, types: Mapping[str, pa.DataType], references: Mapping[tuple[str, str], pl.Series], judged: Mapping[str, pl.Series] | None
) -> Check:
    def judge(data: PolarsData) -> pl.LazyFrame | bool:
        if judged is None:
            return data.lazyframe.select(_kept(rule, types, references))
        return True if judged[rule.name].all() else judged[rule.name].to_frame().lazy()

    check: Check = pandera().Check(judge, name=rule.name, ignore_na=False)
    return check


def _kept(rule: Rule, types: Mapping[str, pa.DataType], references: Mapping[tuple[str, str], pl.Series]) -> pl.Expr:
    import polars as pl

    return ~violation(rule, types, references).fill_null(pl.lit(value=False))


def kept_rules(frame: pl.DataFrame, contract: Contract, references: Mapping[tuple[str, str], pl.Series]) -> dict[str, pl.Series] | None:
    """Which rows keep each rule, all rules in one query on all cores; None if one cannot be evaluated: pandera tells which and why."""
    import polars as pl

    types = types_of(contract)
    try:
        return frame.select(_kept(rule, types, references).alias(rule.name) for rule in contract.rules).to_dict()
    except pl.exceptions.PolarsError:
        return None


def failures(frame: pl.DataFrame, contract: Contract, references: Mapping[tuple[str, str], pl.Series]) -> pl.DataFrame:
    """Every (row, broken rule) of a conformed frame: INDEX (u32 row number), `rule`, `severity`, `found` (the value, shortened).

    Raises ContractInvalid for a rule that cannot be evaluated.
    """
    import polars as pl

    schema = pandera_schema(contract, references, kept_rules(frame, contract, references))
    # only now, because who imports pandera first decides what it loads: see pandera_module
    from pandera.errors import SchemaErrors

    nothing = pl.DataFrame(schema={INDEX: pl.UInt32, "rule": pl.String, "severity": pl.String, "found": pl.String})
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return _named_failures(errors, contract, nothing)
    return nothing


def _named_failures(errors: SchemaErrors, contract: Contract, nothing: pl.DataFrame) -> pl.DataFrame:
    """Pandera's failure cases with the severity of each rule. Raises `errors` if one of them is not about a row."""
    import polars as pl

    severities = pl.DataFrame({"rule": [rule.name for rule in contract.rules], "severity": [str(rule.severity) for rule in contract.rules]})
    cases: pl.DataFrame = errors.failure_cases
    found = cases.select(
        pl.col("index").cast(pl.UInt32).alias(INDEX), pl.col("check").alias("rule"),
        pl.col("failure_case").cast(pl.String).str.slice(0, LONGEST_VALUE).alias("found"),
    ).join(severities, on="rule", how="left")  # fmt: skip
    unknown = found.filter(pl.col("severity").is_null() | pl.col(INDEX).is_null())
    if not unknown.is_empty():  # a failure of the rule itself, not of a row
        rule, why = unknown.select("rule", "found").row(0)
        raise ContractInvalid(
            f"{contract.path}: Tried to check {contract.dataset}; the rule {rule!r} cannot be evaluated: {words_of(why, contract)}."
        )
    return found.select(nothing.columns)


def verdicts(found: pl.DataFrame, contract: Contract, landed: pl.DataFrame) -> pl.DataFrame:
    """One row per rejected row: INDEX, `rule` (the first in the contract's order), `severity`, `reason` (every broken error rule).

    `landed` has INDEX and the landing columns of the rows.
    """
    import polars as pl

    order = {rule.name: number for number, rule in enumerate(contract.rules)}
    errors = once(found.filter(pl.col("severity") == Severity.ERROR), contract)
    return (
        with_reasons(errors, contract, landed)
        .with_columns(pl.col("rule").replace_strict(order, return_dtype=pl.Int32).alias("_order"))
        .sort(INDEX, "_order")
        .group_by(INDEX, maintain_order=True)
        .agg(pl.col("rule").first(), pl.col("severity").first(), pl.col("reason").str.join(" "))
    )
