"""Golden facts of the real year: 2013 goes through the steps once, and what comes out agrees with what the source itself says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.contracts.model.contract import Grain
from assay.contracts.reading.odcs import load_contracts
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.quarantine.store import ARRIVALS, visible_files
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.project_root import CHECKOUT
from assay.refine.step import refine_partitions, silver_spec
from assay.steps import Outcome, Run, Status
from flights.upstream import FIRST_DAY, LAST_DAY, drop_files

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Partitioning

pytestmark = pytest.mark.slow
SPRING, AUTUMN = date(2013, 3, 10), date(2013, 11, 3)


@dataclass
class Year:
    """The lake after the year, and what each step said."""

    lake: Path
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)

    def rows(self, table: str) -> pl.DataFrame:
        return open_snapshot(self.lake, table).scan().collect()

    def held(self, dataset: str) -> pl.DataFrame:
        published = {"": open_snapshot(self.lake, f"silver/{dataset}"), ARRIVALS: open_snapshot(self.lake, f"bronze/{dataset}")}
        snapshot = open_snapshot(self.lake, f"quarantine/{dataset}")
        files = {file.path for file in visible_files(snapshot, published)}
        return snapshot.scan(lambda file: file.path in files).collect()

    def broken(self, dataset: str) -> Counter[str]:
        return sum((Counter(outcome.broken) for outcome in self.outcomes[f"silver/{dataset}"]), Counter())


def whole(spec: TableSpec, partitioning: Partitioning) -> Slice:
    """Every partition of a table."""
    if partitioning.grain is Grain.NONE or partitioning.start is None or partitioning.end is None:
        return Slice(spec, (WHOLE,))
    days = [partitioning.start + timedelta(days=number) for number in range((partitioning.end - partitioning.start).days)]
    keys = [str(day) for day in days if partitioning.grain is Grain.DAY or day.day == 1]
    return Slice(spec, tuple(Partition(key, (key,)) for key in keys))


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    home = tmp_path_factory.mktemp("year")
    drop_files(home / "landing", FIRST_DAY, LAST_DAY)
    contracts = load_contracts(CHECKOUT / "platform/flights/contracts")
    run, year = Run(home / "lake", home / "landing", contracts, "the year"), Year(home / "lake")
    for name in ("airlines", "airports", "planes", "flights", "weather"):
        contract = contracts[name]
        bronze, silver = whole(bronze_spec(contract), contract.arrival), whole(silver_spec(contract), contract.partitioning)
        year.outcomes[f"bronze/{name}"] = list(ingest(run, contract, bronze))
        year.outcomes[f"silver/{name}"] = list(refine_partitions(run, contract, silver))
    return year


def test_every_partition_of_the_year_is_published(year: Year) -> None:
    assert {outcome.status for outcomes in year.outcomes.values() for outcome in outcomes} == {Status.PUBLISHED}
    assert {table: len(outcomes) for table, outcomes in year.outcomes.items() if len(outcomes) > 1} == {
        "bronze/flights": 366, "silver/flights": 365, "bronze/weather": 12, "silver/weather": 12,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("bronze/flights", 336_776), ("silver/flights", 329_174), ("bronze/weather", 26_115), ("silver/weather", 26_114),
        ("silver/airports", 1_458), ("silver/planes", 3_322), ("silver/airlines", 16),
    ],
)  # fmt: skip
def test_a_table_has_the_rows_of_the_year(year: Year, table: str, rows: int) -> None:
    assert open_snapshot(year.lake, table).rows == rows


def test_flights_to_airports_that_nobody_knows_are_held(year: Year) -> None:
    held = year.held("flights")
    assert dict(held["rule"].value_counts().iter_rows()) == {"dest_known": 7_602}
    assert sorted(held["raw"].str.json_path_match("$.dest").unique()) == ["BQN", "PSE", "SJU", "STT"]


def test_unknown_tail_numbers_are_counted_and_published(year: Year) -> None:
    assert year.broken("flights") == {"dest_known": 7_602, "tailnum_known": 50_094}


def test_every_landed_row_is_published_or_held_or_a_duplicate(year: Year) -> None:
    for dataset in ("flights", "weather"):
        facts = [outcome.facts for outcome in year.outcomes[f"silver/{dataset}"]]
        duplicates = sum(int(fact["duplicates"]) for fact in facts)
        silver, bronze = (open_snapshot(year.lake, f"{layer}/{dataset}").rows for layer in ("silver", "bronze"))
        assert bronze == silver + year.held(dataset).height + duplicates


def test_the_key_of_flights_is_unique(year: Year) -> None:
    assert not year.rows("silver/flights").select("flight_date", "carrier", "flight", "origin").is_duplicated().any()


def test_the_wind_of_1048_miles_per_hour_is_held(year: Year) -> None:
    held = year.held("weather")
    assert held["rule"].to_list() == ["wind_speed_mph_maximum"]
    assert held["raw"].str.json_path_match("$.wind_speed").str.starts_with("1048").to_list() == [True]


def test_the_repeated_hour_of_november_is_two_hours(year: Year) -> None:
    observed = year.rows("silver/weather").filter(pl.col("origin") == "JFK")
    hours = observed["observed_at_utc"].filter(observed["observed_at_utc"].dt.convert_time_zone("America/New_York").dt.date() == AUTUMN)
    assert {datetime(2013, 11, 3, 5, tzinfo=UTC), datetime(2013, 11, 3, 6, tzinfo=UTC)} <= set(hours)
    assert hours.n_unique() == hours.len()


@pytest.mark.parametrize("day", [SPRING, AUTUMN, None], ids=["spring", "autumn", "the-whole-year"])
def test_scheduled_departures_agree_with_the_source_s_own_utc_hours(year: Year, day: date | None) -> None:
    said = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC", time_unit="us")
    source = year.rows("bronze/flights").select(
        pl.col("_event_date").alias("flight_date"), "carrier", pl.col("flight").cast(pl.Int32), "origin", said.alias("said")
    )
    found = year.rows("silver/flights")
    found = found if day is None else found.filter(pl.col("flight_date") == day)
    both = found.join(source, on=["flight_date", "carrier", "flight", "origin"])
    assert both.height == found.height > 0
    assert both.filter(pl.col("scheduled_departure_utc").dt.truncate("1h") != pl.col("said")).height == 0


def test_local_clocks_of_the_source_come_back_from_utc(year: Year) -> None:
    local = pl.col("scheduled_departure_utc").dt.convert_time_zone("America/New_York")
    found = year.rows("silver/flights").select("flight_date", local.dt.date().alias("local"))
    assert found.filter(pl.col("flight_date") != pl.col("local")).is_empty()
