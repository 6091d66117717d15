"""Worlds: scratch homes in which a side works, prepared before its span begins and removed afterwards."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.resources import files
from pathlib import Path

import yaml
from clock import cost_of

from flights.upstream import FIRST_DAY, LAST_DAY, drop_files

COMMAND_LINE = "from assay.cli.__main__ import main; main()"  # what the console script `assay` does
METER = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:bench:meter
name: meter
version: 1.0.0
status: active
team: {name: bench, members: [{username: bench@example.org, role: owner}]}
servers: [{server: landing, type: local, path: "meter/meter_{arrival:yyyy-MM-dd}PARTS.csv", format: csv}]
schema:
  - {name: meter_landing, physicalType: file, properties: [{name: at, logicalType: string}]}
  - name: meter
    physicalType: table
    description: Readings.
    dataGranularityDescription: one row per moment
    properties:
      - {name: day, logicalType: date, required: true, partitioned: true}
      - {name: at, logicalType: timestamp, required: true, primaryKey: true, logicalTypeOptions: {format: "yyyy-MM-dd'T'HH:mm:ssXXX"}}
    customProperties:
      - {property: eventTime, value: {expression: at, format: "yyyy-MM-dd'T'HH:mm:ssXXX", timeZone: UTC}}
      - {property: partitioning, value: {grain: day, start: FIRST, end: END}}
      - {property: arrival, value: {grain: day, start: FIRST, end: END, lateness: 1}}
"""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for everything that a measure makes; TMPDIR says where. It is removed whatever happens."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        yield Path(folder)


def drop_landing(folder: Path, first: date = FIRST_DAY, last: date = LAST_DAY) -> Path:
    """Drop the upstream files of some days into `folder`."""
    drop_files(folder, first, last)
    return folder


def fresh_home(home: Path, landing: Path) -> Path:
    """Make a home like that of a fresh checkout after `assay init`, with all files landed: an empty lake and a fresh instance."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "landing").symlink_to(landing, target_is_directory=True)
    assay(home, "init")
    return home


def assay(home: Path, *arguments: str) -> None:
    """Run `assay ARGUMENTS` in a home, outside of any measured span."""
    cost_of(["-c", COMMAND_LINE, *arguments], {"ASSAY_HOME": str(home)})


def write_meter(contracts: Path, first: date, end: date, parts: str = "") -> None:
    """Write the contract of one dataset, `meter`, by day over [first, end). `parts` is what names of files say behind the day."""
    said = METER.replace("PARTS", parts).replace("FIRST", str(first)).replace("END", str(end))
    (contracts / "meter.odcs.yaml").write_text(said)


def fresh_instance(folder: Path, *, stock: bool) -> dict[str, str]:
    """Make a Dagster instance with our dagster.yaml and say its environment. `stock`: with Dagster's own event log, event by event."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = yaml.safe_load(files("assay.orchestration").joinpath("dagster.yaml").read_text())
    if stock:
        del settings["event_log_storage"]
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings))
    return {"DAGSTER_HOME": str(folder)} | ({} if stock else {"DAGSTER_EVENT_BATCH_SIZE": batch_size()})


def batch_size() -> str:
    """How many events our side stores at once."""
    from assay.settings import EVENT_BATCH

    return EVENT_BATCH


def remove(*folders: Path) -> None:
    """Remove what a side made, and let the disk finish before the next side begins."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os.sync()
