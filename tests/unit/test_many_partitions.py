"""Plans of thousands of partitions: what looks at few of them finds the same as what would look at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from assay.contracts.model.calendars import Calendar, next_month
from assay.contracts.model.contract import Grain
from assay.gold.calendars import Reach
from assay.lake import snapshots
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import DataFile, open_snapshot
from assay.lake.staging import stage
from assay.refine.waiting import days_of, reaches, waiting
from orders import orders_contract

if TYPE_CHECKING:
    from pathlib import Path

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(800)]
MONTHS = [day for day in DAYS if day.day == 1]


@pytest.mark.parametrize("grain", [Grain.DAY, Grain.MONTH])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/New_York"])
def test_a_month_of_gold_finds_its_files_without_looking_at_those_of_years(grain: Grain, zone: str) -> None:
    calendar = Calendar(grain, zone, FIRST)
    firsts = DAYS if grain is Grain.DAY else MONTHS
    files = [DataFile(f"{day}.parquet", (day.isoformat(),), 1, 1, {}, {}) for day in firsts]
    for month in MONTHS:
        for back in (0, 6, 40):
            reach = Reach(month - timedelta(days=back), next_month(month), "UTC")
            assert [one for one in reach.near(files) if reach.holds(calendar, one)] == [one for one in files if reach.holds(calendar, one)]
    assert len(reach.near(files)) < 120


def test_the_first_and_the_last_days_that_there_are_have_files_near() -> None:
    files = [DataFile("a", ("0001-01-02",), 1, 1, {}, {}), DataFile("z", ("9999-12-30",), 1, 1, {}, {})]
    assert Reach(date(1, 1, 1), date(9999, 12, 31), "UTC").near(files) == files


@pytest.mark.slow
@pytest.mark.parametrize("events", ["day", "month"])
@pytest.mark.parametrize("arrivals", ["day", "month"])
def test_a_partition_waits_for_exactly_the_arrivals_that_share_a_day_with_it(events: str, arrivals: str, tmp_path: Path) -> None:
    contract = orders_contract(
        tmp_path, "{grain: day, start: 2024-01-01, end: 2024-02-01}\n      - property: arrival\n        value: {grain: day",
        f"{{grain: {events}, start: 2024-01-01, end: 2026-01-01}}\n      - property: arrival\n        value: {{grain: {arrivals}",
    )  # fmt: skip
    partitions = [Partition(day.isoformat(), (day.isoformat(),)) for day in (DAYS if events == "day" else MONTHS)]
    known = [day.isoformat() for day in (DAYS if arrivals == "day" else MONTHS)]
    for landed in ([], known[:1], known[5:6], known[-1:], [*known[3:20:5], known[-2]], known[::-1]):
        each = {part.key for part in partitions if any(reaches(contract, one, days_of(contract, [part])) for one in landed)}
        assert waiting(contract, partitions, landed) == each
    assert waiting(contract, [], known) == set()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pl.Date, [date(2024, 1, 1), date(2024, 1, 2), None]),
        (pl.String, ["north", "a b", "50%", "ä", None]),
        (pl.Int64, [1, 20, None]),
        (pl.Datetime("us", "UTC"), [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, 3, tzinfo=UTC), None]),
        (pl.Boolean, [True, False]),
    ],
)
def test_the_files_of_some_partitions_are_those_of_all_that_have_their_values(
    tmp_path: Path, kind: pl.DataType, values: list[object]
) -> None:
    frame = pl.DataFrame({"part": values, "n": range(len(values))}, schema={"part": kind, "n": pl.Int64})
    write_deltalake(str(tmp_path / "silver/x"), frame, partition_by=["part"])
    every = open_snapshot(tmp_path, "silver/x").files
    assert len(every) == len(values)
    for wanted in ([one.values[0]] for one in every):
        assert open_snapshot(tmp_path, "silver/x").files_of(wanted) == [one for one in every if one.values[0] in wanted]
    assert open_snapshot(tmp_path, "silver/x").files_of([one.values[0] for one in every]) == every
    assert open_snapshot(tmp_path, "silver/x").files_of(["no such"]) == []


def test_a_commit_makes_no_objects_of_files_that_it_leaves(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema, made = pa.schema([pa.field("part", pa.string()), pa.field("n", pa.int64())]), list[int]()
    spec = TableSpec("silver/x", schema, partition_by=("part",))

    def publication(part: str) -> int:
        slice_ = Slice(spec, (Partition(part, (part,)),))
        return publish(lake, stage(lake / spec.name, slice_, [pl.DataFrame({"part": [part], "n": [1]})]), {part: 1}).version

    for part in ("a", "b", "c"):
        publication(part)
    kept = snapshots.described

    def counted(actions: pa.Table, *more: Any, **named: Any) -> object:
        made.append(actions.num_rows)
        return kept(actions, *more, **named)

    monkeypatch.setattr(snapshots, "described", counted)
    publication("b")
    assert made == [1]
    monkeypatch.undo()
    assert [one.values for one in open_snapshot(lake, spec.name).files] == [("a",), ("b",), ("c",)]
