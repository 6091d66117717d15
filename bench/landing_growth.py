"""Growth of the landing folder: what a look costs when 1,000, 10,000, 100,000 files landed: `python bench/landing_growth.py [SIZE...]`.

The files are those of a thousand days, so that only their number differs, and all are ingested. Each look is a tick of the real sensor. The
daemon is one process that looks again and again; what it finds due is made by others. A cold plan is one look of a new process.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clock import BENCH, output_of, peak_of_this_process, verdict
from worlds import scratch, write_meter

if TYPE_CHECKING:
    from assay.orchestration.plan import Planner

SIZES = (1_000, 10_000, 100_000)
LIMITS = {"landing_nothing_new": 0.5, "landing_one_new_file": 0.7, "landing_next_stage": 0.7, "landing_cold": 1.5, "landing_memory": 150.0}
DAYS, FIRST = 1_000, date(2021, 1, 1)
DATASET, SETTLED_SECONDS = "meter", 3


def main() -> int:
    """Take the measures at each size; the last is judged. Or do one part of one, when called by itself."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, metavar="FILES", help=f"how many files have landed (default: {SIZES})")
    parser.add_argument("--part", nargs=2, metavar=("NAME", "HOME"), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help="use this home, made at the first time, and keep it")
    asked = parser.parse_args()
    if asked.part:
        name, home = asked.part
        print(json.dumps(PARTS[name](Path(home))))
        return 0
    with scratch() as folder:
        empty = _part("cold", _made(folder / "empty", 0))["megabytes"]
    for size in asked.sizes or SIZES:
        with scratch() as folder:
            found = measure(_made(asked.home or folder, size), empty)
        said = (f"{name.removeprefix('landing_')} {value:.2f}" for name, value in found.items())
        print(f"  {size:,} files: {', '.join(said)}", flush=True)
    units = {name: "MB" if name.endswith("memory") else "CPU s" for name in LIMITS}
    kept = [verdict(name, found[name], units[name], limit) for name, limit in LIMITS.items()]
    return 0 if all(kept) else 1


def measure(home: Path, empty: float) -> dict[str, float]:
    """CPU seconds of each kind of look, and the megabytes that the greatest process has more than one of an empty landing folder."""
    cold = _part("cold", home)
    ticks = _part("daemon", home)
    memory = max(cold["megabytes"], ticks.pop("megabytes")) - empty
    return {**{f"landing_{name}": value for name, value in ticks.items()}, "landing_cold": cold["seconds"], "landing_memory": memory}


def _part(name: str, home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output_of([BENCH / "landing_growth.py", "--part", name, home]))
    return found


def _made(home: Path, files: int) -> Path:
    """A home in which so many files have landed, and silver has their rows."""
    if (home / "contracts").exists():
        return home
    landing, contracts = home / "landing" / DATASET, home / "contracts"
    for folder in (landing, contracts):
        folder.mkdir(parents=True)
    write_meter(contracts, FIRST, FIRST + timedelta(days=DAYS), "_*")
    for number in range(files):
        drop(landing, number)
    time.sleep(SETTLED_SECONDS)
    if files:
        _part("ingest", home)
        _part("refine", home)
    return home


def drop(landing: Path, number: int) -> None:
    """One file with one row, of its own second."""
    day = FIRST + timedelta(days=number % DAYS)
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=number // DAYS)
    (landing / f"meter_{day}_{number // DAYS:06}.csv").write_text(f"at\n{at:%Y-%m-%dT%H:%M:%S}+00:00\n")


def planner_of(home: Path) -> "Planner":
    """The plan of a home without gold."""
    from assay.contracts.reading.odcs import load_contracts
    from assay.gold.step import Project
    from assay.orchestration.plan import Planner
    from assay.settings import Settings
    from assay.steps import Run

    contracts, settings = load_contracts(home / "contracts"), Settings(home, home)
    known = {"index": settings.landing_index} if hasattr(settings, "landing_index") else {}  # so that older commits can be measured too
    run = Run(settings.lake, settings.landing, contracts, now=datetime.now(UTC), **known)
    return Planner(run, contracts, Project(home, home, (), settings.scratch))


def make(home: Path, layer: str) -> dict[str, Any]:
    """Make what is due of a layer, as a run does."""
    from assay.ingest.bronze import bronze_spec
    from assay.ingest.step import ingest
    from assay.orchestration.calendars import definition_of
    from assay.orchestration.partitions import slice_of
    from assay.refine.step import refine_partitions, silver_spec

    planner = planner_of(home)
    contract, step = planner.contracts[DATASET], ingest if layer == "bronze" else refine_partitions
    spec = bronze_spec(contract) if layer == "bronze" else silver_spec(contract)
    (due,) = [due for stage in planner.stages for due in planner.due(stage.keys) if due.key.path[0] == layer]
    outcomes = list(step(planner.run, contract, slice_of(definition_of(spec.calendar), due.partitions, spec)))
    if any(one.refusal for one in outcomes):
        raise SystemExit(f"landing_growth: {outcomes[0]}")
    return {"made": len(outcomes)}


@contextmanager
def ticking(home: Path) -> Iterator[Any]:
    """A function that looks once as the sensor does and gives the CPU seconds of it and the assets that it asks for."""
    import dagster as dg

    from assay.orchestration.arrivals import arrival_sensor

    planner = planner_of(home)
    keys = {f"job_{layer}": [dg.AssetKey([layer, DATASET])] for layer in ("bronze", "silver")}
    assets = [dg.AssetSpec(key) for found in keys.values() for key in found]
    jobs = [dg.define_asset_job(name, dg.AssetSelection.assets(*found)) for name, found in keys.items()]
    sensor: Any = arrival_sensor(planner, keys, jobs)
    definitions, cursor = dg.Definitions(assets=assets), [None]
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> tuple[float, list[str]]:
            began = time.process_time()
            result = sensor(dg.build_sensor_context(instance, cursor=cursor[0], definitions=definitions))
            seconds = time.process_time() - began
            cursor[0] = getattr(result, "cursor", None) or cursor[0]
            return seconds, [key.path[0] for request in getattr(result, "run_requests", None) or () for key in request.asset_selection]

        yield tick


def daemon(home: Path) -> dict[str, float]:
    """One process that ticks while files land and others make what it asks for."""
    with ticking(home) as tick:
        for _ in range(2):
            _expect(tick(), [])
            time.sleep(SETTLED_SECONDS)
        idle = min(_expect(tick(), []) for _ in range(3))
        new, later = [], []
        for _ in range(2):
            drop(home / "landing" / DATASET, len(list((home / "landing" / DATASET).iterdir())))
            time.sleep(SETTLED_SECONDS)
            new.append(_expect(tick(), ["bronze"]))
            _part("ingest", home)
            later.append(_expect(tick(), ["silver"]))
            _part("refine", home)
            _expect(tick(), [])
    return {"nothing_new": idle, "one_new_file": min(new), "next_stage": min(later), "megabytes": peak_of_this_process() / 1e6}


def _expect(ticked: tuple[float, list[str]], asked: list[str]) -> float:
    seconds, found = ticked
    if found != asked:
        raise SystemExit(f"landing_growth: a tick asked for {found}, not {asked}")
    return seconds


def cold(home: Path) -> dict[str, float]:
    """The first plan of a process that has its libraries."""
    import deltalake  # noqa: F401  # not part of what is measured
    import polars as pl
    import pyarrow.parquet  # noqa: F401  # the same

    from assay.ingest.folders import one_look
    from assay.orchestration.landing import Landing

    planner = planner_of(home)
    pl.DataFrame({"a": [1]}).lazy().filter(pl.col("a") > 0).collect()
    began = time.process_time()
    with one_look():
        Landing.look(planner).notes()
        due = [one for stage in planner.stages for one in planner.due(stage.keys)]
    seconds = time.process_time() - began
    if any(one.partitions or one.problem for one in due):
        raise SystemExit("landing_growth: the plan found something to do")
    return {"seconds": seconds, "megabytes": peak_of_this_process() / 1e6}


PARTS = {"cold": cold, "daemon": daemon, "ingest": lambda home: make(home, "bronze"), "refine": lambda home: make(home, "silver")}


if __name__ == "__main__":
    sys.exit(main())
