"""The kernel: bronze rows in, published and rejected rows out. A pure frame function, vectorised over any number of partitions.

conform -> audit -> split -> deduplicate. Duplicates are dropped among good rows only: a late correction that breaks a rule must not take
away the good row that it meant to replace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.model.contract import ARRIVAL, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Contract
from assay.contracts.model.key_scope import has_table_key
from assay.errors import ContractInvalid
from assay.lake.claims import PLACE as PLACE_OF_ROW
from assay.lake.quarantine.store import PARTITION
from assay.masking.methods import Masks
from assay.masking.redaction import landed_json
from assay.refine.audit import failures, verdicts
from assay.refine.claims import claims_of
from assay.refine.conform import conform
from assay.refine.deduplicate import latest_of, masked_sorted
from assay.refine.measures import measure
from assay.refine.reasons import INDEX
from assay.refine.references import known_here
from assay.refine.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from assay.refine.conform import Transform

WHOLE = "all"


@dataclass(slots=True)
class Refined:
    """`published` has the contract's columns, by partition and key, `rejected` those of the quarantine; `tallies` go by partition value.

    `claims` are those of `claims_of`, of a contract whose key counts in the whole table.
    """

    published: pl.DataFrame
    rejected: pl.DataFrame
    tallies: dict[str, Tally]
    claims: pl.DataFrame | None = None


def refine(
    bronze: pl.LazyFrame,
    contract: Contract,
    references: Mapping[tuple[str, str], pl.Series],
    transform: Transform | None,
    run_id: str,
    *,
    masks: Masks | None = None,
    displaced: pl.DataFrame | None = None,
) -> Refined:
    """Run the contract over bronze rows of any number of event partitions (columns of `bronze_spec`, text).

    `displaced` names rows (`lake.claims.PLACE`) of some of the partitions whose key another one publishes: they are duplicates there.

    Rules judge the values as they landed, and what passes is masked. Raises MaskingKeyMissing when that needs a key that is not there,
    ContractInvalid when a rule cannot be evaluated, or when the transform does not give back each row in its place.
    """
    masks = masks or Masks()
    judged = judge(bronze.collect(), contract, references, transform, run_id, masks=masks)
    latest = latest_of(judged.good, contract)
    published = masks.apply(latest.select(published_schema(contract).names), contract)
    claims = claims_of(published, latest, contract) if has_table_key(contract) else None
    kept = _kept(latest, displaced)
    tallies = judged.tallies(_count(latest.filter(kept)))
    for key, rows in _count(latest.filter(~kept)).items():
        tallies[key].displaced = rows
    for key, measured in measure(latest.filter(kept), contract).items():
        tallies[key].measured = measured
    return Refined(masked_sorted(published.filter(kept), contract), judged.rejected, tallies, claims)


@dataclass(slots=True)
class Judged:
    """Rows after the audit: the `good` ones, typed and as they landed, and the `rejected` ones as quarantine has them.

    By partition value: how many there were (`landed`), and how many break each rule (`broken`).
    """

    good: pl.DataFrame
    rejected: pl.DataFrame
    landed: dict[str, int]
    broken: dict[str, dict[str, int]]

    def tallies(self, published: Mapping[str, int]) -> dict[str, Tally]:
        """What became of the rows, so many of which are published: each fate is counted by itself."""
        quarantined, passed = _count(self.rejected), _count(self.good)
        return {
            key: Tally(
                rows, published.get(key, 0), quarantined.get(key, 0), passed.get(key, 0) - published.get(key, 0), self.broken.get(key, {})
            )
            for key, rows in self.landed.items()
        }


def judge(
    bronze: pl.DataFrame,
    contract: Contract,
    references: Mapping[tuple[str, str], pl.Series],
    transform: Transform | None,
    run_id: str,
    *,
    masks: Masks,
) -> Judged:
    """Type rows and hold them to the rules. Of each row by itself: without a transform it does not matter which come together."""
    raw = bronze.with_row_index(INDEX)
    typed = conform(raw.lazy(), contract, transform).with_columns(_partition(contract)).collect()
    _refuse_transformed(raw, typed, contract)
    found = failures(typed.drop(INDEX), contract, known_here(typed, contract, references, masks))
    rejects = verdicts(found, contract, raw)
    rejected = _quarantine_rows(raw, typed, rejects, contract, run_id)
    return Judged(_good(typed, rejects, contract), rejected, _count(typed), _broken(typed, found))


def _kept(latest: pl.DataFrame, displaced: pl.DataFrame | None) -> pl.Series:
    """Which rows no other partition has displaced. A file that was sent again may have, in the place of one, a row of another partition."""
    import polars as pl

    if displaced is None or displaced.is_empty():
        return pl.repeat(value=True, n=latest.height, dtype=pl.Boolean, eager=True)
    file, row = PLACE_OF_ROW
    gone = displaced.select(PARTITION, pl.col(file).alias(SOURCE_FILE), pl.col(row).alias(SOURCE_ROW)).unique()
    marked = latest.select(gone.columns).join(
        gone.with_columns(pl.lit(value=True).alias("_gone")), on=gone.columns, how="left", maintain_order="left"
    )
    return marked["_gone"].is_null()


def _refuse_transformed(raw: pl.DataFrame, typed: pl.DataFrame, contract: Contract) -> None:
    tried = f"Tried to conform {contract.dataset} with {contract.transform or 'its contract'}"
    if missing := [column.name for column in contract.columns if column.name not in typed.columns]:
        raise ContractInvalid(f"{tried}; nothing filled the column {missing[0]!r}.", hint="Let the transform add it.")
    if not typed[INDEX].equals(raw[INDEX]):
        raise ContractInvalid(
            f"{tried}; of {raw.height} rows it gave {typed.height}, or moved them.",
            hint="A transform adds columns: let a rule reject rows.",
        )


def _partition(contract: Contract) -> pl.Expr:
    import polars as pl

    column = contract.partitioning.column
    value = pl.col(column).cast(pl.String) if column else pl.lit(WHOLE)
    return value.alias(PARTITION)


def _good(typed: pl.DataFrame, rejects: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The rows that break no error rule, with the columns that are published or say which of two rows came last: the others are wide."""
    import polars as pl

    kept = [
        *published_schema(contract).names,
        PARTITION,
        *(name for name in (ARRIVAL, SOURCE_FILE, SOURCE_ROW, SOURCE_HASH) if name in typed.columns),
    ]
    return typed.lazy().filter(~pl.col(INDEX).is_in(rejects[INDEX].implode())).select(list(dict.fromkeys(kept))).collect()


def _quarantine_rows(raw: pl.DataFrame, typed: pl.DataFrame, rejects: pl.DataFrame, contract: Contract, run_id: str) -> pl.DataFrame:
    import polars as pl

    # first what landed, by itself: its columns may have the names of those that quarantine adds
    landed = raw.join(rejects.select(INDEX), on=INDEX, how="semi").select(
        INDEX, pl.col(SOURCE_FILE).alias("source_file"), pl.col(SOURCE_ROW).alias("source_row"),
        pl.col(SOURCE_HASH).alias("source_hash"), pl.lit(run_id).alias("run_id"), pl.lit(contract.version).alias("contract_version"),
        landed_json(contract).alias("raw"),
    )  # fmt: skip
    joined = rejects.join(landed, on=INDEX, how="left").join(typed.select(INDEX, PARTITION), on=INDEX, how="left")
    return joined.sort(INDEX).drop(INDEX).select("rule", "severity", "reason", *landed.columns[1:], PARTITION)


def _broken(typed: pl.DataFrame, found: pl.DataFrame) -> dict[str, dict[str, int]]:
    """The rows that break each rule, by partition value."""
    broken: dict[str, dict[str, int]] = {}
    counts = found.select(INDEX, "rule").join(typed.select(INDEX, PARTITION), on=INDEX).group_by(PARTITION, "rule").len().sort("rule")
    for key, rule, rows in counts.iter_rows():
        broken.setdefault(key, {})[rule] = rows
    return broken


def _count(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.group_by(PARTITION).len().iter_rows())
