"""The IO manager in real Dagster runs: every partition kind, every frame kind, real Delta tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from assay.errors import Fenced
from assay.lake.erasures import raise_fence
from assay.lake.publisher import current_tokens
from assay.lake.snapshots import open_snapshot, table_names
from assay.lake.staging import stage
from assay.orchestration import io_manager
from assay.orchestration.io_manager import LakeIOManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

THINGS = dg.AssetKey(["silver", "things"])
ALLOW = {"assay/missing_partitions": "allow"}
NEW_YORK = "America/New_York"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
DAILY = dg.DailyPartitionsDefinition("2013-01-01", timezone=NEW_YORK)
HOURLY = dg.HourlyPartitionsDefinition("2013-01-01-00:00", timezone=NEW_YORK)
STATIC = dg.StaticPartitionsDefinition(["it's", 'a/b "c"', "50% é", "x=y&z"])


def arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


FRAMES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "table": arrow,
    "reader": lambda frame: arrow(frame).to_reader(),
    "pandas": lambda frame: arrow(frame).to_pandas(),
    "duckdb": lambda frame: duckdb.connect().from_arrow(arrow(frame)),
    "iterator": lambda frame: map(frame.slice, range(frame.height), [1] * frame.height),  # a generator would be one of Dagster's events
}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Case:
    """One kind of partitions: two neighbours, the rows that belong to each, and what the asset says of its table."""

    definition: dg.PartitionsDefinition | None
    rows: dict[str | None, dict[str, Any]]
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> list[str | None]:
        return list(self.rows)

    def frame(self, keys: Sequence[str | None], scale: int = 1) -> pl.DataFrame:
        """Three rows for each key, with the first and the last moment of its window."""
        pieces = []
        for key in keys:
            row, start = dict(self.rows[key]), utc("2013-01-01")
            start, end = row.pop("window", (start, start + timedelta(days=1)))
            at = [start, start + (end - start) / 2, end - timedelta(microseconds=1)]
            values = {name: [value] * 3 for name, value in row.items()}
            pieces.append(
                pl.DataFrame({**values, "n": [scale, 2 * scale, None], "at": at}, schema_overrides={"at": pl.Datetime("us", "UTC")})
            )
        return pl.concat(pieces)


def by(column: str | list[str]) -> dict[str, Any]:
    return {"assay/partition_by": column, "assay/event_time": "at"}


CASES = {
    "daily": Case(
        DAILY,
        {
            "2013-06-01": {"part": date(2013, 6, 1), "window": (utc("2013-06-01T04:00"), utc("2013-06-02T04:00"))},
            "2013-06-02": {"part": date(2013, 6, 2), "window": (utc("2013-06-02T04:00"), utc("2013-06-03T04:00"))},
        },
        by("part"),
    ),
    "days of 23 and 25 hours": Case(
        DAILY,
        {
            "2013-03-10": {"part": "2013-03-10", "window": (utc("2013-03-10T05:00"), utc("2013-03-11T04:00"))},
            "2013-11-03": {"part": "2013-11-03", "window": (utc("2013-11-03T04:00"), utc("2013-11-04T05:00"))},
        },
        by("part"),
    ),
    "the hour that comes twice": Case(
        HOURLY,
        {
            "2013-11-03-01:00": {"part": utc("2013-11-03T05:00"), "window": (utc("2013-11-03T05:00"), utc("2013-11-03T06:00"))},
            "2013-11-03-01:00-0500": {"part": utc("2013-11-03T06:00"), "window": (utc("2013-11-03T06:00"), utc("2013-11-03T07:00"))},
        },
        by(["part"]),
    ),
    "monthly": Case(
        dg.MonthlyPartitionsDefinition("2013-01-01"),
        {
            "2013-01-01": {"part": "2013-01-01", "window": (utc("2013-01-01"), utc("2013-02-01"))},
            "2013-02-01": {"part": "2013-02-01", "window": (utc("2013-02-01"), utc("2013-03-01"))},
        },
        by("part"),
    ),
    "static": Case(STATIC, {key: {"part": key} for key in STATIC.get_partition_keys()}, {"assay/partition_by": "part"}),
    "two dimensions": Case(
        dg.MultiPartitionsDefinition({"day": DAILY, "region": dg.StaticPartitionsDefinition(["it's/east"])}),
        {
            "2013-06-01|it's/east": {
                "day": date(2013, 6, 1), "region": "it's/east", "window": (utc("2013-06-01T04:00"), utc("2013-06-02T04:00")),
            },
            "2013-06-02|it's/east": {
                "day": date(2013, 6, 2), "region": "it's/east", "window": (utc("2013-06-02T04:00"), utc("2013-06-03T04:00")),
            },
        },
        by(["region", "day"]),
    ),
    "unpartitioned": Case(None, {None: {"part": "all"}}),
}  # fmt: skip
PARTITIONED = [name for name, case in CASES.items() if case.definition]
IN_A_RANGE = [name for name in PARTITIONED if name != "days of 23 and 25 hours"]


@dataclass
class World:
    """A lake and a Dagster instance, with one asset that stores what it is told to."""

    lake: Path
    case: Case
    instance: dg.DagsterInstance
    metadata: dict[str, Any] = field(default_factory=dict)

    def store(self, make: Callable[[list[str | None]], Any], *keys: str | None, **options: Any) -> dg.ExecuteInProcessResult:
        """Materialize the keys in one run, as a range if there are several; `make` gets the keys that Dagster asked for."""

        def things(context: dg.AssetExecutionContext) -> Any:
            return make(list(context.partition_keys) if context.has_partition_key or context.has_partition_key_range else [None])

        things.__annotations__["context"] = dg.AssetExecutionContext  # Dagster does not resolve the annotation of a context
        asset = dg.asset(
            key=THINGS,
            partitions_def=self.case.definition,
            metadata=self.case.metadata | self.metadata,
            backfill_policy=dg.BackfillPolicy.single_run(),
            retry_policy=options.pop("retry_policy", None),
        )
        return self.run([asset(things)], *keys, **options)

    def run(self, assets: Sequence[Any], *keys: str | None, **options: Any) -> dg.ExecuteInProcessResult:
        tags = {RANGE_START: str(keys[0]), RANGE_END: str(keys[-1])} if len(keys) > 1 else {}
        return dg.materialize(
            assets, instance=self.instance, resources={"io_manager": LakeIOManager(root=str(self.lake))}, tags=tags,
            partition_key=keys[0] if len(keys) == 1 else None, **options,
        )  # fmt: skip

    def load(self, wanted: Any, *, ins: dg.AssetIn | None = None, keys: Sequence[str] = (), definition: Any = None) -> Any:
        """What an asset that asks for `things` as `wanted` is given."""
        given = []

        def reader(things: Any) -> None:
            given.append(things)

        reader.__annotations__["things"] = wanted
        asset = dg.asset(
            ins={"things": ins or dg.AssetIn(THINGS, metadata=ALLOW)},
            partitions_def=definition,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        upstream = dg.AssetSpec(THINGS, partitions_def=self.case.definition)
        self.run([asset(reader), upstream], *keys, selection=["reader"])
        return given[0]

    @property
    def rows(self) -> pl.DataFrame:
        return sort(open_snapshot(self.lake, "silver/things").scan().collect())

    @property
    def version(self) -> int:
        return open_snapshot(self.lake, "silver/things").version


def sort(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(frame.columns, nulls_last=True)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def world(request: pytest.FixtureRequest, lake: Path, instance: dg.DagsterInstance) -> World:
    return World(lake, CASES[getattr(request, "param", "daily")], instance)


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("world", CASES, indirect=True)
def test_a_partition_is_stored_and_rerunning_it_leaves_the_same_rows(world: World, kind: str) -> None:
    for key in world.case.keys[:2]:
        world.store(lambda keys: FRAMES[kind](world.case.frame(keys).cast({"n": pl.Float64})), key)  # pandas makes floats of nulls
    stored, version = world.rows, world.version
    assert_frame_equal(stored, sort(world.case.frame(world.case.keys[:2]).cast({"n": pl.Float64})))
    world.store(lambda keys: FRAMES[kind](world.case.frame(keys).cast({"n": pl.Float64})), world.case.keys[0])
    assert_frame_equal(world.rows, stored)
    assert world.version == version


@pytest.mark.parametrize("world", CASES, indirect=True)
def test_new_rows_of_a_partition_replace_the_old_ones_and_nothing_else(world: World) -> None:
    for key in world.case.keys:
        world.store(world.case.frame, key)
    first, *others = world.case.keys
    world.store(lambda keys: world.case.frame(keys, scale=7).head(2), first)
    expected = [world.case.frame([first], scale=7).head(2), *(world.case.frame([key]) for key in others)]
    assert_frame_equal(world.rows, sort(pl.concat(expected)))


@pytest.mark.parametrize("world", CASES, indirect=True)
def test_an_empty_result_empties_its_partition_and_keeps_the_columns(world: World) -> None:
    for key in world.case.keys:
        world.store(world.case.frame, key)
    world.store(lambda keys: world.case.frame(keys).clear(), world.case.keys[0])
    rest = [world.case.frame([key]) for key in world.case.keys[1:]]
    assert_frame_equal(world.rows, sort(pl.concat([world.case.frame(world.case.keys[:1]).clear(), *rest])))


@pytest.mark.parametrize("world", IN_A_RANGE, indirect=True)
def test_a_range_in_a_single_run_is_one_commit_and_a_range_is_read_whole(world: World) -> None:
    keys = [str(key) for key in world.case.keys]
    result = world.store(world.case.frame, *keys)
    assert {event.partition for event in result.asset_materializations_for_node("silver__things")} == set(keys)
    assert world.version == 1
    assert_frame_equal(world.rows, sort(world.case.frame(world.case.keys)))
    loaded = world.load(pl.DataFrame, keys=keys, definition=world.case.definition)
    assert_frame_equal(sort(loaded), world.rows)


@pytest.mark.parametrize("world", PARTITIONED, indirect=True)
def test_a_partition_is_read_alone(world: World) -> None:
    for key in world.case.keys:
        world.store(world.case.frame, key)
    key = str(world.case.keys[1])
    assert_frame_equal(sort(world.load(pl.DataFrame, keys=[key], definition=world.case.definition)), sort(world.case.frame([key])))


@pytest.mark.parametrize("wanted", [pl.DataFrame, pl.LazyFrame, pa.Table, pa.RecordBatchReader, pd.DataFrame, duckdb.DuckDBPyRelation, Any])
def test_an_input_is_loaded_as_it_is_annotated(world: World, wanted: Any) -> None:
    world.store(world.case.frame, *map(str, world.case.keys))
    loaded = world.load(wanted)
    assert isinstance(loaded, pl.DataFrame if wanted is Any else wanted)
    frame = pl.from_arrow(pa.RecordBatchReader.from_stream(loaded.collect() if isinstance(loaded, pl.LazyFrame) else loaded))
    assert isinstance(frame, pl.DataFrame)
    assert frame.drop("at").sort("part", "n", nulls_last=True)["n"].to_list() == [1, 2, None] * 2


def test_input_metadata_names_the_columns_that_are_read(world: World) -> None:
    world.store(world.case.frame, "2013-06-01")
    assert world.load(pl.DataFrame, ins=dg.AssetIn(THINGS, metadata=ALLOW | {"columns": ["n", "part"]})).columns == ["n", "part"]


def test_a_partition_mapping_decides_which_partitions_are_read(world: World) -> None:
    world.store(world.case.frame, *map(str, world.case.keys))
    yesterday = dg.AssetIn(THINGS, partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))
    loaded = world.load(pl.DataFrame, ins=yesterday, keys=["2013-06-02"], definition=DAILY)
    assert_frame_equal(sort(loaded), sort(world.case.frame(["2013-06-01"])))


def test_dynamic_partitions_are_stored_under_their_keys(lake: Path, instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("files", ["a.csv", "b's.csv"])
    rows: dict[str | None, dict[str, Any]] = {key: {"part": key} for key in ("a.csv", "b's.csv")}
    world = World(lake, Case(dg.DynamicPartitionsDefinition(name="files"), rows, {"assay/partition_by": "part"}), instance)
    for key in world.case.keys:
        world.store(world.case.frame, key)
    assert_frame_equal(world.rows, sort(world.case.frame(world.case.keys)))


@pytest.mark.parametrize("world", IN_A_RANGE, indirect=True)
def test_rows_of_another_partition_are_refused_and_the_table_keeps_its_version(world: World) -> None:
    world.store(world.case.frame, world.case.keys[0])
    before, rows = world.version, world.rows
    with pytest.raises(dg.Failure, match=r"RowsOutsideSlice.*which are not part of it"):
        world.store(lambda _: world.case.frame(world.case.keys, scale=9), world.case.keys[0])
    assert world.version == before
    assert_frame_equal(world.rows, rows)


@pytest.mark.parametrize("world", [name for name in IN_A_RANGE if name != "static"], indirect=True)
def test_rows_outside_the_window_are_refused_though_their_partition_column_is_right(world: World) -> None:
    world.store(world.case.frame, world.case.keys[0])
    before = world.version
    key = world.case.keys[0]
    for shift in (timedelta(microseconds=1), timedelta(microseconds=-1)):
        with pytest.raises(dg.Failure, match=r"RowsOutsideSlice.*found at ="):
            world.store(lambda keys, by=shift: world.case.frame(keys).with_columns(at=pl.col("at") + by), key)
    assert world.version == before


def test_an_event_date_outside_the_local_day_is_refused(world: World) -> None:
    world.metadata = {"assay/event_time": "flown"}
    with_date = world.case.frame(["2013-11-03"] if "2013-11-03" in world.case.rows else ["2013-06-01"]).with_columns(flown="part")
    world.store(lambda _: with_date, "2013-06-01")
    with pytest.raises(dg.Failure, match="found flown = 2013-06-02"):
        world.store(lambda _: with_date.with_columns(flown=pl.col("part").dt.offset_by("1d")), "2013-06-01")
    assert world.version == 1


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda frame: frame.with_columns(colour=pl.lit("red")), "unknown column 'colour'"),
        (lambda frame: frame.with_columns(pl.col("n").cast(pl.String)), "column 'n' is string, not int64"),
        (lambda frame: frame.drop("part"), "required column 'part' is missing"),
    ],
)
def test_schema_drift_is_refused_and_the_table_keeps_its_version(world: World, change: Callable[[pl.DataFrame], Any], found: str) -> None:
    world.store(world.case.frame, "2013-06-01")
    with pytest.raises(dg.Failure, match=f"SchemaDrift.*{found}"):
        world.store(lambda keys: change(world.case.frame(keys)), "2013-06-02")
    assert world.version == 1


def test_new_columns_are_let_in_when_the_asset_says_so(world: World) -> None:
    world.metadata = {"assay/may_add_columns": True}
    world.store(world.case.frame, "2013-06-01")
    world.store(lambda keys: world.case.frame(keys).with_columns(colour=pl.lit("red")), "2013-06-02")
    world.store(lambda keys: world.case.frame(keys, scale=2), "2013-06-01")
    assert world.rows["colour"].to_list() == [None] * 3 + ["red"] * 3


def test_a_missing_column_and_one_of_nothing_but_nulls_are_no_drift(world: World) -> None:
    world.store(world.case.frame, "2013-06-01")
    world.store(lambda keys: world.case.frame(keys).drop("n"), "2013-06-01")
    world.store(lambda keys: arrow(world.case.frame(keys).with_columns(n=None)).to_pandas(), "2013-06-02")
    assert world.rows["n"].to_list() == [None] * 6


def test_a_rerun_after_a_restore_publishes_again_though_the_token_survived(world: World) -> None:
    world.store(world.case.frame, "2013-06-01")
    world.store(lambda keys: world.case.frame(keys, scale=2), "2013-06-01")
    DeltaTable(str(world.lake / "silver/things")).restore(1)
    world.store(lambda keys: world.case.frame(keys, scale=2), "2013-06-01")
    assert_frame_equal(world.rows, sort(world.case.frame(["2013-06-01"], scale=2)))


def test_a_partition_that_is_empty_the_first_time_is_published_as_empty(world: World) -> None:
    world.store(world.case.frame, "2013-06-01")
    for _ in range(2):
        world.store(lambda keys: world.case.frame(keys).clear(), "2013-06-02")
    assert world.version == 2
    assert current_tokens(open_snapshot(world.lake, "silver/things"), ["2013-06-02"])["2013-06-02"] is not None


def test_an_asset_with_partitions_must_name_its_column(world: World) -> None:
    world.case = Case(DAILY, world.case.rows)
    with pytest.raises(dg.Failure, match=r"does not name its partition column.*assay/partition_by"):
        world.store(world.case.frame, "2013-06-01")


def test_an_asset_without_partitions_cannot_replace_a_partitioned_table(world: World) -> None:
    world.store(world.case.frame, "2013-06-01")
    rows, world.case = world.case.frame(["2013-06-01"], scale=2), Case(None, {}, {})
    with pytest.raises(dg.Failure, match="partitioned by"):
        world.store(lambda _: rows, None)
    assert world.version == 1


def test_a_table_that_was_never_published_is_a_clear_error(world: World) -> None:
    with pytest.raises(dg.Failure, match=r"TableMissing: Tried to read silver/things.*Materialize the asset first"):
        world.load(pl.DataFrame)


@pytest.mark.parametrize("given", [None, 42, "rows"])
def test_none_stores_nothing_and_other_objects_are_refused(world: World, given: Any) -> None:
    if given is not None:
        with pytest.raises(dg.Failure, match=r"FrameNotSupported: Tried to store a builtins\."):
            world.store(lambda _: given, "2013-06-01")
    else:
        assert world.store(lambda _: given, "2013-06-01").success
    assert not (world.lake / "silver/things").exists()


def test_a_permanent_failure_is_not_retried(world: World) -> None:
    tries = []
    with pytest.raises(dg.Failure, match="FrameNotSupported"):
        world.store(lambda keys: tries.append(keys) or 42, "2013-06-01", retry_policy=dg.RetryPolicy(max_retries=3))
    assert len(tries) == 1


def test_a_retry_after_a_failure_in_the_middle_of_a_stream_leaves_the_rows_once(world: World) -> None:
    tries: list[int] = []

    def torn(keys: list[str | None]) -> Iterator[pl.DataFrame]:
        tries.append(1)
        yield world.case.frame(keys).head(2)
        if len(tries) == 1:
            raise OSError("the source went away")
        yield world.case.frame(keys).tail(1)

    assert world.store(lambda keys: map(pl.DataFrame.clone, torn(keys)), "2013-06-01", retry_policy=dg.RetryPolicy(max_retries=1)).success
    assert_frame_equal(world.rows, sort(world.case.frame(["2013-06-01"])))
    assert len(list((world.lake / "silver/things").rglob("*.parquet"))) == 1


def test_the_materialization_says_what_was_stored_where(world: World) -> None:
    def metadata() -> dict[str, Any]:
        event = world.store(world.case.frame, "2013-06-01").asset_materializations_for_node("silver__things")[0]
        return {name: value.value for name, value in event.metadata.items()}

    first, again = metadata(), metadata()
    assert first["dagster/row_count"] == again["dagster/row_count"] == 3
    assert (first["assay/outcome"], again["assay/outcome"]) == ("published", "unchanged")
    assert first["assay/version"] == again["assay/version"] == 1
    assert first["dagster/uri"] == (world.lake / "silver/things").as_uri()
    assert [(column.name, column.type) for column in first["dagster/column_schema"].columns] == [
        ("part", "date32[day]"), ("n", "int64"), ("at", "timestamp[us, tz=UTC]"),
    ]  # fmt: skip


def test_a_frame_that_is_stored_while_an_erasure_removes_what_was_staged_is_not_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file may be gone: nothing may name it."""
    world.store(world.case.frame, world.case.keys[0])
    before, rows = world.version, world.rows

    def erased(*arguments: Any) -> Any:
        staged = stage(*arguments)
        raise_fence(world.lake, table_names(world.lake))
        staged.discard()
        return staged

    monkeypatch.setattr(io_manager, "stage", erased)
    with pytest.raises(Fenced, match="silver/things"):
        world.store(lambda keys: world.case.frame(keys, scale=9), world.case.keys[0])
    monkeypatch.undo()
    assert world.version == before + 1, "the fence"
    assert_frame_equal(world.rows, rows)
    world.store(lambda keys: world.case.frame(keys, scale=9), world.case.keys[0])
    assert world.version == before + 2
