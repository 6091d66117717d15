"""Memory: the most that a process has while an arrival goes into bronze, or a partition into silver: `python bench/memory.py [NAME...]`.

Each size has a process of its own, which tells its greatest resident set. Ten times the rows should take what the first took.
"""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import NamedTuple

from clock import BENCH, output_of, peak_of_this_process, verdict
from worlds import scratch

LIMIT, WIDE_LIMIT = 600.0, 900.0  # MB
DAY, KINDS, WIDE = date(2024, 5, 1), ("clean", "rejected", "duplicates"), 500
ROW = 100  # bytes of a row of the file, about
PIECE = 100_000
CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:bench:meter
name: meter
version: 1.0.0
status: active
team: {name: bench, members: [{username: bench@example.org, role: owner}]}
servers:
  - server: landing
    type: local
    path: "meter/meter_{arrival:yyyy-MM-dd}.csv"
    format: csv
    customProperties: [{property: maxBytes, value: 50000000000}]
schema:
  - name: meter_landing
    physicalType: file
    properties:
      - {name: id, logicalType: string}
      - {name: at, logicalType: string}
      - {name: used, logicalType: string}
LANDING
  - name: meter
    physicalType: table
    description: Readings.
    dataGranularityDescription: one row per id
    properties:
      - {name: day, logicalType: date, required: true, partitioned: true}
      - {name: id, logicalType: integer, required: true, primaryKey: true, transformSourceObjects: [id]}
      - {name: at, logicalType: timestamp, required: true, transformSourceObjects: [at], logicalTypeOptions: {format: FORMAT}}
      - {name: used, logicalType: integer, transformSourceObjects: [used], logicalTypeOptions: {maximum: 1000}}
MORE
    customProperties:
      - {property: eventTime, value: {expression: at, format: FORMAT, timeZone: UTC}}
      - {property: partitioning, value: {grain: day, start: 2024-05-01, end: 2024-06-01}}
      - {property: arrival, value: {grain: day, start: 2024-05-01, end: 2024-06-01, lateness: 1}}
""".replace("FORMAT", "\"yyyy-MM-dd'T'HH:mm:ssXXX\"")


class Case(NamedTuple):
    """What lands: the step that is measured, what its rows are, how many, and in how many columns of text."""

    step: str
    kind: str
    rows: int
    columns: int = 3

    @property
    def limit(self) -> float:
        """What it may take."""
        return WIDE_LIMIT if self.columns >= WIDE else LIMIT


SIZES = {
    "bronze": [Case("bronze", "clean", size // ROW) for size in (100_000_000, 300_000_000, 1_000_000_000)],
    "bronze_unreadable": [Case("bronze", "unreadable", rows) for rows in (1_000_000, 3_000_000, 10_000_000)],
    **{f"silver_{kind}": [Case("silver", kind, rows) for rows in (1_000_000, 3_000_000, 10_000_000)] for kind in KINDS},
    "bronze_wide": [Case("bronze", "clean", rows, WIDE) for rows in (20_000, 60_000, 200_000)],
    "silver_wide": [Case("silver", "clean", rows, WIDE) for rows in (20_000, 60_000, 200_000)],
}


def main() -> int:
    """Take the measures that were asked for, or one step when called by itself."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SIZES)} (default: all)")
    parser.add_argument("--rows", type=int, help="one size instead of three")
    parser.add_argument("--take", nargs=2, metavar=("HOME", "STEP"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take:
        print(taken(Path(asked.take[0]), asked.take[1]))
        return 0
    cases = {name: SIZES[name] for name in asked.names or SIZES}
    kept = [measure(name, [found[0]._replace(rows=asked.rows)] if asked.rows else found) for name, found in cases.items()]
    return 0 if all(kept) else 1


def measure(name: str, cases: list[Case]) -> bool:
    """Take a step at each size; the last is judged."""
    for case in cases:
        with scratch() as home:
            size = land(home, case)
            steps = ["bronze"] if case.step == "bronze" else ["bronze", "silver"]
            told = [output_of([BENCH / "memory.py", "--take", home, step]).split() for step in steps]
        peak, seconds = (float(one) for one in told[-1])
        print(f"  {name}: {case.rows:,} rows, {size / 1e6:,.0f} MB: {peak:.0f} MB, {seconds:.1f} s", flush=True)
    return verdict(name, peak, "MB", cases[-1].limit)


def land(home: Path, case: Case) -> int:
    """Write the contract and one landing file; returns its bytes."""
    more = [f"text_{number}" for number in range(case.columns)]
    (home / "contracts").mkdir()
    landing = "".join(f"      - {{name: {name}, logicalType: string}}\n" for name in more)
    silver = "".join(f"      - {{name: {name}, logicalType: string, transformSourceObjects: [{name}]}}\n" for name in more)
    (home / "contracts/meter.odcs.yaml").write_text(CONTRACT.replace("LANDING\n", landing).replace("MORE\n", silver))
    file = home / f"landing/meter/meter_{DAY}.csv"
    file.parent.mkdir(parents=True)
    words = [f"word {number * 7919 % 1_000_003:>14}" for number in range(997)]
    with file.open("w") as out:
        out.write(",".join(["id", "at", "used", *more]) + "\n")
        for start in range(0, case.rows, PIECE):
            lines = []
            for row in range(start, min(start + PIECE, case.rows)):
                key = row // 10 if case.kind == "duplicates" else row
                key = key * 7919 % 1_000_000_007  # keys come in no order
                used = 5000 if case.kind == "rejected" and row % 10 else row % 1000
                texts = ",".join(words[(row + place * 31) % 997] for place in range(case.columns))
                at = (
                    f"{DAY:%d.%m.%Y} {row % 24:02}:{row % 60:02}" if case.kind == "unreadable" else f"{DAY}T{row % 24:02}:{row % 60:02}:00Z"
                )
                lines.append(f"{key},{at},{used},{texts}\n")
            out.writelines(lines)
    return file.stat().st_size


def taken(home: Path, step: str) -> str:
    """Take a step; says the greatest resident set of this process in MB, and the seconds."""
    import time

    from data_plane import every_partition, refuse_failures

    from assay.contracts.reading.odcs import load_contracts
    from assay.ingest.bronze import bronze_spec
    from assay.ingest.step import ingest
    from assay.orchestration.calendars import arrivals_of, events_of
    from assay.refine.step import refine_partitions, silver_spec
    from assay.steps import Run

    contracts = load_contracts(home / "contracts")
    run, contract = Run(home / "lake", home / "landing", contracts, "bench"), contracts["meter"]
    began = time.perf_counter()
    if step == "bronze":
        whole = every_partition(arrivals_of(contract), bronze_spec(contract))
        refuse_failures(ingest(run, contract, whole.only([str(DAY)])))
    else:
        whole = every_partition(events_of(contract), silver_spec(contract))
        refuse_failures(refine_partitions(run, contract, whole.only([str(DAY)])))
    seconds = time.perf_counter() - began
    return f"{peak_of_this_process() / 1e6} {seconds}"


if __name__ == "__main__":
    sys.exit(main())
