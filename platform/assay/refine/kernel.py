"""The kernel: bronze rows in, published and rejected rows out. A pure frame function, vectorised over any number of partitions.

conform -> audit -> split -> deduplicate. Duplicates are dropped among good rows only: a late correction that breaks a rule must not take
away the good row that it meant to replace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.model.contract import ARRIVAL, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Contract, Severity
from assay.contracts.model.key_scope import has_table_key
from assay.contracts.model.reserved_names import OWN
from assay.errors import ContractInvalid
from assay.lake.claims import PLACE as PLACE_OF_ROW
from assay.lake.quarantine import PARTITION
from assay.masking.hiding import landed_json
from assay.masking.methods import Masks
from assay.refine.audit import failures, verdicts
from assay.refine.claims import claims_of, file_order
from assay.refine.conform import conform
from assay.refine.measures import broken_promises, complaint, measure
from assay.refine.reasons import INDEX
from assay.refine.references import known_here

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from assay.contracts.model.contract import DatasetRule
    from assay.refine.conform import Transform
    from assay.refine.measures import Measured

WHOLE = "all"
PLACE = f"{OWN}place"


@dataclass(slots=True)
class Tally:
    """What became of the rows of one partition: landed = published + quarantined + duplicates, always.

    `displaced` are the duplicates whose key another partition publishes. `broken` counts rows per rule, `measured` has what the published
    rows give for each promise about the whole partition.
    """

    landed: int = 0
    published: int = 0
    quarantined: int = 0
    duplicates: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    measured: Measured = field(default_factory=dict, compare=False)
    displaced: int = 0

    @property
    def closes(self) -> bool:
        """Whether no row was lost and none was made up."""
        return self.landed == self.published + self.quarantined + self.duplicates

    def broken_dataset_rules(self, contract: Contract) -> list[DatasetRule]:
        """The promises about the whole partition that it does not keep."""
        return [rule for rule, _ in broken_promises(contract, self.published, self.measured)]

    def refusal(self, contract: Contract) -> str | None:
        """Why the partition must not be published; None if it may."""
        promises = broken_promises(contract, self.published, self.measured)
        if broken := [complaint(rule, value, contract) for rule, value in promises if rule.severity is Severity.ERROR]:
            return f"{' '.join(broken)} Of {self.landed} rows that landed, {self.published} would be published."
        limit = contract.rejected_share_below
        if limit is not None and self.landed and self.quarantined / self.landed >= limit:
            errors = [rule.name for rule in contract.rules if rule.severity is Severity.ERROR and rule.name in self.broken]
            worst = max(errors, key=lambda name: self.broken[name], default="none")
            return f"rejectedShare: {self.quarantined} of {self.landed} rows break an error rule, {limit:.0%} may; most break {worst}."
        return None


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

    `displaced` names rows (`lake.claims.PLACE`) whose key another partition publishes: they are duplicates here.

    Rules judge the values as they landed, and what passes is masked. Raises MaskingKeyMissing when that needs a key that is not there,
    ContractInvalid when a rule cannot be evaluated, or when the transform does not give back each row in its place.
    """
    raw = bronze.collect().with_row_index(INDEX)
    typed = conform(raw.lazy(), contract, transform).with_columns(_partition(contract)).collect()
    _refuse_transformed(raw, typed, contract)
    masks = masks or Masks()
    found = failures(typed.drop(INDEX), contract, known_here(typed, contract, references, masks))
    rejects = verdicts(found, contract, raw)
    rejected = _quarantine_rows(raw, typed, rejects, contract, run_id)
    good = _good(typed, rejects, contract)
    latest = _latest(good, contract)
    published = masks.apply(latest.select(published_schema(contract).names), contract)
    claims = claims_of(published, latest, contract) if has_table_key(contract) else None
    kept = _kept(latest, displaced)
    tallies = _tally(typed, good, latest.filter(kept), rejected, found)
    for key, rows in _count(latest.filter(~kept)).items():
        tallies[key].displaced = rows
    for key, measured in measure(latest.filter(kept), contract).items():
        tallies[key].measured = measured
    return Refined(_sorted(published.filter(kept), contract), rejected, tallies, claims)


def _kept(latest: pl.DataFrame, displaced: pl.DataFrame | None) -> pl.Series:
    """Which rows no other partition has displaced."""
    import polars as pl

    if displaced is None or displaced.is_empty():
        return pl.repeat(value=True, n=latest.height, dtype=pl.Boolean, eager=True)
    gone = displaced.select(pl.col(PLACE_OF_ROW[0]).alias(SOURCE_FILE), pl.col(PLACE_OF_ROW[1]).alias(SOURCE_ROW)).unique()
    marked = latest.select(SOURCE_FILE, SOURCE_ROW).join(
        gone.with_columns(pl.lit(value=True).alias("_gone")), on=[SOURCE_FILE, SOURCE_ROW], how="left", maintain_order="left"
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


def _latest(good: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Keep the last arrival of each key: by arrival, then as `ArrivalNames.order` sorts files, then by row. In order of the key.

    A key counts within its partition here: which partitions are refined together must not decide which row is published. Where it counts in
    the whole table, what is left are the partition's claims.
    """
    import polars as pl

    ordered = good.sort(_order(contract))
    if not contract.key:
        return ordered
    key = [PARTITION, *contract.key]
    again = ordered.select(pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in key)).to_series()
    if not again.any():
        return ordered
    repeated = again | again.shift(-1, fill_value=False)  # only these are sorted by arrival: they are few, and a sort of all rows is dear
    arrival = [ARRIVAL] if ARRIVAL in good.columns else []
    contested = (
        ordered.with_row_index(PLACE)
        .filter(repeated)
        .sort([*arrival, file_order(ordered.filter(repeated)[SOURCE_FILE], contract), SOURCE_ROW])
    )
    last = contested.unique(key, keep="last", maintain_order=True)[PLACE]
    return ordered.filter(pl.lit(~repeated) | pl.int_range(pl.len()).is_in(last.cast(pl.Int64).implode()))


def _order(contract: Contract) -> list[str]:
    """By what published rows are sorted: their partition and key; without either, by every column."""
    column = contract.partitioning.column
    return list(dict.fromkeys([*([column] if column else []), *contract.key])) or published_schema(contract).names


def _sorted(published: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The rows sorted once they are masked: the order of the rows would tell that of the raw keys."""
    order = _order(contract)
    return published.sort(order) if any(column.masking for column in contract.columns if column.name in order) else published


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


def _tally(typed: pl.DataFrame, good: pl.DataFrame, latest: pl.DataFrame, rejected: pl.DataFrame, found: pl.DataFrame) -> dict[str, Tally]:
    """Count each fate by itself, so that the sum can tell when a row was lost."""
    published, quarantined, passed = _count(latest), _count(rejected), _count(good)
    tallies = {
        key: Tally(rows, published.get(key, 0), quarantined.get(key, 0), passed.get(key, 0) - published.get(key, 0))
        for key, rows in _count(typed).items()
    }
    broken = found.select(INDEX, "rule").join(typed.select(INDEX, PARTITION), on=INDEX).group_by(PARTITION, "rule").len().sort("rule")
    for key, rule, rows in broken.iter_rows():
        tallies[key].broken[rule] = rows
    return tallies


def _count(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.group_by(PARTITION).len().iter_rows())
