"""Commits: what one more costs as its table grows: `python bench/commit_growth.py [PARTITIONS...]`.

Each size has a process of its own and a table whose log was written as Assay would have written it, with the newest checkpoint. Then a
hundred publications of one partition are made. CPU seconds of staging, looking and committing.
"""

import sys
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
from clock import BENCH, output_of, verdict
from growth import table
from worlds import scratch

from assay.lake.foreign import files_noted
from assay.lake.log import checkpoint
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.staging import stage

SIZES, COMMITS, LIMIT, FIRST = ["365", "7300", "40000"], 100, 0.06, date(1901, 1, 1)
DAY, AT = pa.field("day", pa.date32(), nullable=False), pa.field("at", pa.timestamp("us", "UTC"))
SPEC = TableSpec("silver/meter", pa.schema([DAY, AT]), ("day",))


def main() -> int:
    """Commit at each size; the last is judged."""
    if sys.argv[1:2] == ["--commit"]:
        with scratch() as home:
            print(*commits(home / "lake", int(sys.argv[2])))
        return 0
    for size in sys.argv[1:] or SIZES:
        half, most, last = map(float, output_of([BENCH / "commit_growth.py", "--commit", size]).split())
        print(f"  {size} partitions: p50 {half:.3f}, p95 {most:.3f}, at most {last:.3f} CPU s", flush=True)
    return 0 if verdict("commit_growth", most, "CPU s, p95 of a commit", LIMIT) else 1


def commits(lake: Path, size: int) -> tuple[float, float, float]:
    """CPU seconds of a commit to a table of so many partitions: the median, all but five of a hundred, the most."""
    table(lake / SPEC.name, "day", [FIRST + timedelta(days=day) for day in range(size)])
    checkpoint(lake / SPEC.name)
    costs = []
    for number in range(COMMITS):
        day = FIRST + timedelta(days=number * 7 % size)
        began = time.process_time()
        frame = pl.DataFrame({"day": [day], "at": [None]}, schema_overrides={"at": pl.Datetime("us", "UTC")})
        staging = stage(lake / SPEC.name, Slice(SPEC, (Partition(day.isoformat(), (day.isoformat(),)),)), [frame])
        publish(lake, staging, {day.isoformat(): number, **files_noted(staging)})
        costs.append(time.process_time() - began)
    costs.sort()
    return costs[COMMITS // 2], costs[COMMITS * 95 // 100], costs[-1]


if __name__ == "__main__":
    raise SystemExit(main())
