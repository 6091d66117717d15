"""Ten years of a daily load, with maintenance and without: what lies on the disk that nobody needs: `python bench/ten_years.py [DAYS]`.

Each day a day is published, and the day before once more, with its late rows. A year has DAYS days, 36 if not said, and a week has their
share: time is as short as the years are. Dead bytes are those of files that the newest version does not name. The log is shown, not judged:
it is not cleaned up.
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
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.staging import stage
from assay.maintenance.cleaning import Survey
from assay.maintenance.health import Health
from assay.settings import Settings

YEARS, DAYS, ROWS, KEPT, LIMIT = 10, 36, 2000, 7, 1.5
SPEC = TableSpec("silver/meter", pa.schema([pa.field("day", pa.date32(), nullable=False), ("reading", pa.float64())]), ("day",))


def main() -> int:
    """Live ten years twice."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    for maintained in (False, True):
        with scratch() as home:
            years = live(home, days, maintained=maintained)
        print(f"  {'with' if maintained else 'without'} maintenance:")
        for number in (1, YEARS):
            one = years[number - 1]
            print(f"    after year {number:2}: {one.live_bytes / 1e6:6.2f} MB live, {one.dead_bytes / 1e6:6.2f} MB dead, ", end="")
            print(f"{one.log_entries} entries of the log, {one.log_bytes / 1e6:.2f} MB")
    return 0 if verdict("ten_years", years[-1].dead_bytes / years[0].dead_bytes, "x the dead bytes of the first year", LIMIT) else 1


def live(home: Path, days: int, *, maintained: bool) -> list[Health]:
    """Load day by day, and look at the end of each year."""
    lake, first, ends, years = home / "lake", date(2001, 1, 1), list[float](), list[Health]()
    for number in range(YEARS * days):
        for late, day in ((1, number - 1), (0, number)):
            if day >= 0:
                load(lake, (first + timedelta(days=day)).isoformat(), ROWS + late)
        ends.append(time.time())
        if maintained:
            clean(home, ends[-KEPT:][0])
        if (number + 1) % days == 0:
            years.append(Health.of(lake, SPEC.name))
    return years


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
        one.carry_out()


if __name__ == "__main__":
    raise SystemExit(main())
