"""A plan that found nothing to do is remembered while nothing changes that it depends on: whatever changes, it is the plan made from nothing."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from deltalake import DeltaTable
from live_market import Market

from assay.ingest import landing_file
from assay.ingest.bronze import bronze_spec
from assay.ingest.folders import one_look
from assay.ingest.step import ingest
from assay.lake.damage import MARK
from assay.lake.log import LOG
from assay.lake.slices import WHOLE, Slice
from assay.lake.snapshots import open_snapshot
from assay.orchestration.clock import now
from assay.orchestration.landing import Landing
from assay.orchestration.plan import Planner
from assay.orchestration.plan_inputs import tables_of
from assay.orchestration.retaining import Retaining
from assay.refine.step import refine_partitions, silver_spec
from contract_head import landing_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.contracts.model.contract import Contract
    from assay.orchestration.due import Due

AT_REST = 0.05  # seconds: here a file is at rest sooner, so that no test waits
SALES = """\
slaProperties:
  - {property: retention, value: 3, unit: d}
schema:
  - name: sales_landing
    physicalType: file
    properties:
      - {name: day, logicalType: string}
      - {name: number, logicalType: string}
      - {name: quantity, logicalType: string}
      - {name: buyer, logicalType: string, classification: restricted}
      - {name: town, logicalType: string}
  - name: sales
    physicalType: table
    description: Sales.
    properties:
      - {name: sold_on, logicalType: date, physicalType: DATE, required: true, partitioned: true}
      - {name: number, logicalType: integer, physicalType: BIGINT, required: true, primaryKey: true}
      - {name: quantity, logicalType: integer, physicalType: BIGINT, logicalTypeOptions: {minimum: 0}}
      - {name: buyer, logicalType: string, classification: restricted}
      - name: town
        logicalType: string
        relationships: [{to: towns.town, customProperties: [{property: name, value: town_known}]}]
    customProperties:
      - {property: eventTime, value: {expression: day, format: yyyy-MM-dd, timeZone: UTC}}
      - {property: keyScope, value: table}
      - {property: partitioning, value: {grain: day, start: 2024-03-01}}
      - {property: arrival, value: {grain: day, start: 2024-03-01, lateness: 2}}
"""
TOWNS = """\
schema:
  - name: towns_landing
    physicalType: file
    properties: [{name: town, logicalType: string}]
  - name: towns
    physicalType: table
    description: Towns.
    properties: [{name: town, logicalType: string, required: true, primaryKey: true}]
    customProperties:
      - {property: eventTime, value: none, description: Towns have no events.}
"""
DAYS = ("2024-03-02", "2024-03-03", "2024-03-04")
OWN = ("bronze", "silver", "quarantine", "claims")


def sold(day: str, *rows: str) -> str:
    return "day,number,quantity,buyer,town\n" + "".join(f"{day},{row}\n" for row in rows)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market of which all is published: each day has a rejected row and one of no day, one key is in two days, a file waits for midnight."""
    market = Market.open(
        tmp_path_factory.mktemp("market") / "market", sales=landing_head("sales") + SALES, towns=landing_head("towns") + TOWNS
    )
    (market.home / "masking.keys").write_text("k1:" + "A" * 43 + "=\n")
    market.land("towns/towns_2024-03-01.csv", "town\nBonn\nUlm\n")
    for number, day in enumerate((*DAYS, "2024-03-05"), 1):
        rows = sold(day, f"{number},1,ada,Bonn", f"{number + 1},2,bob,Ulm", f"9{number},-1,eve,Ulm") + f"someday,8{number},1,eve,Ulm\n"
        market.land(f"sales/sales_{day}.csv", rows)
    assert market.settle() != []
    return market.home


@dataclass
class Sensor:
    """A market, and a planner that lives, as that of the sensor."""

    market: Market
    planner: Planner

    @property
    def lake(self) -> Path:
        found: Path = self.market.settings.lake
        return found

    def plan(self, planner: Planner | None = None) -> dict[str, Due]:
        """One look at everything, by the planner that lives or by another."""
        planner = planner or self.planner
        with self.market.clock(), one_look():
            return {one.key.to_user_string(): one for stage in planner.stages for one in planner.due(stage.keys)}

    def anew(self) -> dict[str, Due]:
        """What is planned from nothing."""
        return self.plan(self.market.planner())

    def path(self, table: str) -> Path:
        """A data file of a table that readers see."""
        snapshot = open_snapshot(self.lake, table)
        return Path(snapshot.files[-1].path)

    def entry(self, table: str) -> Path:
        """The newest entry of a table's log."""
        return max((self.lake / table / LOG).glob("*.json"))

    def land(self, path: str, text: str) -> Path:
        found: Path = self.market.land(path, text)
        return found

    def make_towns(self) -> None:
        """Another process publishes the towns that have landed."""
        planner = self.market.planner()
        towns = planner.contracts["towns"]
        assert [one.refusal for one in ingest(planner.run_now, towns, Slice(bronze_spec(towns), (WHOLE,)))] == [None]
        assert [one.refusal for one in refine_partitions(planner.run_now, towns, Slice(silver_spec(towns), (WHOLE,)))] == [None]


@pytest.fixture
def sensor(opened: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sensor:
    """One that has looked, found nothing to do, and remembers it."""
    monkeypatch.setattr(landing_file, "SETTLED_NS", int(AT_REST * 1e9))
    shutil.copytree(opened, tmp_path / "market")
    market = Market(tmp_path / "market")
    sensor = Sensor(market, market.planner())
    time.sleep(2 * AT_REST)
    sensor.plan()
    before = sensor.plan()
    assert [name for name, one in before.items() if not one.has_nothing_to_do] == []
    assert all(one is before[name] for name, one in sensor.plan().items()), "it is planned again, and nothing has changed"
    return sensor


def a_file_lands(sensor: Sensor) -> None:
    sensor.land("sales/sales_2024-03-01.csv", sold("2024-03-01", "50,1,ada,Bonn"))


def a_file_grows(sensor: Sensor) -> None:
    with (sensor.market.settings.landing / "sales/sales_2024-03-03.csv").open("a") as file:
        file.write("2024-03-03,51,1,ada,Bonn\n")


def a_file_has_another_content_of_its_size_and_time(sensor: Sensor) -> None:
    file = sensor.market.settings.landing / "sales/sales_2024-03-03.csv"
    there = file.stat()
    file.write_text(file.read_text().replace("ada", "eva"))
    os.utime(file, ns=(there.st_atime_ns, there.st_mtime_ns))
    assert file.stat().st_size == there.st_size


def a_file_of_another_arrival_takes_its_name(sensor: Sensor) -> None:
    folder = sensor.market.settings.landing / "sales"
    (folder / "sales_2024-03-03.csv").replace(folder / "sales_2024-03-04.csv")


def a_newer_snapshot_lands(sensor: Sensor) -> None:
    sensor.land("towns/towns_2024-03-02.csv", "town\nBonn\n")


def a_folder_becomes_a_link_to_itself(sensor: Sensor) -> None:
    folder = sensor.market.settings.landing
    (folder / "sales").rename(folder.parent / "elsewhere")
    (folder / "sales").symlink_to(folder / "sales")
    sensor.land("towns/towns_2024-03-03.csv", "town\nUlm\n")  # or nothing would be due: what is in bronze may be archived


def what_rules_look_into_is_published(sensor: Sensor) -> None:
    a_newer_snapshot_lands(sensor)
    sensor.make_towns()


def what_rules_look_into_is_gone(sensor: Sensor) -> None:
    shutil.rmtree(sensor.lake / "silver/towns")


def there_is_another_key(sensor: Sensor) -> None:
    keys = sensor.market.home / "masking.keys"
    keys.write_text("k2:" + "B" * 42 + "A=\n" + keys.read_text())


def there_is_no_key(sensor: Sensor) -> None:
    (sensor.market.home / "masking.keys").unlink()


def midnight_has_passed(sensor: Sensor) -> None:
    sensor.market.now += timedelta(days=1)


def the_clock_was_set_back(sensor: Sensor) -> None:
    sensor.market.now -= timedelta(days=1)


def the_record_of_erasures_is_damaged(sensor: Sensor) -> None:
    (sensor.lake / "erasures/requests" / LOG).mkdir(parents=True)
    (sensor.lake / "erasures/requests" / MARK).touch()


def partitions_have_expired(sensor: Sensor) -> None:
    """What is older than three days went from the log, with the first day that is kept; then the clock goes on."""
    sensor.market.now += timedelta(days=1)
    with sensor.market.clock():
        done = Retaining(sensor.market.settings, sensor.market.planner(), now()).execute()
    assert any(one.partitions for one in done)


def rows_are_deleted(layer: str) -> Callable[[Sensor], None]:
    def change(sensor: Sensor) -> None:
        DeltaTable(str(sensor.lake / layer / "sales")).delete()

    return change


def a_data_file_is_gone(layer: str) -> Callable[[Sensor], None]:
    return lambda sensor: sensor.path(f"{layer}/sales").unlink()


def a_data_file_is_cut(layer: str) -> Callable[[Sensor], None]:
    def change(sensor: Sensor) -> None:
        path = sensor.path(f"{layer}/sales")
        os.truncate(path, path.stat().st_size - 1)

    return change


def the_newest_entry_is_cut(layer: str) -> Callable[[Sensor], None]:
    def change(sensor: Sensor) -> None:
        entry = sensor.entry(f"{layer}/sales")
        os.truncate(entry, entry.stat().st_size // 2)

    return change


def the_newest_entry_is_gone(layer: str) -> Callable[[Sensor], None]:
    return lambda sensor: sensor.entry(f"{layer}/sales").unlink()


def the_table_is_gone(layer: str) -> Callable[[Sensor], None]:
    return lambda sensor: shutil.rmtree(sensor.lake / layer / "sales")


def the_log_is_gone(layer: str) -> Callable[[Sensor], None]:
    return lambda sensor: shutil.rmtree(sensor.lake / layer / "sales" / LOG)


ALONE = (
    a_file_lands, a_file_grows, a_file_has_another_content_of_its_size_and_time, a_file_of_another_arrival_takes_its_name, a_newer_snapshot_lands,
    a_folder_becomes_a_link_to_itself, what_rules_look_into_is_published, what_rules_look_into_is_gone, there_is_another_key, there_is_no_key,
    midnight_has_passed, the_clock_was_set_back, the_record_of_erasures_is_damaged, partitions_have_expired,
)  # fmt: skip
OF_A_TABLE = (
    rows_are_deleted, a_data_file_is_gone, a_data_file_is_cut, the_newest_entry_is_cut, the_newest_entry_is_gone, the_table_is_gone,
    the_log_is_gone,
)  # fmt: skip
CHANGES = {one.__name__: one for one in ALONE} | {f"{one.__name__} in {layer}": one(layer) for one in OF_A_TABLE for layer in OWN}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_is_planned_as_if_nothing_was_remembered(sensor: Sensor, change: Callable[[Sensor], None]) -> None:
    before = sensor.plan()
    change(sensor)
    time.sleep(2 * AT_REST)

    anew = sensor.anew()

    assert anew != before, "nobody would notice if it was not seen"
    assert sensor.plan() == anew


class Touched:
    """The tables of which the log was listed or a file opened, as Python itself says."""

    def __init__(self) -> None:
        self.lake: Path | None = None
        self.tables = set[str]()

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.lake is not None and event in {"open", "os.listdir", "os.scandir"} and isinstance(arguments[0], str | Path):
            path = Path(arguments[0])
            if path.is_relative_to(self.lake) and len(parts := path.relative_to(self.lake).parts) > 1:
                self.tables.add("/".join(parts[:2]))


TOUCHED = Touched()
sys.addaudithook(TOUCHED)  # there is no taking it away


@pytest.mark.parametrize("dataset", ["sales", "towns"])
def test_every_table_that_a_plan_looks_at_is_among_its_inputs(sensor: Sensor, dataset: str) -> None:
    planner = sensor.market.planner()
    TOUCHED.tables.clear()
    TOUCHED.lake = sensor.lake
    try:
        with sensor.market.clock():
            planner.due([dg.AssetKey(["bronze", dataset]), dg.AssetKey(["silver", dataset])])
    finally:
        TOUCHED.lake = None
    assert TOUCHED.tables == {*tables_of(planner.contracts[dataset])}


def test_what_changed_and_changed_back_while_it_was_planned_is_not_remembered(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, made = sensor.market.home / "masking.keys", Planner._made
    first = keys.read_text()
    there_is_another_key(sensor)

    def with_the_first_key(planner: Planner, layer: str, contract: Contract, *days: None) -> Due:
        keys.write_text(first)
        return made(planner, layer, contract, *days)

    with monkeypatch.context() as patch:
        patch.setattr(Planner, "_made", with_the_first_key)
        assert sensor.plan()["silver/sales"].has_nothing_to_do
    there_is_another_key(sensor)

    assert sensor.plan()["silver/sales"].partitions == list(DAYS)


def test_what_lies_beside_a_file_that_was_just_written_is_planned_again(sensor: Sensor) -> None:
    os.utime(sensor.market.settings.landing / "sales/sales_2024-03-03.csv")
    seen = sensor.plan()
    assert sensor.plan()["bronze/sales"] is not seen["bronze/sales"]
    time.sleep(2 * AT_REST)
    seen = sensor.plan()
    assert sensor.plan()["bronze/sales"] is seen["bronze/sales"]


def test_a_look_that_lasts_does_not_take_for_old_what_was_new_when_it_began(sensor: Sensor) -> None:
    os.utime(sensor.market.settings.landing / "sales/sales_2024-03-03.csv")
    with one_look():
        Landing.look(sensor.planner)
        time.sleep(2 * AT_REST)
        seen = sensor.plan()
    assert sensor.plan()["bronze/sales"] is not seen["bronze/sales"]


def test_what_waits_for_an_arrival_is_planned_each_time(sensor: Sensor) -> None:
    sensor.market.say("sales", (landing_head("sales") + SALES).replace("arrival, value: {grain: day", "arrival, value: {grain: month"))
    planner = sensor.market.planner()
    plans = [sensor.plan(planner) for _ in range(4)]
    assert plans[-1]["silver/sales"].waits
    assert plans[-1]["silver/sales"] is not plans[-2]["silver/sales"]


def test_a_planner_of_another_run_remembers_nothing_of_the_first(sensor: Sensor) -> None:
    forcing = replace(sensor.planner, run=replace(sensor.planner.run, force=True))
    assert sensor.plan(forcing)["silver/sales"].partitions == list(DAYS)


def test_each_quarter_of_an_hour_all_is_planned_from_nothing(sensor: Sensor) -> None:
    seen = sensor.plan()
    sensor.market.now += timedelta(minutes=15)
    again = sensor.plan()
    assert again == seen
    assert not any(one is seen[name] for name, one in again.items())


def test_a_plan_that_has_something_to_do_is_made_each_time(sensor: Sensor) -> None:
    a_file_lands(sensor)
    time.sleep(2 * AT_REST)
    sensor.plan()
    seen = sensor.plan()
    assert seen["bronze/sales"].partitions == ["2024-03-01"]
    assert sensor.plan()["bronze/sales"] is not seen["bronze/sales"]
