"""Growth: what one look of the plan costs as a lake grows, at three sizes or more: `python bench/growth.py [NAME...]`.

Each size has a process of its own. A plan reads logs, and asks the file system for each data file, but opens none: so lakes of any size are
made of logs, written as Assay would have written them, and of files of the right size without content.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from clock import BENCH, output_of, verdict
from worlds import scratch, write_meter

if TYPE_CHECKING:
    from assay.gold.models import Model

LIMIT = 0.3  # CPU seconds at the greatest size
FIRST, SIZE = date(2001, 1, 1), 1000
SIZES = {"gold_models": [(4, 1), (12, 1), (20, 1), (50, 1)], "gold_years": [(4, 1), (4, 5), (4, 20)]}


def main() -> int:
    """Take the measures that were asked for, or look once when called by itself."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SIZES)} (default: all)")
    parser.add_argument("--look", nargs=3, metavar=("HOME", "MODELS", "YEARS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.look:
        home, models, years = asked.look
        print(json.dumps(look(Path(home), int(models), int(years))))
        return 0
    kept = [measure(name) for name in asked.names or SIZES]
    return 0 if all(kept) else 1


def measure(name: str) -> bool:
    """Plan gold at each size of a measure; the last is judged."""
    cost = 0.0
    for models, years in SIZES[name]:
        with scratch() as home:
            first, cost = json.loads(output_of([BENCH / "growth.py", "--look", home, models, years]))
        print(f"  {models} models, {years} years: {first:.2f} CPU s the first time, {cost:.2f} CPU s again", flush=True)
    return verdict(name, cost, "CPU s", LIMIT)


def look(home: Path, number: int, years: int) -> tuple[float, float]:
    """CPU seconds of the first plan of gold in a process, which opens the logs, and of the second."""
    from assay.contracts.reading.odcs import load_contracts
    from assay.gold.step import Project
    from assay.orchestration.plan import Planner
    from assay.steps import Run

    folder = home / "contracts"
    folder.mkdir()
    write_meter(folder, FIRST, FIRST.replace(year=FIRST.year + years))
    contracts, models = load_contracts(folder), tuple(stacked(number))
    days = [FIRST + timedelta(days=day) for day in range((FIRST.replace(year=FIRST.year + years) - FIRST).days)]
    table(home / "lake/silver/meter", "day", days)
    for model in models:
        table(home / f"lake/{model.table}", "month", [day for day in days if day.day == 1])
    planner = Planner(Run(home / "lake", home / "landing", contracts), contracts, Project(home, home, models, home / "scratch"))
    (stage,) = [stage for stage in planner.stages if stage.name.startswith("gold")]
    costs = []
    for _ in range(2):
        began = time.process_time()
        due = planner.due(stage.keys)
        costs.append(time.process_time() - began)
    if [len(one.partitions) for one in due] != [years * 12] * number or any(one.problem for one in due):
        raise SystemExit(f"growth: not every month was planned: {due[0].problem or due[0]}")
    return costs[0], costs[1]


def stacked(number: int) -> Iterator["Model"]:
    """Models in layers of two, each of which reads both of the layer below; the first two read silver."""
    from assay.gold.models import Column, Model

    columns = (Column("month", "DATE", "", nullable=False), Column("day", "DATE", "", nullable=False))
    below: tuple[str, ...] = ("silver/meter",)
    for layer in range(number // 2):
        names = [f"m{layer}_{side}" for side in "ab"]
        for name in names:
            yield Model(name, f"model.bench.{name}", "", columns, {}, "month", "day", ("day",), 0, 0, below, (), name, reads=below)
        below = tuple(f"gold/{name}" for name in names)


def table(folder: Path, column: str, days: list[date]) -> None:
    """The log of a table that has a file for each day, and a fingerprint, which is none that a plan would make."""
    from deltalake import DeltaTable

    DeltaTable.create(
        str(folder), pa.schema([pa.field("at", pa.timestamp("us", "UTC")), pa.field(column, pa.date32())]), partition_by=[column]
    )
    stats = json.dumps({"numRecords": 24, "minValues": {}, "maxValues": {}, "nullCount": {}})
    with (folder / "_delta_log/00000000000000000001.json").open("w") as log:
        log.write(json.dumps({"commitInfo": {"timestamp": 0, "operation": "WRITE", "assay.attempt": "bench"}}) + "\n")
        for day in days:
            path = f"{column}={day}/part-{day:%Y%m%d}-0.parquet"
            add = {
                "path": path,
                "partitionValues": {column: str(day)},
                "size": 1000,
                "modificationTime": 0,
                "dataChange": True,
                "stats": stats,
            }
            log.write(json.dumps({"add": add}) + "\n" + json.dumps({"txn": {"appId": f"assay:{day}", "version": 1}}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
