"""A market whose stalls are datasets: files land, days go by on Dagster's own clock, and the arrival sensor is looked after as the daemon does.

The code location is loaded again when a contract has changed. There is no gold.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from unittest import mock
from zoneinfo import ZoneInfo

import dagster as dg

from assay.contracts.reading.odcs import load_contracts
from assay.gold.step import Project
from assay.lake.snapshots import newest, open_snapshot, table_names
from assay.orchestration.arrivals import arrival_sensor
from assay.orchestration.backfill import Backfill, Ran
from assay.orchestration.build import previews_accepted
from assay.orchestration.lake_assets import lake_assets, landing_spec
from assay.orchestration.plan import Planner
from assay.orchestration.triggers import calendar_jobs
from assay.settings import Settings
from assay.steps import Run
from contract_head import landing_head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STALL = """\
schema:
  - name: {name}_landing
    physicalType: file
    properties:
      - {{name: day, logicalType: string}}
      - {{name: number, logicalType: string}}
      - {{name: quantity, logicalType: string}}
  - name: {name}
    physicalType: table
    description: Sales of a stall.
    properties:
      - {{name: sold_on, logicalType: date, physicalType: DATE, required: true{partitioned}}}
      - {{name: number, logicalType: integer, physicalType: BIGINT, required: true, primaryKey: true}}
      - {{name: quantity, logicalType: integer, physicalType: BIGINT, logicalTypeOptions: {{minimum: 0}}}}
    customProperties:
      - property: eventTime
        value: {{expression: day, format: yyyy-MM-dd, timeZone: {zone}}}
      - property: rejectedShare
        value: {{mustBeLessThan: 0.9}}
"""
CALENDAR = """\
      - property: partitioning
        value: {{grain: {grain}, start: {start}{end}}}
      - property: arrival
        value: {{grain: {arrival}, start: {start}{end}, lateness: 2{more}}}
"""


def stall(
    name: str = "sales", *, zone: str = "UTC", grain: str = "day", arrival: str = "day", start: str = "2024-03-01", end: str | None = None,
    path: str | None = None, more: str = "",
) -> str:  # fmt: skip
    """The contract of a dataset; with the grain `none` each file is the whole table."""
    partitioned = ", partitioned: true" if grain != "none" else ", transformSourceObjects: [day]"
    text = landing_head(name, path=path) + STALL.format(name=name, zone=zone, partitioned=partitioned)
    span = f", end: {end}" if end else ""
    return text + (CALENDAR.format(grain=grain, arrival=arrival, start=start, end=span, more=more) if grain != "none" else "")


def rows(*quantities: int, day: str) -> str:
    """A file of sales of one day, numbered from 1."""
    return "day,number,quantity\n" + "".join(f"{day},{number},{quantity}\n" for number, quantity in enumerate(quantities, 1))


@dataclass
class Market:
    """A home, its contracts, a Dagster instance, and the time that it is there."""

    home: Path
    now: datetime = datetime(2024, 3, 5, 12, tzinfo=ZoneInfo("UTC"))
    cursor: str | None = None
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)
    loaded: tuple[dict[str, str], dg.Definitions] | None = None
    links: tuple[Path, ...] = ()

    @classmethod
    def open(cls, home: Path, **contracts: str) -> Market:
        """A market whose stalls have these contracts."""
        market = cls(home)
        for name, text in contracts.items():
            market.say(name, text)
        return market

    def say(self, name: str, text: str) -> None:
        """Write a contract."""
        folder = self.home / "contracts"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.odcs.yaml").write_text(text)

    @property
    def settings(self) -> Settings:
        return Settings(self.home, self.home / "dbt_project", landing_links=self.links)

    def land(self, path: str, text: str) -> Path:
        file = self.settings.landing / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Inside, Dagster believes that it is `now`."""
        moment = self.now.astimezone(ZoneInfo("UTC"))
        with (
            mock.patch("dagster._time._mockable_get_current_datetime", return_value=moment),
            mock.patch("dagster._time._mockable_get_current_timestamp", return_value=moment.timestamp()),
        ):
            yield

    def planner(self) -> Planner:
        contracts = load_contracts(self.home / "contracts")
        run = Run(self.settings.lake, self.settings.landing, contracts, keys=self.settings.masking_keys, linked=self.links)
        return Planner(run, contracts, Project(self.home, self.home, (), self.settings.scratch))

    def definitions(self) -> dg.Definitions:
        """What a code location has that was loaded after the last change of a contract."""
        texts = {path.name: path.read_text() for path in sorted((self.home / "contracts").iterdir())}
        if self.loaded is None or self.loaded[0] != texts:
            self.loaded = texts, self._load()
        return self.loaded[1]

    def _load(self) -> dg.Definitions:
        planner, folder = self.planner(), self.home / "contracts"
        with previews_accepted():
            assets = lake_assets(self.settings, planner.contracts, folder)
        jobs = calendar_jobs(assets)
        defined = [dg.define_asset_job(name, dg.AssetSelection.assets(*keys)) for name, keys in jobs.items()]
        landing = [landing_spec(self.settings, contract, folder) for contract in planner.contracts.values()]
        return dg.Definitions([*landing, *assets], jobs=defined, sensors=[arrival_sensor(planner, jobs, defined)])

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        """One look of the sensor; its cursor is kept, as the daemon keeps it."""
        with self.clock():
            definitions = self.definitions()
            context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor, definitions=definitions)
            found = definitions.resolve_sensor_def("arrivals")(context)
        assert isinstance(found, dg.SensorResult | dg.SkipReason)
        self.cursor = found.cursor if isinstance(found, dg.SensorResult) else self.cursor
        return found

    def started(self, result: dg.SensorResult | dg.SkipReason) -> list[dg.RunRequest]:
        """The requests of a tick that Dagster would start: those with a run key that no run has."""
        wanted = list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []
        used = {run.tags.get("dagster/run_key") for run in self.instance.get_runs()}
        return [request for request in wanted if request.run_key not in used]

    def execute(self, requests: list[dg.RunRequest]) -> None:
        """Run what was asked for, to its end."""
        with self.clock():
            definitions = self.definitions()
            for request in requests:
                definitions.resolve_job_def(str(request.job_name)).execute_in_process(
                    instance=self.instance, asset_selection=list(request.asset_selection or []), raise_on_error=False,
                    tags={**request.tags, "dagster/run_key": str(request.run_key)},
                )  # fmt: skip

    def settle(self, most: int = 12) -> list[str]:
        """Tick and run until there is nothing more to do. Returns the titles of the runs."""
        said = []
        for _ in range(most):
            requests = self.started(self.tick())
            if not requests:
                return said
            said += [str(request.run_key).rpartition(":")[0] for request in requests]
            self.execute(requests)
        raise AssertionError(f"still busy after {said}")

    def backfill(self) -> list[Ran]:
        with self.clock():
            job = self.definitions().resolve_implicit_global_asset_job_def()
            return list(Backfill(job, self.planner(), self.instance).execute(lambda _: None))

    def versions(self) -> dict[str, int]:
        return {name: open_snapshot(self.settings.lake, name).version for name in table_names(self.settings.lake)}

    def quantities(self, name: str = "sales") -> dict[str, list[int]]:
        """What is published, by day."""
        snapshot = newest(self.settings.lake, f"silver/{name}")
        found: dict[str, list[int]] = {}
        for row in snapshot.scan().collect().sort("sold_on", "number").to_dicts() if snapshot else []:
            found.setdefault(str(row["sold_on"]), []).append(row["quantity"])
        return found
