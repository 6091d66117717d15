"""Constraints of published tables: other writers are refused, the publisher goes on, and they follow the contract as partitions do."""

from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from order_shop import Shop, day

from assay.contracts.export.delta_constraints import check_constraints
from assay.contracts.reading.odcs import load_contracts
from assay.lake.constraints import constraints_of
from assay.lake.snapshots import open_snapshot
from assay.refine.step import silver_spec
from assay.steps import Status
from flights.definitions import CONTRACTS
from orders import write_contracts

if TYPE_CHECKING:
    from pathlib import Path

    from small_world import World

DATASETS = ("airlines", "airports", "flights", "planes", "weather")
MAXIMUM = "logicalTypeOptions: {minimum: 0, maximum: 1000}"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Two published days, one of them with an amount of 700."""
    found = Shop(tmp_path / "home", write_contracts(tmp_path / "contracts")).open()
    found.drop(1, [{"day": day(1), "number": "1", "amount": "10"}])
    found.drop(2, [{"day": day(2), "number": "2", "amount": "700"}, {"day": day(2), "number": "3", "amount": "20"}])
    found.ingest([1, 2])
    assert {outcome.status for outcome in found.refine([1, 2]).values()} == {Status.PUBLISHED}
    return found


def table(shop: Shop) -> DeltaTable:
    return open_snapshot(shop.home / "lake", "silver/orders").table


def amounts(shop: Shop) -> list[float]:
    return sorted(shop.rows("silver")["amount"])


def append(shop: Shop, **changes: Any) -> None:
    """A program that appends to silver without asking anybody."""
    row = shop.rows("silver").head(1).to_dicts()[0] | changes
    write_deltalake(
        str(shop.home / "lake/silver/orders"), pa.Table.from_pylist([row], schema=silver_spec(shop.orders).schema), mode="append"
    )


def test_another_writer_is_refused_and_the_publisher_goes_on(shop: Shop) -> None:
    assert constraints_of(table(shop)) == check_constraints(shop.orders)
    for changes in ({"amount": 1000.5}, {"state": "lost"}, {"customer": "ADA"}, {"state": "paid", "amount": None}, {"number": None}):
        before = shop.versions()
        with pytest.raises((DeltaError, pa.ArrowInvalid, ValueError), match=r"Invalid data|null|Null"):
            append(shop, **changes)
        assert shop.versions() == before
    shop.drop(3, [{"day": day(1), "number": "9", "amount": "30"}])
    shop.ingest([3])
    assert shop.refine([1])[day(1)].status is Status.PUBLISHED
    assert amounts(shop) == [10, 20, 30, 700]


def test_a_looser_contract_publishes_at_once_and_its_constraint_is_there_with_the_same_run(shop: Shop) -> None:
    looser = shop.edit_contract(MAXIMUM, "logicalTypeOptions: {minimum: 0, maximum: 5000}")
    looser.drop(3, [{"day": day(1), "number": "9", "amount": "1500"}])
    looser.ingest([3])
    looser.refine([1])
    assert 1500 in amounts(looser)
    assert constraints_of(table(looser))["amount_maximum"] == "`amount` IS NULL OR `amount` <= 5000"


def test_a_stricter_contract_is_no_constraint_while_a_partition_of_the_older_one_breaks_it(shop: Shop) -> None:
    stricter = shop.edit_contract(MAXIMUM, "logicalTypeOptions: {minimum: 0, maximum: 500}")
    stricter.refine([1])
    assert amounts(stricter) == [10, 20, 700]
    assert constraints_of(table(stricter)).keys() == check_constraints(stricter.orders).keys() - {"amount_maximum"}
    stricter.refine([2])
    assert amounts(stricter) == [10, 20]
    assert constraints_of(table(stricter)) == check_constraints(stricter.orders)


def test_every_version_of_the_table_keeps_its_own_constraints(shop: Shop) -> None:
    stricter = shop.edit_contract(MAXIMUM, "logicalTypeOptions: {minimum: 0, maximum: 500}")
    stricter.refine([1])
    stricter.refine([2])
    looser = stricter.edit_contract("maximum: 500}", "maximum: 2000}")
    looser.refine([1, 2])
    for version in range(table(looser).version() + 1):
        then = open_snapshot(looser.home / "lake", "silver/orders", version)
        said = constraints_of(then.table).get("amount_maximum")
        highest = then.scan().collect()["amount"].max()
        assert said is None or highest is None or float(str(highest)) <= float(said.split()[-1]), f"version {version}: {said}, {highest}"


def test_a_run_that_publishes_nothing_leaves_the_log_alone(shop: Shop) -> None:
    before = shop.versions()
    shop.refine([1, 2])
    assert shop.versions() == before


def test_a_table_from_before_there_were_constraints_gets_them(shop: Shop) -> None:
    log = shop.home / "lake/silver/orders"
    plain = DeltaTable(str(log))
    for name in list(constraints_of(plain)):
        plain.alter.drop_constraint(name)
    assert constraints_of(table(shop)) == {}
    shop.refine([1], force=True)
    assert constraints_of(table(shop)) == check_constraints(shop.orders)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_published_row_of_the_product_keeps_its_constraints(built_world: World, tmp_path: Path, dataset: str) -> None:
    copy = tmp_path / dataset
    shutil.copytree(built_world.settings.lake / "silver" / dataset, copy)
    rows = open_snapshot(built_world.settings.lake, f"silver/{dataset}").scan().collect()
    spec = silver_spec(load_contracts(CONTRACTS)[dataset])
    assert constraints_of(DeltaTable(str(copy))) == dict(spec.constraints or ())
    write_deltalake(str(copy), rows.to_arrow().cast(spec.schema), mode="append")
    assert DeltaTable(str(copy)).version() > open_snapshot(built_world.settings.lake, f"silver/{dataset}").version


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="no Java on the PATH: Spark cannot read the constraints")
def test_spark_reads_every_constraint_as_it_is_meant(shop: Shop) -> None:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        good = shop.rows("silver").head(1).to_dicts()[0]
        bad = {
            "amount_type": {"amount": math.nan}, "customer_pattern": {"customer": "ADA\n"}, "amount_minimum": {"amount": -1.0}, "amount_maximum": {"amount": 1000.5},
            "state_enum": {"state": "lost"}, "note_length": {"note": "x"}, "paid_has_amount": {"state": "paid", "amount": None},
        }  # fmt: skip
        constraints = check_constraints(shop.orders)
        assert bad.keys() == constraints.keys()
        types = (
            "order_date date, number int, customer string, amount double, state string, placed_at timestamp, is_gift boolean, note string"
        )
        empty = dict.fromkeys(good) | {"order_date": good["order_date"], "number": 1}
        for name, said in constraints.items():
            rows = [good, empty, good | bad[name]]
            frame = spark.createDataFrame([tuple(row[column] for column in good) for row in rows], types)
            assert [row[0] for row in frame.selectExpr(said).collect()] == [True, True, False], name
    finally:
        spark.stop()
