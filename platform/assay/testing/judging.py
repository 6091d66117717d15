"""Rows held to their contract in memory: typed, transformed, judged, deduplicated and masked by the engine's own kernel.

No file, no table, no Dagster: milliseconds. What a dataset refers to is told as rows (`known`); a reference to one that is not told is
not judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from assay.cached_property import cached_property
from assay.contracts.compiling.arrow_types import published_schema, types_of
from assay.contracts.conditions.to_polars import polars_type
from assay.contracts.language.paths import read_path
from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Kind
from assay.ingest.bronze import bronze_spec, event_dates
from assay.ingest.formats.nested import at_path, text_of
from assay.ingest.unpartitioned import set_aside
from assay.ingest.writing import record_of
from assay.masking.keyring import FEWEST_BYTES, Key, KeyRing
from assay.masking.methods import Masks
from assay.orchestration.synthetic_rows import SOME_DAY
from assay.refine.audit import failures, kept_rules
from assay.refine.conform import conform
from assay.refine.kernel import refine
from assay.refine.reasons import INDEX, once
from assay.refine.step import load_transform
from assay.testing.contract_lookup import contract_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.testing.contract_lookup import Named

    Row = Mapping[str, Any]
    Known = Mapping[str, Sequence[Row]]

FILE, RUN = "rows of a test", "test"


class OwnKey(Masks):
    """Masks with a key of the tests' own, which is no secret."""

    @cached_property
    def ring(self) -> KeyRing:
        """The one key."""
        return KeyRing((Key("test", bytes(FEWEST_BYTES)),))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of rows: `published` as readers see them, `quarantined` with `rule` and `reason`, how many were `duplicates` of others.

    `refused` are partitions of which nothing is published, by key, with the promise that they broke; their rows are not in `published`.
    """

    contract: Contract
    landed: int
    published: pl.DataFrame
    quarantined: pl.DataFrame
    duplicates: int
    refused: Mapping[str, str]


def judged(named: Named, rows: Sequence[Row], known: Known | None = None) -> Judgement:
    """What becomes of landed rows. Raises ContractInvalid for a rule or a transform that cannot be run."""
    import polars as pl

    contract = contract_of(named)
    bronze = bronze_frame(contract, rows)
    inside, aside = _by_event(bronze, contract)
    told, references = _references(contract, known or {})
    done = refine(inside.lazy(), told, references, load_transform(contract), RUN, masks=OwnKey())
    refused = {key: why for key, tally in done.tallies.items() if (why := tally.refusal(contract))}
    column = contract.partitioning.column
    partition = pl.col(column).cast(pl.String) if column else pl.lit("all")
    return Judgement(
        contract, len(rows), done.published.filter(~partition.is_in(list(refused))),
        pl.concat([aside, done.rejected.select(aside.columns)]).sort("source_row"),
        sum(tally.duplicates for tally in done.tallies.values()), refused,
    )  # fmt: skip


def conformed(named: Named, rows: Sequence[Row]) -> pl.DataFrame:
    """The published columns of each row, in the rows' order, typed and filled by the contract's transform; before rules and masking.

    What a row does not say is an empty text: for a transform alone, of any rows at all.
    """
    contract = contract_of(named)
    frame = conform(bronze_frame(contract, rows).lazy(), contract, load_transform(contract))
    return frame.select(published_schema(contract).names).collect()


def broken_rules(contract: Contract, rows: Sequence[Row], known: Known | None = None) -> tuple[list[frozenset[str]], pl.DataFrame]:
    """Which row rules each row breaks, warnings too, and the typed rows of some partition, with their place (INDEX)."""
    bronze = bronze_frame(contract, rows)
    inside, aside = _by_event(bronze, contract)
    told, references = _references(contract, known or {})
    typed = conform(inside.with_row_index(INDEX).lazy(), told, load_transform(contract)).collect()
    found: list[set[str]] = [set() for _ in rows]
    places = typed[SOURCE_ROW].to_list()
    for index, rule in once(_failures(typed.drop(INDEX), told, references), told).select(INDEX, "rule").iter_rows():
        found[places[index] - 1].add(rule)
    for row, rule in aside.select("source_row", "rule").iter_rows():
        found[row - 1].add(rule)
    return [frozenset(one) for one in found], typed.with_columns((typed[SOURCE_ROW] - 1).alias(INDEX))


def _failures(typed: pl.DataFrame, contract: Contract, references: Mapping[tuple[str, Any], pl.Series]) -> pl.DataFrame:
    """What `audit.failures` says, without what pandera tells of each: a search asks hundreds of times."""
    import polars as pl

    kept = kept_rules(typed, contract, references)
    if kept is None:
        return failures(typed, contract, references)
    broken = [(rule, (~values).arg_true()) for rule, values in kept.items() if not values.all()]
    frames = [pl.DataFrame({INDEX: places.cast(pl.UInt32)}).with_columns(pl.lit(rule).alias("rule")) for rule, places in broken]
    return pl.concat([pl.DataFrame(schema={INDEX: pl.UInt32, "rule": pl.String}), *frames])


def bronze_frame(contract: Contract, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows as bronze would have them once their file was read. A landing column that a row does not say is an empty text."""
    import polars as pl

    source, spec = contract.source, bronze_spec(contract).schema
    records = [record_of({name: landed_value(contract, value) for name, value in row.items()}, source) for row in rows]
    texts: dict[str, list[str | None]] = {name: [text_of(record[name]) for record in records] for name in source.file_columns}
    for name in source.paths:
        if path := read_path(name, source.file_columns):
            texts[name] = [at_path(texts[path.root][number], path.steps) for number in range(len(rows))]
    frame = pl.DataFrame(texts, schema=dict.fromkeys(source.columns, pl.String)).with_columns(
        pl.lit(FILE).alias(SOURCE_FILE), pl.lit("hash").alias(SOURCE_HASH),
        pl.Series(SOURCE_ROW, range(1, len(rows) + 1), dtype=pl.Int64),
        pl.lit(contract.arrival.start or SOME_DAY).alias(ARRIVAL),
    )  # fmt: skip
    return (frame.with_columns(event_dates(frame, contract)) if contract.event_time else frame).select(spec.names)


def landed_value(contract: Contract, value: Any) -> Any:  # noqa: ANN401  # what a test writes
    """What a test writes as its file spells it: text and None as they are, other values as text, dicts and lists as what nests others."""
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return str(value).replace(".", contract.source.dialect.decimal_char)
        case datetime() | date():
            return value.isoformat()
        case dict():
            return {key: landed_value(contract, one) for key, one in value.items()}
        case list() | tuple():
            return [landed_value(contract, one) for one in value]
        case _:
            return str(value)


def _by_event(bronze: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of some event partition, and the others as quarantine has them."""
    import polars as pl

    aside = set_aside(bronze.to_arrow().cast(bronze_spec(contract).schema), contract, RUN)
    return (bronze.filter(pl.col(EVENT_DATE).is_not_null()) if contract.event_time else bronze), aside


def _references(contract: Contract, known: Known) -> tuple[Contract, dict[tuple[str, Any], pl.Series]]:
    """The contract less the references to what is not told, and the values that the others look for."""
    import polars as pl

    rules = tuple(rule for rule in contract.rules if rule.kind is not Kind.REFERENCE or rule.argument[0] in known)
    types, found = types_of(contract), dict[tuple[str, Any], pl.Series]()
    for rule in (rule for rule in rules if rule.kind is Kind.REFERENCE):
        dataset, named = rule.argument
        mine = rule.columns or (str(rule.column),)
        theirs = (named,) if isinstance(named, str) else tuple(named)
        kinds = {name: polars_type(types[one]) for name, one in zip(theirs, mine, strict=True)}
        there = pl.DataFrame({name: [row[name] for row in known[dataset]] for name in theirs}, schema=cast("Any", kinds))
        found[rule.argument] = there[named] if isinstance(named, str) else there.to_struct()
    return replace(contract, rules=rules), found
