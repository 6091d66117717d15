"""Growth of `assay sql`: what a query of a lake of 1, 5 and 20 years of days costs: `python bench/sql_growth.py [YEARS...]`.

Whole processes, CPU seconds, the least of some rounds: of `select 1`, and of a query of one day beside a plain DuckDB process that reads
the file of that day and no other. The lake has twelve tables of silver with a file a day each; the queries name one of them, or none.
"""

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
from clock import Cost, cost_of, in_turn, verdict
from worlds import COMMAND_LINE, scratch

from assay.lake.foreign import files_noted
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage

SIZES, TABLES, HOURS, ROUNDS, FIRST = ["1", "5", "20"], 12, 24, 3, date(2001, 1, 1)
SCHEMA = pa.schema([pa.field("day", pa.date32(), nullable=False), pa.field("at", pa.timestamp("us", "UTC")), pa.field("used", pa.int64())])
LIMIT, LIMIT_POINT = 0.5, 1.5
PLAIN = "import sys, duckdb; print(duckdb.execute('select sum(used) from read_parquet(?)', sys.argv[1:]).fetchall())"


def main() -> int:
    """Query at each size; the last is judged."""
    for years in sys.argv[1:] or SIZES:
        with scratch() as home:
            days = _fill(home / "lake", int(years))
            day = days[len(days) // 2]
            (file,) = [one.path for one in open_snapshot(home / "lake", "silver/meter0").files if one.values == (str(day),)]
            sides = {
                "select 1": lambda _, home=home: _assay(home, "select 1"),
                "a point": lambda _, home=home, day=day: _assay(home, f"select sum(used) from silver.meter0 where day = '{day}'"),
                "plain DuckDB": lambda _, file=file: _duckdb(file),
            }
            costs = {name: min(cost.cpu for cost in found) for name, found in in_turn(sides, ROUNDS).items()}
        print(f"  {years} years: {', '.join(f'{name} {cost:.2f}' for name, cost in costs.items())} CPU s", flush=True)
    good = verdict("sql_nothing_named", costs["select 1"], "CPU s", LIMIT)
    return 0 if verdict("sql_point", costs["a point"] / costs["plain DuckDB"], "x plain DuckDB", LIMIT_POINT) and good else 1


def _assay(home: Path, query: str) -> Cost:
    return cost_of(["-c", COMMAND_LINE, "sql", query], {"ASSAY_HOME": str(home)})


def _duckdb(file: str) -> Cost:
    return cost_of(["-c", PLAIN, file])


def _fill(lake: Path, years: int) -> list[date]:
    """Publish the tables; the first has files, of the others the log is a copy."""
    days = [FIRST + timedelta(days=day) for day in range((FIRST.replace(year=FIRST.year + years) - FIRST).days)]
    slice_ = Slice(TableSpec("silver/meter0", SCHEMA, ("day",)), tuple(Partition(str(day), (str(day),)) for day in days))
    staging = stage(lake / "silver/meter0", slice_, map(_readings, days))
    publish(lake, staging, {str(day): 1 for day in days} | files_noted(staging))
    for number in range(1, TABLES):
        (lake / f"silver/meter{number}").symlink_to(lake / "silver/meter0", target_is_directory=True)
    return days


def _readings(day: date) -> pl.DataFrame:
    at = [datetime(day.year, day.month, day.day, hour, tzinfo=UTC) for hour in range(HOURS)]
    return pl.DataFrame({"day": [day] * HOURS, "at": at, "used": range(HOURS)}, schema_overrides={"at": pl.Datetime("us", "UTC")})


if __name__ == "__main__":
    raise SystemExit(main())
