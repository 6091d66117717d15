"""Growth of the product: what a look and a load cost with 10, 100 and 300 datasets: `python bench/many_datasets.py [DATASETS...]`.

Each dataset has one landed day, which bronze and silver have. A tick of the real sensor in a process that has ticked before, when nothing
is new and after one file has landed; and a code location of all of them, loaded by a process that has its libraries, for the second time.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from clock import BENCH, output_of, verdict
from landing_growth import FIRST, SETTLED_SECONDS, planner_of
from worlds import METER, scratch

SIZES, DAYS = ["10", "100", "300"], 30
LIMITS = {"datasets_nothing_new": 0.1, "datasets_one_new_file": 0.3, "datasets_load": 3.0}


def main() -> int:
    """Take the measures at each size; the last is judged. Or do one part of one, when called by itself."""
    if sys.argv[1:2] == ["--part"]:
        print(json.dumps(PARTS[sys.argv[2]](Path(sys.argv[3]))))
        return 0
    for size in sys.argv[1:] or SIZES:
        with scratch() as home:
            _make(home, int(size))
            found = _part("ticks", home)
            _part("load", home)
            found |= _part("load", home)
        print(f"  {size} datasets: {', '.join(f'{name} {value:.2f}' for name, value in found.items())} CPU s", flush=True)
    kept = [verdict(name, found[name], "CPU s", limit) for name, limit in LIMITS.items()]
    return 0 if all(kept) else 1


def _part(name: str, home: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(output_of([BENCH / "many_datasets.py", "--part", name, home]))
    return found


def _make(home: Path, size: int) -> None:
    (home / "contracts").mkdir()
    end = FIRST + timedelta(days=DAYS)
    for number in range(size):
        name = f"meter{number}"
        said = METER.replace("meter", name).replace("PARTS", "_*").replace("FIRST", str(FIRST)).replace("END", str(end))
        (home / f"contracts/{name}.odcs.yaml").write_text(said)
        _drop(home, name, 0)
    time.sleep(SETTLED_SECONDS)
    for _ in range(2):  # bronze, then silver of what it has
        _part("make", home)


def _drop(home: Path, name: str, number: int) -> None:
    folder = home / "landing" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_{FIRST}_{number}.csv").write_text(f"at\n{FIRST}T00:00:{number:02}+00:00\n")


def make(home: Path) -> dict[str, float]:
    """Make what is due of the next stage of each dataset."""
    from assay.ingest.bronze import bronze_spec
    from assay.ingest.step import ingest
    from assay.orchestration.calendars import definition_of
    from assay.orchestration.partitions import slice_of
    from assay.refine.step import refine_partitions, silver_spec

    planner = planner_of(home)
    due = [one for stage in planner.stages for one in planner.due(stage.keys) if one.partitions]
    for one in due:
        layer, name = one.key.path
        contract, step = planner.contracts[name], ingest if layer == "bronze" else refine_partitions
        spec = bronze_spec(contract) if layer == "bronze" else silver_spec(contract)
        outcomes = list(step(planner.run, contract, slice_of(definition_of(spec.calendar), one.partitions, spec)))
        if any(outcome.refusal for outcome in outcomes):
            raise SystemExit(f"many_datasets: {outcomes[0]}")
    return {"made": float(len(due))}


@contextmanager
def _ticking(home: Path) -> Iterator[Any]:
    """A function that looks once as the sensor does, and gives its CPU seconds and how many runs it asks for."""
    import dagster as dg

    from assay.orchestration.arrivals import arrival_sensor

    planner = planner_of(home)
    keys = {f"job_{layer}": [dg.AssetKey([layer, name]) for name in planner.contracts] for layer in ("bronze", "silver")}
    jobs = [dg.define_asset_job(name, dg.AssetSelection.assets(*found)) for name, found in keys.items()]
    sensor: Any = arrival_sensor(planner, keys, jobs)
    definitions, cursor = dg.Definitions(assets=[dg.AssetSpec(key) for found in keys.values() for key in found]), [None]
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> tuple[float, int]:
            began = time.process_time()
            result = sensor(dg.build_sensor_context(instance, cursor=cursor[0], definitions=definitions))
            seconds = time.process_time() - began
            cursor[0] = getattr(result, "cursor", None) or cursor[0]
            return seconds, len(getattr(result, "run_requests", None) or ())

        yield tick


def ticks(home: Path) -> dict[str, float]:
    """Ticks of one process."""
    with _ticking(home) as tick:
        for _ in range(2):
            _expect(tick(), 0)
            time.sleep(SETTLED_SECONDS)
        idle = min(_expect(tick(), 0) for _ in range(5))
        _drop(home, "meter5", 1)
        time.sleep(SETTLED_SECONDS)
        new = _expect(tick(), 1)
    return {"datasets_nothing_new": idle, "datasets_one_new_file": new}


def _expect(ticked: tuple[float, int], asked: int) -> float:
    if ticked[1] != asked:
        raise SystemExit(f"many_datasets: a tick asked for {ticked[1]} runs, not {asked}")
    return ticked[0]


def load(home: Path) -> dict[str, float]:
    """The code location of all datasets."""
    from assay.orchestration.build import build_definitions
    from assay.project_root import DBT_PROJECT
    from assay.settings import Settings

    settings = Settings(home, home / DBT_PROJECT)
    if not settings.dbt_project.exists():
        from assay.scaffold.folders import write_dbt_project

        write_dbt_project(settings.dbt_project)
    began = time.process_time()
    definitions = build_definitions(settings, home / "contracts")
    definitions.get_repository_def()
    return {"datasets_load": time.process_time() - began}


PARTS = {"make": make, "ticks": ticks, "load": load}


if __name__ == "__main__":
    raise SystemExit(main())
