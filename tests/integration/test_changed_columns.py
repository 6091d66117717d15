"""A table that gets other columns: only by one publication of every partition that it has, in one commit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from assay.errors import SchemaDrift
from assay.gold.full_refresh import fully_refreshed, published_version
from assay.gold.models import Column, Model
from assay.gold.step import gold_spec
from assay.lake.publisher import Provenance, publish
from assay.lake.slices import Partition, Slice
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage

if TYPE_CHECKING:
    from pathlib import Path

MONTHS = [date(2024, 1, 1), date(2024, 2, 1)]


def model(version: str, *columns: tuple[str, str]) -> Model:
    said = [Column("month", "date", "", nullable=False), *(Column(name, kind, "", nullable=False) for name, kind in columns)]
    return Model("days", "", "", tuple(said), {}, "month", "month", ("month",), 0, 0, (), (), "", "", version)


OLD, NEW = model("1.2.0", ("late", "bigint")), model("2.0.0", ("too_late", "varchar"))


def put(lake: Path, made: Model, months: list[date], **values: object) -> int:
    partitions = tuple(Partition(f"{month:%Y-%m}", (month.isoformat(),)) for month in months)
    owned = Slice(replace(gold_spec(made), event_time=None), partitions)
    frame = pl.DataFrame({"month": months} | {name: [value] * len(months) for name, value in values.items()})
    staging = stage(lake / made.table, owned, [frame])
    return publish(lake, staging, dict.fromkeys(owned.keys, 1), provenance=Provenance(contract_version=made.contract_version)).version


def test_all_partitions_at_once_get_other_columns_in_one_commit_and_older_versions_stay(lake: Path) -> None:
    before = put(lake, OLD, MONTHS, late=1)
    after = put(lake, NEW, [*MONTHS, date(2024, 3, 1)], too_late="yes")
    assert after == before + 1
    now, then = open_snapshot(lake, "gold/days"), open_snapshot(lake, "gold/days", before)
    assert now.schema == pa.schema([pa.field("month", pa.date32(), False), pa.field("too_late", pa.string(), False)])
    assert now.scan().collect().to_dicts() == [{"month": month, "too_late": "yes"} for month in [*MONTHS, date(2024, 3, 1)]]
    assert then.scan().collect()["late"].to_list() == [1, 1]
    assert published_version(now) == "2.0.0"


def test_one_partition_that_would_keep_the_old_columns_refuses_them_all(lake: Path) -> None:
    version = put(lake, OLD, MONTHS, late=1)
    with pytest.raises(SchemaDrift, match=r"'late' is required there.*Publish all partitions that there are at once"):
        put(lake, NEW, MONTHS[:1], too_late="yes")
    assert open_snapshot(lake, "gold/days").version == version
    assert len(list((lake / "gold/days").rglob("*.parquet"))) == 2


def test_a_table_that_may_not_change_its_columns_is_refused_as_before(lake: Path) -> None:
    put(lake, OLD, MONTHS, late=1)
    spec = replace(gold_spec(NEW), event_time=None, may_change_columns=False)
    owned = Slice(spec, tuple(Partition(f"{month:%Y-%m}", (month.isoformat(),)) for month in MONTHS))
    staging = stage(lake / "gold/days", owned, [pl.DataFrame({"month": MONTHS, "too_late": ["yes", "no"]})])
    with pytest.raises(SchemaDrift, match="Publish the new form as a new table"):
        publish(lake, staging, dict.fromkeys(owned.keys, 1))


def test_a_build_that_would_leave_months_of_another_major_version_is_refused_before_it_begins(lake: Path) -> None:
    put(lake, OLD, MONTHS, late=1)
    snapshots = {"gold/days": open_snapshot(lake, "gold/days")}
    same_columns = replace(OLD, contract_version="2.0.0")
    for made in (NEW, same_columns):
        with pytest.raises(SchemaDrift, match=r"1 others, such as 2024-02-01, are published as 1\.2\.0\. Build all its months at once"):
            fully_refreshed([made], snapshots, {"days": {MONTHS[0]}}, {})
        assert fully_refreshed([made], snapshots, {"days": set(MONTHS)}, {}) == {"gold/days"}
    assert fully_refreshed([replace(OLD, contract_version="1.9.0")], snapshots, {"days": {MONTHS[0]}}, {}) == set()
    assert fully_refreshed([NEW], {"gold/days": None}, {"days": {MONTHS[0]}}, {}) == set()
