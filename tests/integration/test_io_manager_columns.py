"""What the IO manager makes of columns: types that a first frame does not have, maps, names, times that nobody can read, missing partitions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assay.lake.snapshots import open_snapshot
from assay.orchestration.io_manager import LakeIOManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

THINGS = dg.AssetKey(["silver", "things"])
DAILY = dg.DailyPartitionsDefinition("2024-02-28", timezone="Asia/Kolkata")
FIRST, SECOND, THIRD = date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)


class Shop:
    """A lake with one daily asset that stores the frames it is given, and readers of it."""

    def __init__(self, lake: Path, instance: dg.DagsterInstance) -> None:
        self.lake, self.instance = lake, instance
        self.manager = LakeIOManager(root=str(lake))

    def store(self, day: date, frame: Any, **metadata: Any) -> None:
        @dg.asset(key=THINGS, partitions_def=DAILY, metadata={"assay/partition_by": "day", **metadata})
        def things() -> Any:
            return frame

        dg.materialize([things], instance=self.instance, partition_key=day.isoformat(), resources={"io_manager": self.manager})

    def load(self, wanted: Any, metadata: dict[str, Any] | None = None, day: date | None = None) -> Any:
        """What a reader of three days, or of one, is given."""
        given = []

        def reader(things: Any) -> None:
            given.append(things)

        reader.__annotations__["things"] = wanted
        asset = dg.asset(ins={"things": dg.AssetIn(THINGS, metadata=metadata)}, partitions_def=DAILY if day else None)(reader)
        until = dg.DailyPartitionsDefinition("2024-02-28", end_date="2024-03-02", timezone="Asia/Kolkata")
        dg.materialize(
            [asset, dg.AssetSpec(THINGS, partitions_def=DAILY if day else until)], instance=self.instance, selection=["reader"],
            resources={"io_manager": self.manager}, partition_key=day.isoformat() if day else None,
        )  # fmt: skip
        return given[0]

    @property
    def rows(self) -> pl.DataFrame:
        return open_snapshot(self.lake, "silver/things").scan().collect().sort("day")


@pytest.fixture
def shop(lake: Path) -> Iterator[Shop]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Shop(lake, instance)


def polars_day(day: date, value: Any) -> pl.DataFrame:
    return pl.DataFrame({"day": [day], "shop": "a", "n": [value]})


def pandas_day(day: date, value: Any) -> pd.DataFrame:
    return pd.DataFrame({"day": [day], "shop": "a", "n": [value]})


VALUES: dict[str, tuple[Any, pl.DataType]] = {
    "i": (3, pl.Int64()), "s": ("a", pl.String()), "f": (2.5, pl.Float64()), "d": (SECOND, pl.Date()), "b": (True, pl.Boolean()),
    "l": ([1, 2], pl.List(pl.Int64())), "t": (datetime(2024, 1, 1, tzinfo=UTC), pl.Datetime("us", "UTC")),
    "r": ({"a": 1}, pl.Struct({"a": pl.Int64()})),
}  # fmt: skip
MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "polars": pl.DataFrame, "lazy": lambda columns: pl.DataFrame(columns).lazy(), "arrow": lambda columns: pl.DataFrame(columns).to_arrow(),
    "pandas": pd.DataFrame, "stream": lambda columns: map(pl.DataFrame, [columns]),
}  # fmt: skip


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_column_of_nulls_gets_its_type_from_the_first_value(shop: Shop, make: Callable[[dict[str, Any]], Any]) -> None:
    nothing, values = {name: [None] for name in VALUES}, {name: [value] for name, (value, _) in VALUES.items()}
    shop.store(FIRST, make({"day": [FIRST], "shop": ["a"], **nothing}))
    assert shop.rows.columns == ["day", "shop"]
    shop.store(SECOND, make({"day": [SECOND], "shop": ["a"], **values}))
    shop.store(THIRD, make({"day": [THIRD], "shop": ["a"], **nothing}))
    for name, (value, kind) in VALUES.items():
        assert shop.rows[name].dtype == kind
        assert shop.rows[name].to_list() == [None, value, None]


@pytest.mark.parametrize("wanted", [pl.DataFrame, pl.LazyFrame, pa.Table, pa.RecordBatchReader, pd.DataFrame, duckdb.DuckDBPyRelation])
def test_a_column_without_a_type_is_read_as_nulls(shop: Shop, wanted: Any) -> None:
    shop.store(FIRST, pl.DataFrame({"day": [FIRST], "n": [None], "m": ["a"]}))
    found = shop.load(wanted, {"columns": ["n", "m"]}, day=FIRST)
    rows = found.fetchall() if isinstance(found, duckdb.DuckDBPyRelation) else polars_of(found).rows()
    assert rows == [(None, "a")]


def polars_of(found: Any) -> pl.DataFrame:
    if isinstance(found, pl.LazyFrame):
        return found.collect()
    made = pl.DataFrame(found)
    assert isinstance(made, pl.DataFrame)
    return made


def test_a_type_that_came_once_stays(shop: Shop) -> None:
    shop.store(FIRST, polars_day(FIRST, None))
    shop.store(SECOND, polars_day(SECOND, 3))
    with pytest.raises(dg.Failure, match=r"SchemaDrift.*column 'n' is string, not int64"):
        shop.store(THIRD, polars_day(THIRD, "three"))


def test_a_column_that_was_never_named_is_still_a_drift(shop: Shop) -> None:
    shop.store(FIRST, polars_day(FIRST, None))
    with pytest.raises(dg.Failure, match=r"SchemaDrift.*unknown column 'other'"):
        shop.store(SECOND, polars_day(SECOND, 1).with_columns(other=1))
    with pytest.raises(dg.Failure, match=r"SchemaDrift.*unknown column 'other'"):
        shop.store(SECOND, polars_day(SECOND, 1).with_columns(other=None))


def test_nulls_without_a_type_in_a_column_that_may_be_added_wait_for_a_value(shop: Shop) -> None:
    shop.store(FIRST, pl.DataFrame({"day": [FIRST], "shop": "a"}))
    shop.store(SECOND, polars_day(SECOND, None), **{"assay/may_add_columns": True})
    shop.store(THIRD, polars_day(THIRD, 7), **{"assay/may_add_columns": True})
    assert shop.rows["n"].to_list() == [None, None, 7]


def test_an_empty_frame_of_pandas_makes_no_types(shop: Shop) -> None:
    shop.store(FIRST, pd.DataFrame({"day": pd.Series([], dtype="datetime64[us, UTC]"), "shop": pd.Series([], dtype="str"), "n": []}))
    shop.store(SECOND, pd.DataFrame({"day": [pd.Timestamp("2024-02-28T18:30Z")], "shop": ["a"], "n": [1]}))
    assert shop.rows.select("shop", "n").rows() == [("a", 1)]


def test_a_new_table_must_learn_the_type_of_its_partition_column(shop: Shop) -> None:
    with pytest.raises(dg.Failure, match=r"SliceInvalid.*partition column 'day' has no value and no type"):
        shop.store(FIRST, pd.DataFrame({"day": [], "n": []}))
    shop.store(SECOND, pandas_day(SECOND, 1))
    shop.store(FIRST, pd.DataFrame({"day": [], "shop": [], "n": []}))
    assert shop.rows.rows() == [(SECOND, "a", 1)]


@pytest.mark.parametrize("given", [[[]], [{"a": None}], [[None]]], ids=["an empty list", "a struct of nulls", "a list of nulls"])
def test_a_value_whose_type_nothing_tells_is_refused_rather_than_dropped_and_fits_once_the_type_is_known(shop: Shop, given: Any) -> None:
    full = [[1]] if isinstance(given[0], list) else [{"a": 1}]
    with pytest.raises(dg.Failure, match=r"SchemaDrift.*Tried to store 'n'.*nothing tells what it holds"):
        shop.store(FIRST, pl.DataFrame({"day": [FIRST], "shop": "a", "n": given}))
    assert not (shop.lake / "silver/things/_delta_log").exists()
    shop.store(SECOND, pl.DataFrame({"day": [SECOND], "shop": "a", "n": full}))
    shop.store(FIRST, pl.DataFrame({"day": [FIRST], "shop": "a", "n": given}))
    assert shop.rows["n"].to_list() == given + full


def test_maps_are_stored_and_read(shop: Shop) -> None:
    kind, given = pa.map_(pa.string(), pa.int64()), {FIRST: [("a", 1), ("b", None)], SECOND: [], THIRD: None}
    for day, value in given.items():
        shop.store(day, pa.table({"day": pa.array([day]), "m": pa.array([value], kind)}))
    found = shop.load(pa.Table)
    assert found.schema.field("m").type == kind
    assert dict(zip(found["day"].to_pylist(), found["m"].to_pylist(), strict=True)) == given
    related = dict(shop.load(duckdb.DuckDBPyRelation).fetchall())
    assert related == {day: None if value is None else dict(value) for day, value in given.items()}


def test_a_table_of_nothing_but_partition_columns_is_refused(shop: Shop) -> None:
    """Parquet keeps no rows without columns."""
    with pytest.raises(dg.Failure, match=r"SliceInvalid.*of the columns \['day', 'n'\] none that is stored has a type"):
        shop.store(FIRST, pl.DataFrame({"day": [FIRST], "n": [None]}))


@pytest.mark.parametrize(
    ("frame", "refusal"),
    [
        (pd.DataFrame({"day": [FIRST], 0: [1]}), "FrameNotSupported.*the name of its column 0 is no text"),
        (pd.DataFrame([[FIRST, 1, 2]], columns=["day", "n", "n"]), "SchemaDrift.*'n' and 'n' would be one column"),
        (pl.DataFrame({"day": [FIRST], "ID": [1], "id": [2]}), "SchemaDrift.*'ID' and 'id' would be one column"),
        (pl.DataFrame({"day": [FIRST], "": [1]}), "SchemaDrift.*a column of it has no name"),
        (pl.DataFrame({"day": [FIRST], "n": pl.Series([object()], dtype=pl.Object)}), "FrameNotSupported.*'n' of type Object"),
        (pl.DataFrame({"day": [FIRST], "n": pl.Series([1], dtype=pl.Int128)}), "FrameNotSupported.*'n' of type Int128"),
        (pl.DataFrame({"day": [FIRST], "n": [b"x"]}).with_columns(t=pl.time(1)), "SchemaDrift.*time64.*which Delta does not have"),
    ],
)
def test_what_no_table_can_hold_is_refused_by_name(shop: Shop, frame: Any, refusal: str) -> None:
    with pytest.raises(dg.Failure, match=refusal):
        shop.store(FIRST, frame)
    assert not (shop.lake / "silver/things/_delta_log").exists()


FAR = 10**17  # microseconds: some 3,000 years


@pytest.mark.parametrize(
    "value", [pa.scalar(-FAR, pa.timestamp("us")), pa.scalar(4 * FAR, pa.timestamp("us", "UTC")), pa.scalar(10**7, pa.int32())]
)
def test_a_time_that_most_readers_do_not_have_is_refused_by_name(shop: Shop, value: pa.Scalar) -> None:
    column = (
        pa.array([value.as_py()], pa.int32()).cast(pa.date32())
        if pa.types.is_int32(value.type)
        else pa.array([value.value]).cast(value.type)
    )
    with pytest.raises(dg.Failure, match=r"TimeOutOfRange: Tried to store 't'; it holds a time before the year 1 or after 9999"):
        shop.store(FIRST, pa.table({"day": pa.array([FIRST]), "t": column}))
    assert list((shop.lake / "silver/things").rglob("*.parquet")) == [], "nothing is left behind"


def test_partitions_that_were_never_published_fail_the_load_by_name(shop: Shop) -> None:
    shop.store(FIRST, polars_day(FIRST, 1))
    with pytest.raises(
        dg.Failure, match=r"PartitionsMissing: Tried to read 3 partitions of silver/things; 2 were never published: 2024-02-29, 2024-03-01"
    ):
        shop.load(pl.DataFrame)
    with pytest.raises(
        dg.Failure, match=r"PartitionsMissing: Tried to read 1 partitions of silver/things; 1 were never published: 2024-02-29"
    ):
        shop.load(pl.DataFrame, day=SECOND)


def test_an_input_may_do_without_partitions_and_an_observation_says_which(shop: Shop) -> None:
    shop.store(FIRST, polars_day(FIRST, 1))
    found = shop.load(pl.DataFrame, {"assay/missing_partitions": "allow"})
    assert found["n"].to_list() == [1]
    noted = shop.instance.fetch_observations(THINGS, limit=5).records
    assert [one.asset_observation.metadata["assay/missing_partitions"].value for one in noted if one.asset_observation] == [
        ["2024-02-29", "2024-03-01"]
    ]


def test_a_partition_that_was_published_empty_is_not_missing(shop: Shop) -> None:
    shop.store(FIRST, polars_day(FIRST, 1))
    shop.store(SECOND, polars_day(SECOND, 1).clear())
    assert shop.load(pl.DataFrame, day=SECOND).height == 0
