"""A lake as a component of a Dagster project that is there already: beside its assets, another lake, and with Dagster's stock instance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
import yaml
from corner_shop import NAME, dg_said, scaffolded
from dagster.components.core.package_entry import EnvRegistryKey, discover_entry_point_package_objects

import assay
from assay.errors import SettingsError
from assay.lake.snapshots import open_snapshot
from assay.testing import good_rows
from assay.testing.contract_lookup import contract_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "fixtures/component_defs.json"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scaffolded(tmp_path_factory.mktemp("corner") / "shop")


@pytest.fixture
def location(project: Path) -> Iterator[dg.Definitions]:
    """The code location, loaded in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project / "src"))
        from dagster import load_from_defs_folder

        yield load_from_defs_folder(path_within_project=project / "src" / NAME)
        for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
            del sys.modules[name]


def test_dg_scaffolds_a_lake_that_says_what_it_is_made_of(project: Path) -> None:
    defs = project / f"src/{NAME}/defs"
    sales, travel = (yaml.safe_load((defs / name / "defs.yaml").read_text()) for name in ("sales", "travel"))
    assert sales == {"type": "assay.LakeComponent", "attributes": {"contracts": "contracts", "home": "{{ project_root }}/.assay"}}
    assert travel["attributes"] == {"contracts": "{{ project_root }}/contracts", "home": "{{ project_root }}/travel"}


def test_dg_knows_the_component_and_its_attributes() -> None:
    assert discover_entry_point_package_objects()[EnvRegistryKey("assay", "LakeComponent")] is assay.LakeComponent
    schema = assay.LakeComponent.get_model_cls().model_json_schema()
    assert set(schema["properties"]) == {"contracts", "home", "dbt_project", "name", "landing", "masking_keys"}
    assert all(one["description"] for one in schema["properties"].values())
    assert sorted(schema["required"]) == ["contracts", "home"]


def test_dg_lists_what_both_lakes_and_the_project_itself_define(project: Path) -> None:
    assert "All definitions loaded successfully" in dg_said(project, "check", "defs")
    listed = json.loads(dg_said(project, "list", "defs", "--json"))
    found = {
        kind: sorted(some, key=partial(json.dumps, sort_keys=True)) for kind, some in listed.items()
    }  # Dagster lists some of them in any order
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_an_attribute_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    component = assay.LakeComponent(contracts="contracts", home="home", dbt_project="models")
    with pytest.raises(SettingsError, match=r"`dbt_project` of .*defs.yaml is 'models'; there is no folder .*/models\. Make it"):
        component.settings(tmp_path)
    with pytest.raises(SettingsError, match=r"`contracts` of .* is 'missing'"):
        assay.LakeComponent(contracts="missing", home="home").contracts_in(tmp_path)
    with pytest.raises(SettingsError, match="which readers take for the partition"):
        assay.LakeComponent(contracts="contracts", home="country=de").settings(tmp_path)
    with pytest.raises(SettingsError, match="masking_keys is no reference to a secret"):
        assay.LakeComponent(contracts="contracts", home="home", masking_keys="hunter2").settings(tmp_path)


def test_files_become_tables_by_the_sensors_of_each_lake_in_the_stock_instance(project: Path, location: dg.Definitions) -> None:
    land(project / ".assay/landing", contract_of(project / f"src/{NAME}/defs/sales/contracts/customers.odcs.yaml"))
    land(project / "travel/landing", contract_of(project / "contracts/rides.odcs.yaml"), 8)
    with dg.DagsterInstance.ephemeral() as instance:
        for lake in ("sales", "travel"):
            while asked := requested(location, instance, f"{lake}_arrivals"):
                for run in asked:
                    done = location.resolve_job_def(str(run.job_name)).execute_in_process(
                        instance=instance, asset_selection=run.asset_selection, tags=dict(run.tags), raise_on_error=False
                    )
                    assert done.success, [event.message for event in done.all_events if event.is_failure]
        everything = location.resolve_implicit_global_asset_job_def()
        assert everything.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("report")]).output_for_node("report") == 7
        assert instance.get_latest_materialization_event(dg.AssetKey(["silver", "rides"])) is not None
    assert open_snapshot(project / ".assay/lake", "silver/customers").rows == 3
    assert open_snapshot(project / "travel/lake", "silver/rides").rows == 8
    assert not (project / ".assay/dagster").exists(), "the instance is the project's"
    contracts = project / f"src/{NAME}/defs/sales/contracts"
    said = {"ASSAY_HOME": str(project / ".assay"), "ASSAY_CONTRACTS": str(contracts), "ASSAY_DBT_PROJECT": str(project / "dbt")}
    command = [str(Path(sys.executable).with_name("assay")), "tables"]
    done = subprocess.run(command, cwd=project, env={**os.environ, **said}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "silver/customers" in done.stdout


def test_the_executor_and_the_io_manager_of_the_project_stay_its_own(location: dg.Definitions) -> None:
    assert location.executor is dg.in_process_executor
    assert {"io_manager", "sales_io_manager", "travel_io_manager"} <= set(location.resources or {})
    assert type((location.resources or {})["io_manager"]).__name__ == "Kept"


def land(landing: Path, contract: Any, count: int = 3) -> None:
    from assay.ingest.writing import name_for, spelled_file
    from assay.orchestration.synthetic_rows import SOME_DAY

    name = name_for(contract.source, contract.arrival.start or SOME_DAY)
    (landing / name).parent.mkdir(parents=True, exist_ok=True)
    (landing / name).write_bytes(spelled_file(good_rows(contract, count), contract.source, name))


def requested(location: dg.Definitions, instance: dg.DagsterInstance, sensor: str) -> list[dg.RunRequest]:
    """What a tick of a sensor asks for."""
    with dg.build_sensor_context(instance, definitions=location, cursor=cursors.get(sensor)) as context:
        found = location.resolve_sensor_def(sensor).evaluate_tick(context)
    cursors[sensor] = found.cursor or cursors.get(sensor, "")
    return list(found.run_requests or [])


cursors: dict[str, str] = {}
