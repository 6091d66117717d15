"""The graph as a stranger meets it: complete metadata, lineage from file to gold, every way of loading it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from assay.contracts.reading.odcs import load_product
from assay.gold.views import views_of
from assay.project_root import CHECKOUT
from flights.definitions import CONTRACTS

if TYPE_CHECKING:
    from small_world import World

BIN = Path(sys.executable).parent


def materializable(world: World) -> list[dg.AssetSpec]:
    return [spec for spec in world.definitions.resolve_all_asset_specs() if spec.key.path[0] in ("bronze", "silver", "gold")]


def test_every_asset_says_what_it_is_whose_it_is_and_what_it_holds(built_world: World) -> None:
    for spec in materializable(built_world):
        name = spec.key.to_user_string()
        assert spec.description, name
        assert spec.owners, name
        assert spec.group_name == spec.key.path[0], name
        assert spec.kinds, name
        assert spec.code_version, name
        assert spec.metadata["dagster/column_schema"], name
        assert str(spec.metadata["dagster/uri"]).endswith(name), name


def test_every_silver_and_gold_asset_has_one_blocking_contract_check_with_its_partitions(built_world: World) -> None:
    graph = built_world.definitions.resolve_asset_graph()
    for spec in materializable(built_world):
        if spec.key.path[0] != "bronze":
            checks = [graph.get_check_spec(key) for key in graph.get(spec.key).check_keys]
            assert [check.name for check in checks] == ["contract"], spec.key
            assert checks[0].blocking
            assert checks[0].partitions_def == graph.get(spec.key).partitions_def


def test_gold_can_be_followed_back_to_the_landed_files(built_world: World) -> None:
    graph = built_world.definitions.resolve_asset_graph()
    chosen = dg.AssetSelection.assets(["gold", "carrier_ranking_7d"]).upstream()
    names = {key.to_user_string() for key in (chosen | chosen.upstream_source_assets()).resolve(graph)}
    assert {"gold/carrier_punctuality_daily", "silver/flights", "bronze/flights", "landing/flights", "silver/airports"} <= names


def test_lineage_ends_at_the_views_that_consumers_read_which_nothing_materializes(built_world: World) -> None:
    graph = built_world.definitions.resolve_asset_graph()
    specs = {spec.key.to_user_string(): spec for spec in built_world.definitions.resolve_all_asset_specs()}
    views = {name for name in specs if name.startswith("v")}
    assert {"v1/carrier_punctuality_daily", "v2/carrier_punctuality_daily", "v1/route_delays_daily"} <= views
    assert views == {view.contract.view.replace(".", "/") for view in views_of(load_product(CONTRACTS))}
    for name in views:
        spec = specs[name]
        assert [dep.asset_key.to_user_string() for dep in spec.deps] == [f"gold/{spec.key.path[1]}"], name
        assert not graph.get(spec.key).is_materializable, name
        assert (spec.group_name, spec.kinds) == (spec.key.path[0], {"view", "duckdb"}), name
        assert spec.owners, name
        assert spec.metadata["dagster/table_name"] == name.replace("/", "."), name
    old = specs["v1/carrier_punctuality_daily"]
    assert "Deprecated" in str(old.description)
    assert "on_time" in {column.name for column in old.metadata["dagster/column_schema"].columns}
    assert str(old.metadata["contract"].value).endswith("carrier_punctuality_daily.v1.odcs.yaml")


def test_a_silver_day_depends_on_the_arrivals_in_which_its_rows_come(built_world: World) -> None:
    graph = built_world.definitions.resolve_asset_graph()
    silver, bronze = graph.get(dg.AssetKey(["silver", "flights"])), graph.get(dg.AssetKey(["bronze", "flights"]))
    assert silver.partitions_def is not None
    assert bronze.partitions_def is not None
    mapping = graph.get_partition_mapping(silver.key, bronze.key)
    mapped = mapping.get_upstream_mapped_partitions_result_for_partitions(
        silver.partitions_def.subset_with_partition_keys(["2013-06-14"]), silver.partitions_def, bronze.partitions_def
    )
    assert sorted(mapped.partitions_subset.get_partition_keys()) == ["2013-06-14", "2013-06-15"]


def test_every_sink_has_a_pool(built_world: World) -> None:
    ops = {
        op for definition in built_world.definitions.assets or [] if isinstance(definition, dg.AssetsDefinition) for op in [definition.op]
    }
    assert {op.pool for op in ops} >= {"bronze_flights", "silver_flights", "gold"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "command"),
    [
        (".", [str(BIN / "dagster"), "definitions", "validate", "--workspace", "workspace.yaml"]),
        ("platform", [str(BIN / "dg"), "check", "defs"]),
        ("platform", [str(BIN / "dg"), "list", "defs"]),
    ],
)
def test_dagster_loads_the_graph(folder: str, command: list[str], tmp_path: Path) -> None:
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "ASSAY_HOME": str(tmp_path), "HOME": str(tmp_path), "DAGSTER_HOME": ""}
    result = subprocess.run(command, cwd=CHECKOUT / folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
