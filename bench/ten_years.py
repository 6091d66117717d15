"""Ten years of a daily load, with maintenance and without: what lies on the disk that nobody needs: `python bench/ten_years.py [DAYS]`.

Each day a day is published, and the day before once more, with its late rows. A year has DAYS days, 110 if not said, and a week has their
share: time is as short as the years are. Dead bytes are those of files that the newest version does not name. What a log says of commits
that it has no more lies in `provenance/commits`, which is shown, as are checkpoints: they list what is
there, so they grow with it. A look opens the table anew and asks for its files and fingerprints.
"""

import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
from clock import verdict
from worlds import scratch

from assay.lake.foreign import files_noted
from assay.lake.log import LOG
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import Snapshot, open_handle
from assay.lake.staging import stage
from assay.maintenance.cleaning import Survey
from assay.maintenance.health import Health
from assay.settings import Settings

YEARS, DAYS, ROWS, KEPT, LIMIT = 10, 110, 2000, 7, 1.5
SPEC = TableSpec("silver/meter", pa.schema([pa.field("day", pa.date32(), nullable=False), ("reading", pa.float64())]), ("day",))


def main() -> int:
    """Live ten years twice."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    for maintained in (False, True):
        with scratch() as home:
            years, logs, loads, looks = live(home, days, maintained=maintained)
            kept = sum(path.stat().st_size for path in (home / "lake/provenance").rglob("*") if path.is_file())
        print(f"  provenance: {kept / 1e6:.2f} MB")
        print(f"  {'with' if maintained else 'without'} maintenance:")
        for number in (1, YEARS):
            one = years[number - 1]
            print(f"    after year {number:2}: {one.live_bytes / 1e6:6.2f} MB live, {one.dead_bytes / 1e6:6.2f} MB dead, ", end="")
            print(f"{one.log_entries} entries of the log, {logs[number - 1] / 1e6:.2f} of its {one.log_bytes / 1e6:.2f} MB;", end="")
            print(f" a load takes {loads[number - 1] * 1e3:.0f} ms, a look {looks[number - 1] * 1e3:.0f} ms of CPU")
    dead, log = years[-1].dead_bytes / years[0].dead_bytes, logs[-1] / logs[0]
    judged = verdict("ten_years", dead, "x the dead bytes of the first year", LIMIT), verdict("ten_years_log", log, "x its log", LIMIT)
    return 0 if all(judged) else 1


def live(home: Path, days: int, *, maintained: bool) -> tuple[list[Health], list[int], list[float], list[float]]:
    """Load day by day, and look at the end of each year: its health, the bytes of its entries, the CPU seconds of a load, and of a look."""
    lake, first, ends, years = home / "lake", date(2001, 1, 1), list[float](), list[Health]()
    logs, loads, looks, began = list[int](), list[float](), list[float](), time.process_time()
    spent = 0.0
    for number in range(YEARS * days):
        for late, day in ((1, number - 1), (0, number)):
            if day >= 0:
                load(lake, (first + timedelta(days=day)).isoformat(), ROWS + late)
        ends.append(time.time())
        if maintained:
            before = time.process_time()
            clean(home, ends[-KEPT:][0])
            spent += time.process_time() - before
        if (number + 1) % days == 0:
            loads.append((time.process_time() - began - spent) / 2 / days)
            years.append(Health.of(lake, SPEC.name))
            logs.append(sum(path.stat().st_size for path in (lake / SPEC.name / LOG).glob("*.json")))
            looks.append(look(lake))
            began, spent = time.process_time(), 0.0
    return years, logs, loads, looks


def look(lake: Path) -> float:
    """The CPU seconds of a process that has not seen the table."""
    before = time.process_time()
    table = Snapshot(SPEC.name, open_handle(lake, SPEC.name))
    assert table.files
    assert table.tokens("assay:")
    return time.process_time() - before


def load(lake: Path, day: str, rows: int) -> None:
    """Publish a day."""
    frame = pl.DataFrame({"day": [date.fromisoformat(day)] * rows, "reading": [float(hash((day, row)) % 9973) for row in range(rows)]})
    staging = stage(lake / SPEC.name, Slice(SPEC, (Partition(day, (day,)),)), [frame])
    publish(lake, staging, {day: rows, **files_noted(staging)})


def clean(home: Path, before: float) -> None:
    """What `assay maintain` does, for files that were given up before a moment."""
    now = datetime.now(UTC)
    survey = Survey(Settings(home, home / "dbt"), now, now - datetime.fromtimestamp(before, UTC), lambda *_: False)
    for one in survey.cleanings():
        one.carry_out(home / "lake")


if __name__ == "__main__":
    raise SystemExit(main())
