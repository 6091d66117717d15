"""Set aside: rows that no event partition will ever read, with the rule that says why. They stay in bronze, and are shown in quarantine.

A row whose event partition does not exist yet is not among them: it waits, and is published when its day is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from assay.contracts.language.date_formats import java_pattern
from assay.contracts.language.sql import columns_in
from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Contract, Grain
from assay.contracts.model.sensitivity import sensitive_landing_columns
from assay.ingest.bronze import event_texts, read_dates
from assay.lake.manifest import manifest_of
from assay.lake.quarantine.store import PARTITION
from assay.lake.snapshots import partition_key
from assay.masking.redaction import HIDDEN, landed_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import polars as pl
    import pyarrow as pa

    from assay.lake.snapshots import Snapshot

READABLE, FROM_START, BEFORE_END = "event_time_readable", "event_time_from_start", "event_time_before_end"
LONGEST_TEXT = 80


def set_aside(rows: pa.Table, contract: Contract, run_id: str) -> pl.DataFrame:
    """The rows of bronze that lie in no event partition, as quarantine rows under their arrival."""
    import polars as pl

    none = rows.slice(0, 0)
    if contract.event_time is not None:
        unread = rows.column(EVENT_DATE)
        none = rows.filter(unread.is_null()) if unread.null_count else none
    arrival = pl.col(ARRIVAL).cast(pl.String) if contract.arrival.grain is not Grain.NONE else pl.lit("all")
    frame = cast("pl.DataFrame", pl.from_arrow(none))
    return frame.with_columns(_why(frame, contract)).select(
        "rule", pl.lit("error").alias("severity"), "reason",
        pl.col(SOURCE_FILE).alias("source_file"), pl.col(SOURCE_ROW).alias("source_row"), pl.col(SOURCE_HASH).alias("source_hash"),
        pl.lit(run_id).alias("run_id"), pl.lit(contract.version).alias("contract_version"),
        landed_json(contract).alias("raw"), arrival.alias(PARTITION),
    )  # fmt: skip


def differently_aside(bronze: Snapshot, shown: Mapping[str, int], arrivals: Collection[str]) -> set[str]:
    """Those of some arrivals whose rows in no event partition are not as many as quarantine shows of them: somebody has changed it."""
    found = dict[str, int]()
    for file in bronze.files:
        if (key := partition_key(file)) in arrivals and (rows := manifest_of(file.path).days.get(None)):
            found[key] = found.get(key, 0) + rows.rows
    return {key for key in arrivals if found.get(key, 0) != shown.get(key, 0)}


def rules_of(frame: pl.DataFrame, contract: Contract) -> dict[str, int]:
    """Count such rows by the rule that sets them aside."""
    return dict(_why(frame, contract)[0].value_counts().iter_rows()) if contract.event_time else {}


def _why(frame: pl.DataFrame, contract: Contract) -> list[pl.Series]:
    """The rule and the reason for each row, which say what was found unless it may be personal."""
    import polars as pl

    time, span = contract.event_time, contract.partitioning
    if time is None:
        return [pl.Series(name, [], pl.String) for name in ("rule", "reason")]
    read = columns_in(time.expression, contract.source.columns)
    hidden = any(name in sensitive_landing_columns(contract) for name in read)
    text = pl.lit(HIDDEN) if hidden else pl.col("text").str.slice(0, LONGEST_TEXT).replace("", None).fill_null("no value")
    day = pl.lit(HIDDEN) if hidden else pl.col("day").cast(pl.String)
    told = pl.DataFrame({"text": event_texts(frame, contract), "day": read_dates(frame, contract)})
    early = pl.col("day") < span.start if span.start else pl.lit(value=False)
    unread, before, after = (pl.lit(f"{rule}: ") for rule in (READABLE, FROM_START, BEFORE_END))
    shown = told.select(
        pl.when(pl.col("day").is_null())
        .then(pl.lit(READABLE))
        .when(early)
        .then(pl.lit(FROM_START))
        .otherwise(pl.lit(BEFORE_END))
        .alias("rule"),
        pl.when(pl.col("day").is_null())
        .then(unread + pl.lit(f"`{time.expression}` gives no {java_pattern(time.format)}. Found ") + text + pl.lit("."))
        .when(early)
        .then(before + day + pl.lit(f" is before {span.start}, where the event partitions of the contract start."))
        .otherwise(after + day + pl.lit(f" is not before {span.end}, where the event partitions of the contract end."))
        .alias("reason"),
    )
    return shown.get_columns()
