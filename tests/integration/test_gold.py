"""Gold end to end on a small real lake: dbt in a private DuckDB, its tests before anything is published, and a developer's plain dbt."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from assay.gold.dbt_process import build
from assay.gold.dbt_runner import DbtFailed
from assay.gold.models import Model, pick, read_models
from assay.gold.parsed import parse_project
from assay.gold.staged import model_schema, staged_rows
from assay.lake.publisher import publish
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec, Window
from assay.lake.snapshots import open_snapshot, table_names
from assay.lake.staging import stage

if TYPE_CHECKING:
    from assay.gold.dbt_results import BuildResult

pytestmark = pytest.mark.slow  # whichever runs first imports dbt and parses the project
PROJECT = Path(__file__).parents[2] / "dbt_project"
MAY, JUNE, JULY = date(2013, 5, 1), date(2013, 6, 1), date(2013, 7, 1)
DAYS = [date(2013, 5, 26) + timedelta(days=day) for day in range(10)]  # the last six of May, four of June
CARRIERS = ["AA", "B6", "UA"]


def flight(day: date, carrier: str, number: int) -> dict[str, object]:
    """One flight every four hours of New York's day, the last one at 20:30, which is the next day in UTC."""
    delay = (day.day * 7 + number * 13 + ord(carrier[0])) % 50 - 10
    cancelled = number == 4 or (carrier == "UA" and day == date(2013, 6, 2))  # UA leaves no runway that day
    scheduled = datetime(day.year, day.month, day.day, 4 * number + 4, 30, tzinfo=UTC) + timedelta(hours=4)
    return {
        "flight_date": day, "carrier": carrier, "flight": number, "tailnum": None, "origin": "JFK" if number % 2 else "EWR",
        "dest": "BOS" if number < 3 else "BQN", "scheduled_departure_utc": scheduled,
        "actual_departure_utc": None if cancelled else scheduled + timedelta(minutes=delay),
        "dep_delay_minutes": None if cancelled else delay,
        "arr_delay_minutes": None if cancelled or number == 2 else delay - 5, "air_time_minutes": None if cancelled else 50,
        "distance_miles": 187 if number < 3 else 1585, "is_cancelled": cancelled, "is_diverted": not cancelled and number == 2,
    }  # fmt: skip


FLIGHTS = pl.DataFrame(
    [flight(day, carrier, number) for day in DAYS for carrier in CARRIERS for number in range(5)],
    schema_overrides=dict.fromkeys(
        ["flight", "dep_delay_minutes", "arr_delay_minutes", "air_time_minutes", "distance_miles"], pl.Int32
    ) | {"tailnum": pl.String},
)  # fmt: skip
HOURS = [datetime(2013, 5, 26, tzinfo=UTC) + timedelta(hours=hour) for hour in range(24 * 11) if hour % 24 != 21]
NOT_REPORTED = [
    "dew_point_fahrenheit", "relative_humidity_percent", "wind_speed_mph", "wind_gust_mph", "precipitation_inches", "pressure_millibars",
    "visibility_miles",
]  # fmt: skip
WEATHER = (
    pl.DataFrame({"observed_at_utc": HOURS, "temperature_fahrenheit": [float(hour.day) for hour in HOURS]})
    .with_columns(pl.lit(None, pl.Float64).alias(name) for name in NOT_REPORTED)
    .with_columns(observed_month=pl.col("observed_at_utc").dt.date().dt.truncate("1mo"), wind_direction_degrees=pl.lit(270, pl.Int32))
    .join(pl.DataFrame({"origin": ["EWR", "JFK"]}), how="cross")
)
AIRLINES = pl.DataFrame({"carrier": CARRIERS, "name": ["American", "JetBlue", "United"]})
AIRPORTS = pl.DataFrame({"airport": ["BOS", "JFK"], "name": ["Logan", "Kennedy"]})


def put(lake: Path, name: str, frame: pl.DataFrame, partition_by: str | None = None) -> None:
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    plain = {pa.large_string(): pa.string(), pa.timestamp("us", "UTC"): pa.timestamp("us", "UTC")}
    schema = pa.schema([pa.field(field.name, plain.get(field.type, field.type)) for field in arrow])
    values = sorted(frame[partition_by].unique()) if partition_by else []
    partitions = tuple(Partition(str(value), (value.isoformat(),)) for value in values) or (WHOLE,)
    owned = Slice(TableSpec(name, schema, (partition_by,) if partition_by else ()), partitions)
    publish(lake, stage(lake / name, owned, [frame]), dict.fromkeys(owned.keys, 1))


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("gold") / "lake"
    put(lake, "silver/flights", FLIGHTS, "flight_date")
    put(lake, "silver/weather", WEATHER, "observed_month")
    put(lake, "silver/airlines", AIRLINES)
    put(lake, "silver/airports", AIRPORTS)
    return lake


@pytest.fixture
def lake(silver: Path, tmp_path: Path) -> Path:
    """A lake of its own for each test, at `<home>/lake`, as ASSAY_HOME has it."""
    return Path(shutil.copytree(silver, tmp_path / "lake"))


@pytest.fixture(scope="module")
def manifest() -> Path:
    return parse_project(PROJECT)


@pytest.fixture(scope="module")
def models(manifest: Path) -> tuple[Model, ...]:
    return read_models(manifest)


def versions(lake: Path) -> dict[str, int]:
    return {name: open_snapshot(lake, name).version for name in table_names(lake)}


def run(
    lake: Path, manifest: Path, start: date, end: date, *names: str, project: Path = PROJECT, pins: dict[str, int] | None = None
) -> BuildResult:
    chosen = names or [model.name for model in read_models(manifest)]
    return build(
        project, manifest=manifest, models=chosen, window=(start, end), pins=pins or versions(lake), lake=lake,
        scratch=lake.parent / "scratch",
    )  # fmt: skip


def rows(result: BuildResult, model: Model) -> pl.DataFrame:
    found = pl.from_arrow(pa.concat_tables(staged_rows(result.duckdb_path, model)))
    assert isinstance(found, pl.DataFrame)
    return found


def publish_months(lake: Path, result: BuildResult, model: Model, *months: date) -> None:
    spec = TableSpec(model.table, model_schema(model), (model.partition_by,), model.event_time)
    starts = [datetime(month.year, month.month, 1, tzinfo=UTC) for month in months]
    ends = [start.replace(month=start.month + 1) for start in starts]
    partitions = tuple(
        Partition(f"{start:%Y-%m}", (f"{start:%Y-%m-%d}",), Window(start, end)) for start, end in zip(starts, ends, strict=True)
    )
    owned = Slice(spec, partitions)
    publish(lake, stage(lake / model.table, owned, staged_rows(result.duckdb_path, model)), dict.fromkeys(owned.keys, 1))


def test_every_model_has_the_rows_that_polars_computes(lake: Path, manifest: Path, models: tuple[Model, ...]) -> None:
    result = run(lake, manifest, MAY, JULY)
    assert result.passed(), result.failed
    assert {node.name: node.rows for node in result.nodes if node.kind == "model"} == {
        "carrier_punctuality_daily": 30, "route_delays_daily": 40, "departures_weather": 150, "carrier_ranking_7d": 30,
    }  # fmt: skip
    wanted = {
        "carrier_punctuality_daily": punctuality(),
        "route_delays_daily": routes(),
        "departures_weather": weather(),
        "carrier_ranking_7d": ranking(),
    }
    for model in models:
        found = rows(result, model)
        assert_frame_equal(found.select(wanted[model.name].columns), wanted[model.name], check_dtypes=False)
        assert found.columns == [column.name for column in model.columns]
        assert found["flight_month"].to_list() == [day.replace(day=1) for day in found["flight_date"]]


def delays(column: str, name: str) -> list[pl.Expr]:
    values = pl.col(column)
    return [
        values.mean().alias(f"mean_{name}_delay_minutes"),
        values.median().alias(f"median_{name}_delay_minutes"),
        values.quantile(0.95, "linear").alias(f"p95_{name}_delay_minutes"),
    ]


def punctuality() -> pl.DataFrame:
    on_time, departed = (pl.col("dep_delay_minutes") < 15).sum(), pl.col("is_cancelled").not_().sum()
    daily = FLIGHTS.group_by("flight_date", "carrier").agg(
        pl.len().alias("flights"), pl.col("is_cancelled").sum().alias("cancelled"), pl.col("is_diverted").sum().alias("diverted"),
        departed.alias("departed"), on_time.alias("departed_on_time"), pl.when(departed > 0).then(on_time / departed).alias("on_time_share"),
        *delays("dep_delay_minutes", "dep"),
    )  # fmt: skip
    return daily.join(AIRLINES.rename({"name": "carrier_name"}), on="carrier").sort("flight_date", "carrier")


def routes() -> pl.DataFrame:
    daily = FLIGHTS.group_by("flight_date", "origin", "dest").agg(
        pl.len().alias("flights"), pl.col("is_cancelled").sum().alias("cancelled"), pl.col("distance_miles").max(),
        *delays("dep_delay_minutes", "dep"), *delays("arr_delay_minutes", "arr"),
    )  # fmt: skip
    named = daily.join(AIRPORTS.rename({"airport": "dest", "name": "dest_name"}), on="dest", how="left")
    return named.sort("flight_date", "origin", "dest")


def weather() -> pl.DataFrame:
    left = pl.coalesce("actual_departure_utc", "scheduled_departure_utc").dt.truncate("1h")
    joined = FLIGHTS.with_columns(departure_hour_utc=left).join(
        WEATHER, left_on=["origin", "departure_hour_utc"], right_on=["origin", "observed_at_utc"], how="left"
    )
    key = ["flight_date", "carrier", "flight", "origin"]
    shown = joined.select(*key, "departure_hour_utc", "temperature_fahrenheit", has_weather=pl.col("observed_month").is_not_null())
    assert set(shown["has_weather"]) == {True, False}
    return shown.sort(key)


def ranking() -> pl.DataFrame:
    daily = punctuality()
    found = []
    for day in DAYS:
        week = daily.filter(pl.col("flight_date").is_between(day - timedelta(days=6), day))
        sums = week.group_by("carrier").agg(
            pl.col("flights", "departed").sum().name.suffix("_7d"), on_time_7d=pl.col("departed_on_time").sum()
        )
        shares = sums.with_columns(on_time_share_7d=pl.col("on_time_7d") / pl.col("departed_7d"), flight_date=pl.lit(day))
        best_first = shares.sort(["on_time_share_7d", "carrier"], descending=[True, False])
        found.append(best_first.with_columns(carrier_rank=pl.int_range(1, pl.len() + 1)))
    return pl.concat(found).sort("flight_date", "carrier")


def test_a_month_is_rebuilt_beside_what_is_published_of_the_others(lake: Path, manifest: Path, models: tuple[Model, ...]) -> None:
    whole = run(lake, manifest, MAY, JULY)
    for model in models:
        publish_months(lake, whole, model, MAY, JUNE)
    june = run(lake, manifest, JUNE, JULY)
    assert june.passed(), june.failed
    for model in models:
        staged = rows(june, model)
        assert staged["flight_month"].unique().to_list() == [JUNE]
        assert_frame_equal(staged, rows(whole, model).filter(pl.col("flight_month") == JUNE))  # the week before it and all
        publish_months(lake, june, model, JUNE)
        assert open_snapshot(lake, model.table).rows == sum(table.num_rows for table in staged_rows(whole.duckdb_path, model))


def test_a_model_alone_reads_what_is_published_of_the_model_it_refers_to(lake: Path, manifest: Path, models: tuple[Model, ...]) -> None:
    publish_months(lake, run(lake, manifest, MAY, JULY), pick(models, "carrier_punctuality_daily"), MAY, JUNE)
    pins = {name: version for name, version in versions(lake).items() if name.startswith("gold/")}  # all that it reads
    alone = run(lake, manifest, JUNE, JULY, "carrier_ranking_7d", pins=pins)
    assert alone.passed(), alone.failed
    assert {node.model for node in alone.nodes if node.kind == "test"} == {"carrier_ranking_7d"}
    assert_frame_equal(
        rows(alone, pick(models, "carrier_ranking_7d")).select(ranking().columns),
        ranking().filter(pl.col("flight_date") >= JUNE),
        check_dtypes=False,
    )


def test_a_failing_test_fails_the_build_names_the_rows_and_leaves_the_lake_alone(lake: Path, manifest: Path) -> None:
    put(lake, "silver/airlines", pl.concat([AIRLINES, AIRLINES[:1]]))  # a second AA: the join makes its rows twice
    before = versions(lake)
    result = run(lake, manifest, JUNE, JULY, "carrier_punctuality_daily", "carrier_ranking_7d", "route_delays_daily")
    broken = {node.name: node for node in result.failed}
    unrun = {node.name: node for node in result.nodes if not node.ran}
    assert not result.passed()
    assert not result.passed("carrier_punctuality_daily")
    assert result.passed("route_delays_daily")
    assert broken["carrier_punctuality_daily_has_unique_grain"].failures == 4
    assert "carrier=AA, rows_of_one_key=2" in broken["carrier_punctuality_daily_has_unique_grain"].message
    assert "found=20, wanted=15" in broken["carrier_punctuality_daily_adds_up_to_flights"].message
    assert unrun["carrier_ranking_7d"].rows is None
    assert "carrier_ranking_7d_has_unique_grain" in unrun
    assert not broken.keys() & unrun.keys(), "what never ran broke nothing"
    assert versions(lake) == before


def test_a_null_in_a_required_column_fails_the_model_with_duckdbs_words(lake: Path, manifest: Path) -> None:
    put(lake, "silver/flights", FLIGHTS.with_columns(dest=pl.lit(None, pl.String)), "flight_date")
    result = run(lake, manifest, JUNE, JULY, "route_delays_daily")
    assert "NOT NULL constraint failed" in next(node for node in result.nodes if node.kind == "model").message
    assert not result.passed()


def test_a_build_prints_nothing_and_leaves_environment_and_folder_as_they_were(
    lake: Path, manifest: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ), Path.cwd()
    result = run(lake, manifest, JUNE, JULY, "route_delays_daily")
    assert (dict(os.environ), Path.cwd()) == before
    assert capfd.readouterr() == ("", "")
    assert "PASS=4" in (result.duckdb_path.parent / "dbt.log").read_text()


@pytest.mark.parametrize("window", [(date(2013, 6, 2), JULY), (JULY, JUNE)])
def test_a_window_that_is_not_of_whole_months_builds_nothing(lake: Path, manifest: Path, window: tuple[date, date]) -> None:
    result = run(lake, manifest, *window, "route_delays_daily")
    assert "is not one of whole months" in result.failed[0].message
    assert not result.passed()


def test_rows_outside_the_window_are_refused_and_an_edited_project_is_parsed_anew(lake: Path, manifest: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(PROJECT, tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")))
    model = project / "models/gold/route_delays_daily.sql"
    model.write_text(model.read_text().replace("{{ in_window('flight_date') }}", "true"))
    edited = parse_project(project)
    assert edited.parent.name != manifest.parent.name
    assert parse_project(project) == edited
    result = run(lake, edited, JUNE, JULY, "route_delays_daily", project=project)
    assert "24 of 40 rows of route_delays_daily are outside the window [2013-06-01, 2013-07-01)" in result.failed[0].message

    model.write_text("select * from {{ ref('nowhere') }}")
    with pytest.raises(DbtFailed, match="depends on a node named 'nowhere' which was not found"):
        parse_project(project)
    assert all((folder / "manifest.json").exists() for folder in edited.parents[1].iterdir())  # nothing half made is left


def test_a_lake_without_silver_tables_says_what_to_do(tmp_path: Path, manifest: Path) -> None:
    with pytest.raises(DbtFailed, match=r"has no silver table yet\. Run `make run` first"):
        run(tmp_path / "lake", manifest, JUNE, JULY)


def build_june(lake: Path, manifest: Path) -> None:
    assert run(lake, manifest, JUNE, JULY).passed()


def test_two_processes_build_at_the_same_time(lake: Path, manifest: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=build_june, args=(lake, manifest)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=600)
    assert [process.exitcode for process in processes] == [0, 0]


class Developer:
    """Somebody with a checkout and the virtual environment, and nothing else."""

    def __init__(self, project: Path, lake: Path) -> None:
        self.project, self.lake = project, lake

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("dbt"), *arguments], cwd=self.project, capture_output=True, text=True, check=False, timeout=600,
            env=os.environ | {"ASSAY_HOME": str(self.lake.parent)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def dbt(lake: Path, tmp_path: Path) -> Developer:
    return Developer(Path(shutil.copytree(PROJECT, tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))), lake)


def test_a_developer_builds_tests_and_documents_with_plain_dbt_and_the_lake_keeps_its_files(dbt: Developer) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in dbt.lake.rglob("*")}

    before = files()
    for _ in range(2):  # the second time everything is there already
        assert "ERROR=0" in dbt("build")
    assert "ERROR=0 SKIP=0" in dbt("test")
    dbt("docs", "generate")
    assert (dbt.project / "target/catalog.json").exists()
    assert "ERROR=0" in dbt("build", "-s", "carrier_punctuality_daily+", "--vars", "{window_start: 2013-06-01, window_end: 2013-07-01}")
    assert files() == before
