"""Tables of records, such as receipts: partitioned by the month in which something was done, each month written whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lake.foreign import files_noted
from assay.lake.publisher import fingerprint, publish
from assay.lake.slices import Partition, Slice
from assay.lake.staging import stage

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from assay.lake.slices import TableSpec

MONTH = "month"  # the partition column: the first day


def replace_months(root: Path, spec: TableSpec, records: pl.DataFrame) -> None:
    """Publish the months that some records are of, in one commit: these are all that the months have then. Raises what `publish` raises."""
    months = [month.isoformat() for month in records[MONTH].unique().sort()]
    staging = stage(root / spec.name, Slice(spec, tuple(Partition(month, (month,)) for month in months)), [records])
    publish(root, staging, {month: fingerprint(staging.attempt) for month in months} | files_noted(staging))
