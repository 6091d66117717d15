"""Products of datasets that differ in their calendars alone, and gold models over them: readings of a meter, one row per moment."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from small_world import World

from assay.contracts.reading.odcs import load_contracts
from assay.gold.step import Project
from assay.orchestration.backfill import Backfill
from assay.orchestration.build import assemble, previews_accepted
from assay.orchestration.lake_assets import lake_assets
from assay.orchestration.plan import Planner
from assay.project_root import CHECKOUT
from assay.settings import Settings
from assay.steps import Run
from contract_head import OWNER, head, landing_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

READINGS = """\
{levels}schema:
  - name: {name}_landing
    physicalType: file
    properties:
      - {{name: at, logicalType: string}}
      - {{name: value, logicalType: string}}
  - name: {name}
    physicalType: table
    description: Readings.
    dataGranularityDescription: one row per moment
    properties:
      - {{name: {column}, logicalType: date, required: true, partitioned: true}}
      - {{name: read_at, logicalType: timestamp, required: true, primaryKey: true, transformSourceObjects: [at], logicalTypeOptions: {{format: "yyyy-MM-dd'T'HH:mm:ssXXX"}}}}
      - {{name: value, logicalType: integer, physicalType: BIGINT, required: true}}
    customProperties:
      - {{property: eventTime, value: {{expression: at, format: "yyyy-MM-dd'T'HH:mm:ssXXX", timeZone: "{zone}"}}}}
      - {{property: partitioning, value: {{grain: {grain}, start: {start}{end}}}}}
      - {{property: arrival, value: {{grain: {arrival}, start: {arrival_start}{arrival_end}, lateness: {lateness}}}}}
{more}"""
REFERENCE = """\
schema:
  - name: {name}_landing
    physicalType: file
    properties:
      - {{name: place, logicalType: string}}
  - name: {name}
    physicalType: table
    description: Places.
    dataGranularityDescription: one row per place
    properties:
      - {{name: place, logicalType: string, required: true, primaryKey: true}}
    customProperties:
      - {{property: eventTime, value: none, description: Places have no events.}}
"""
MODEL = """\
schema:
  - name: {name}
    physicalName: gold.{name}
    physicalType: table
    description: Sums.
    dataGranularityDescription: one row per moment
    properties:
      - {{name: month, logicalType: date, required: true, partitioned: true, description: First day of the month.}}
      - {{name: moment, logicalType: {kind}, required: true, primaryKey: true, description: When.}}
      - {{name: total, logicalType: integer, physicalType: BIGINT, required: true, description: Sum of the readings.}}
{quality}    customProperties:
      - {{property: eventTime, value: {{column: moment}}}}
{more}"""
HAS_ROWS = """\
    quality:
      - {name: has_rows, metric: rowCount, mustBeGreaterThan: 0, description: Each month has readings.}
"""
SQL = """\
select cast(date_trunc('month', {moment}) as date) as month, {moment} as moment, cast(sum({amount}) as bigint) as total
from ({sources})
where {{{{ in_window('{moment}') }}}}
group by {moment}
"""


@dataclass
class Calendars:
    """A product under a folder: `readings`, `reference` and `model` add to it, `land` drops files, `world` runs it."""

    folder: Path

    @property
    def contracts(self) -> Path:
        return self.folder / "contracts"

    @property
    def world(self) -> World:
        project = self.folder / "dbt_project"
        if not project.exists():
            shutil.copytree(CHECKOUT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs", "models", "tests"))
            (project / "models/gold").mkdir(parents=True)
        return World(self.folder / "home", self.contracts, project)

    def readings(self, name: str, **said: str) -> Calendars:
        """The contract of a dataset, changed in what is said."""
        known = {
            "name": name, "version": "1.0.0", "owner": OWNER, "levels": "", "zone": "UTC", "grain": "day", "start": "2024-01-01",
            "end": "", "arrival": "day", "arrival_start": "2024-01-01", "arrival_end": "", "lateness": "1", "column": "period", "more": "",
        }  # fmt: skip
        for key in ("end", "arrival_end"):
            if key in said:
                said[key] = f", end: {said[key]}"
        said = known | said
        text = landing_head(name, version=said["version"], owner=said["owner"]) + READINGS.format(**said)
        self._write(f"{name}.odcs.yaml", text)
        return self

    def reference(self, name: str) -> Calendars:
        self._write(f"{name}.odcs.yaml", landing_head(name) + REFERENCE.format(name=name))
        return self

    def model(
        self, name: str, sources: Sequence[str], *, kind: str = "date", sql: str | None = None, quality: str = HAS_ROWS, more: str = ""
    ) -> Calendars:
        """A model that sums what it reads: by the partition of silver (a date), by the moment of the reading (a timestamp)."""
        gold = {"moment": "moment", "amount": "total"}
        silver = {"moment": "read_at" if kind == "timestamp" else "period", "amount": "value"}
        names = gold if sources[0].startswith("gold/") else silver
        spelled = {one: f"ref('{one[5:]}')" if one.startswith("gold/") else f"source('silver', '{one}')" for one in sources}
        body = " union all by name ".join(f"select * from {{{{ {reference} }}}}" for reference in spelled.values())
        self._write(f"gold/{name}.odcs.yaml", head(name) + MODEL.format(name=name, kind=kind, quality=quality, more=more))
        (self.world.dbt_project / f"models/gold/{name}.sql").write_text(sql or SQL.format(sources=body, **names))
        return self

    def land(self, name: str, arrival: str, rows: Iterable[tuple[str, int]] | Iterable[str]) -> Path:
        """Drop a file: readings, or the places of a reference."""
        path = self.folder / "home/landing" / name / f"{name}_{arrival}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [row if isinstance(row, str) else f"{row[0]},{row[1]}" for row in rows]
        path.write_text("\n".join(["place" if lines and "," not in lines[0] else "at,value", *lines]) + "\n")
        return path

    def backfill(self) -> dict[str, str | None]:
        """Compile for dbt and run everything that is due; what became of each run, by its title."""
        world = self.world
        world.compile()
        return {ran.request.title: ran.failure for ran in world.backfill(None, None)}

    def due(self) -> dict[str, list[str]]:
        """The outdated partitions of each asset that has some."""
        planner = self.world.planner()
        return {one.key.to_user_string(): one.partitions for stage in planner.stages for one in planner.due(stage.keys) if one.partitions}

    def backfill_sound(self) -> dict[str, str | None]:
        """As the command does: what is sound runs. What became of each run, by its title."""
        assembly = assemble(self.world.settings, self.contracts)
        job = assembly.definitions.resolve_implicit_global_asset_job_def()
        with dg.DagsterInstance.ephemeral() as instance:
            ran = list(Backfill(job, assembly.planner, instance).execute(lambda _: None))
        return {one.request.title: one.failure for one in ran}

    def backfill_lake(self, *, force: bool = False) -> dict[str, str | None]:
        """Bronze and silver alone, without dbt; what became of each run, by its title."""
        settings, contracts = Settings(self.folder / "home", self.folder), load_contracts(self.contracts)
        with previews_accepted():
            definitions = dg.Definitions(assets=lake_assets(settings, contracts, self.contracts), executor=dg.in_process_executor)
            job, keys = definitions.resolve_implicit_global_asset_job_def(), definitions.resolve_asset_graph().get_all_asset_keys()
        with dg.DagsterInstance.ephemeral() as instance:
            ran = list(Backfill(job, self.lake_planner(force=force), instance, only=keys).execute(lambda _: None))
        return {one.request.title: one.failure for one in ran}

    def lake_planner(self, *, force: bool = False) -> Planner:
        """What plans bronze and silver alone, without dbt."""
        settings, contracts = Settings(self.folder / "home", self.folder), load_contracts(self.contracts)
        run = Run(settings.lake, settings.landing, contracts, force=force, keys=settings.masking_keys)
        return Planner(run, contracts, Project(self.folder, self.folder, (), settings.scratch))

    def _write(self, name: str, text: str) -> None:
        path = self.contracts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def totals(world: World, table: str) -> dict[str, int]:
    """The published sums by month of a gold model, or the values by partition of a silver table."""
    rows = world.rows(table)
    key, value = ("month", "total") if table.startswith("gold/") else ("period", "value")
    return {str(first): total for first, total in rows.group_by(key).agg(pl.col(value).sum()).sort(key).rows()}
