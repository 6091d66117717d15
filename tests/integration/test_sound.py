"""One contract, dataset or model that cannot be had is named, and stops nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa
import pytest
from calendar_products import Calendars, totals
from deltalake import DeltaTable

from assay.orchestration.build import assemble
from assay.orchestration.metadata import owners_of
from assay.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_what_is_not_sound_is_named_and_the_others_are_built(tmp_path: Path) -> None:
    product = Calendars(tmp_path).reference("places").readings("good", end="2024-02-01", owner="o'brien@example.org")
    product.readings("ancient", start="0001-01-01", arrival_start="0001-01-01", zone="Asia/Kolkata")
    product.model("sums", ["good"]).model("of_places", ["places"]).model("of_ancient", ["ancient"]).model("on_top", ["gold/of_ancient"])
    product.land("good", "2024-01-05", [("2024-01-05T08:00:00Z", 5)])
    product.land("places", "2024-01-01", ["Pune"])
    world = product.world
    world.compile()
    broken = (
        (product.contracts / "places.odcs.yaml")
        .read_text()
        .replace("places", "broken")
        .replace("eventTime, value: none", "eventTime, value: nine")
    )
    (product.contracts / "broken.odcs.yaml").write_text(broken)

    assembly = assemble(world.settings, product.contracts)
    left = {one.name: one.why for one in assembly.left_out}
    assert set(left) == {"broken.odcs.yaml", "dataset ancient", "model of_places", "model of_ancient", "model on_top"}
    assert "broken.odcs.yaml:" in left["broken.odcs.yaml"]
    assert "A calendar begins on 0001-01-01" in left["dataset ancient"]
    assert left["model of_places"].startswith("it reads no table with partitions (silver/places), so there are no months")
    assert left["model of_ancient"] == "it reads silver/ancient, which is not there or left out."
    assert left["model on_top"] == "it reads gold/of_ancient, which is not there or left out."
    specs = {spec.key.to_user_string(): spec for spec in assembly.definitions.resolve_all_asset_specs()}
    assert not specs["silver/good"].owners
    assert specs["silver/good"].metadata["owner"] == "o'brien@example.org"
    assert set(product.backfill_sound().values()) == {None}
    assert totals(world, "gold/sums") == {"2024-01-01": 5}
    assert world.rows("silver/places").height == 1


def test_a_model_that_cannot_be_read_is_named_and_bronze_and_silver_go_on(tmp_path: Path) -> None:
    product = Calendars(tmp_path).readings("good", end="2024-02-01")
    product.model("sums", ["good"], sql="select {{ nonsense(")
    assembly = assemble(product.world.settings, product.contracts)
    assert [one.name for one in assembly.left_out] == ["model sums"]
    assert "sums.sql" in assembly.left_out[0].why
    assert dg.AssetKey(["silver", "good"]) in assembly.definitions.resolve_asset_graph().materializable_asset_keys
    assert [stage.name for stage in assembly.planner.stages] == ["bronze", "silver 1"]


@pytest.mark.slow
def test_a_table_that_cannot_be_planned_is_named_and_the_others_are_published(tmp_path: Path) -> None:
    product = Calendars(tmp_path).readings("good", end="2024-02-01").readings("strange", end="2024-02-01")
    for name in ("good", "strange"):
        product.land(name, "2024-01-05", [("2024-01-05T08:00:00Z", 5)])
    foreign = pa.schema([pa.field("at", pa.string()), pa.field("_arrival_date", pa.date32())])
    DeltaTable.create(
        str(tmp_path / "home/lake/bronze/strange"), schema=foreign, partition_by=["_arrival_date"],
        configuration={"delta.enableDeletionVectors": "true"},
    )  # fmt: skip
    done = product.backfill_lake()
    assert "bronze/strange: Tried to read bronze/strange; it needs ['deletionVectors'" in str(done["bronze/strange"])
    assert done["silver/good 2024-01-05"] is None
    assert product.world.rows("silver/good").height == 1


def test_a_product_of_reference_data_alone_loads(tmp_path: Path) -> None:
    product = Calendars(tmp_path).reference("places")
    assembly = assemble(product.world.settings, product.contracts)
    assert assembly.left_out == ()
    dg.Definitions.validate_loadable(assembly.definitions)


@pytest.mark.parametrize("owner", ["a@b.c", "o'brien@example.org", "müller@example.org"])
def test_an_owner_that_dagster_refuses_owns_nothing_there(owner: str) -> None:
    assert owners_of(owner) == []
    assert owners_of("you@example.org") == ["you@example.org"]
    assert owners_of("team:data") == ["team:data"]


def test_a_product_without_gold_needs_no_dbt_project(tmp_path: Path) -> None:
    product = Calendars(tmp_path).reference("places")
    settings = Settings(product.world.home, tmp_path / "not made yet", product.contracts)
    assert assemble(settings, product.contracts).left_out == ()
