"""Reasons: what quarantine says of a rejected row: for each broken rule what was found and what was promised, each fault once.

Sensitive values are never quoted. Nothing here decides whether a rule is broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.language.date_formats import DAY, java_pattern
from assay.contracts.language.literals import FINITE
from assay.contracts.model.contract import Contract, Kind, Rule
from assay.contracts.model.promises import looks_at
from assay.contracts.model.reserved_names import OWN
from assay.contracts.model.sensitivity import hidden_names, sensitive_landing_columns
from assay.masking.redaction import HIDDEN

if TYPE_CHECKING:
    import polars as pl

    from assay.contracts.model.contract import Column

INDEX = f"{OWN}index"
LONGEST_VALUE = 80
COLUMN = f"{OWN}column"


def once(found: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Broken rules without those that say the same: a value that cannot be read is not missing as well."""
    import polars as pl

    unread = {rule.name: rule.column for rule in contract.rules if rule.kind is Kind.TYPE and rule.argument != FINITE}
    missing = {rule.name: rule.column for rule in contract.rules if rule.kind is Kind.REQUIRED}
    places = [
        found.filter(pl.col("rule").is_in([*columns])).select(
            INDEX, pl.col("rule").replace_strict(columns, return_dtype=pl.String).alias(COLUMN), "rule"
        )
        for columns in (unread, missing)
    ]
    said_already = places[1].join(places[0], on=[INDEX, COLUMN], how="semi")
    return found.join(said_already, on=[INDEX, "rule"], how="anti", maintain_order="left")


def with_reasons(found: pl.DataFrame, contract: Contract, landed: pl.DataFrame) -> pl.DataFrame:
    """Add `reason` to broken rules (INDEX, `rule`, `found`). `landed` has INDEX and the landing columns, whose texts are quoted."""
    import polars as pl

    texts = _texts(found, contract, landed)
    said = {rule.name: _words(rule, contract) for rule in contract.rules}
    before, after = ({name: words[place] for name, words in said.items()} for place in (0, 1))
    quoted = pl.when(pl.col("rule").is_in(_unquoted(contract))).then(pl.lit(HIDDEN)).otherwise(pl.coalesce("text", "found")).fill_null("")
    value = pl.when(pl.col("rule").is_in([name for name, words in said.items() if words[2]])).then(quoted).otherwise(pl.lit(""))
    parts = (
        pl.col("rule"),
        pl.lit(": "),
        pl.col("rule").replace_strict(before, default=""),
        value,
        pl.col("rule").replace_strict(after, default=""),
    )
    return (
        found.join(texts, on=[INDEX, "rule"], how="left", maintain_order="left")
        .with_columns(pl.concat_str(*parts).alias("reason"))
        .drop("text")
    )


def _words(rule: Rule, contract: Contract) -> tuple[str, str, bool]:
    """What stands before and after the value that was found, and whether a value is told."""
    column = next((one for one in contract.columns if one.name == rule.column), None)
    if rule.kind is Kind.REQUIRED:
        return f"{rule.column} is missing.", "", False
    if rule.kind is Kind.TYPE and rule.argument != FINITE and column is not None:
        if column.expression:
            return f"{rule.column} cannot be computed as {column.logical_type}.", "", False
        return "Found ", f", which is no {column.logical_type}{_spelled(column)}.", True
    if rule.kind in (Kind.EXPRESSION, Kind.TYPE):
        return f"Not kept: {rule.description}", "", False
    return "Found ", f". Promised: {rule.description}", True


def _spelled(column: Column) -> str:
    """How the contract says that a date or a time is written."""
    written = column.format or (DAY if column.logical_type == "date" else None)
    return f" ({java_pattern(written)})" if written else ""


def _texts(found: pl.DataFrame, contract: Contract, landed: pl.DataFrame) -> pl.DataFrame:
    """The landed text of each value that cannot be read, shortened."""
    import polars as pl

    sources = {column.name: column.source for column in contract.columns if column.source in landed.columns}
    rules = [rule for rule in contract.rules if rule.kind is Kind.TYPE and rule.argument != FINITE and rule.column in sources]
    pieces = [
        rows.join(landed.select(INDEX, pl.col(str(sources[str(rule.column)])).str.slice(0, LONGEST_VALUE).alias("text")), on=INDEX)
        for rule in rules
        if not (rows := found.filter(pl.col("rule") == rule.name).select(INDEX, "rule")).is_empty()
    ]
    nothing = pl.DataFrame(schema={INDEX: found.schema[INDEX], "rule": pl.String, "text": pl.String})
    return pl.concat([nothing, *pieces])


def _unquoted(contract: Contract) -> list[str]:
    """The rules whose values are sensitive. What is found of a rule about several columns is the whole row."""
    names, landing = hidden_names(contract), sensitive_landing_columns(contract)
    of_landing = {column.name for column in contract.columns if column.source in landing}
    return [rule.name for rule in contract.rules if looks_at(rule, names) or rule.column in of_landing or (rule.column is None and names)]
