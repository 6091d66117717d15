"""A process that publishes generations until it is killed; `test_kills.py` and `test_publisher.py` start it.

Each publication replaces some partitions by rows that all carry its generation, how many there are, and which partitions it replaced. What
it is about to do and what it has done are written to standard output, one JSON line each.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from itertools import count
from pathlib import Path

import polars as pl
import pyarrow as pa

from assay.errors import TableMissing
from assay.lake.publisher import current_tokens, newest, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import Snapshot, open_snapshot
from assay.lake.staging import stage

SPEC = TableSpec(
    "silver/generations",
    pa.schema(
        [
            pa.field("part", pa.string(), nullable=False),
            pa.field("generation", pa.string(), nullable=False),
            pa.field("rows", pa.int64(), nullable=False),
            pa.field("parts", pa.string(), nullable=False),
        ]
    ),
    ("part",),
)
PARTS = [f"part {number}" for number in range(6)]


def work(generation: str, parts: list[str], rows: int) -> dict[str, object]:
    return {"generation": generation, "parts": parts, "rows": rows}


def publish_once(lake: Path, generation: str, parts: list[str], rows: int) -> int:
    """Publish in two chunks, so that each partition has several files. A generation that is there already is not published again."""
    token = int.from_bytes(generation.encode()[-7:])
    tokens = dict.fromkeys(parts, token)
    if current_tokens(newest(lake, SPEC.name), parts) == tokens:
        return 0
    frame = pl.DataFrame({"part": parts}).join(pl.DataFrame({"row": range(rows)}), how="cross").drop("row")
    frame = frame.with_columns(generation=pl.lit(generation), rows=pl.lit(rows, pl.Int64), parts=pl.lit(json.dumps(parts)))
    slice_ = Slice(SPEC, tuple(Partition(part, (part,)) for part in parts))
    halves = [frame[::2], frame[1::2]]
    return publish(lake, stage(lake / SPEC.name, slice_, halves), tokens).version


def state(snapshot: Snapshot) -> dict[str, tuple[str, list[str]]]:
    """What each partition shows: its generation and the partitions published with it. Raises AssertionError unless that is whole."""
    shown = snapshot.scan().group_by("part").agg(pl.len().alias("found"), pl.col("generation", "rows", "parts").unique()).collect()
    seen = {}
    for part, found, generations, rows, parts in shown.iter_rows():
        assert len(generations) == 1, f"{part} mixes {generations} at version {snapshot.version}"
        assert rows == [found], f"{part} shows {found} of {rows} rows of {generations} at version {snapshot.version}"
        seen[part] = (generations[0], json.loads(parts[0]))
    return seen


def say(**what: object) -> None:
    os.write(1, (json.dumps(what) + "\n").encode())


def write_forever(lake: Path, seed: int, unfinished: dict[str, object] | None) -> None:
    chance = random.Random(seed)
    for number in count():
        job = unfinished or work(f"{seed}-{number:04d}", sorted(chance.sample(PARTS, chance.randint(1, 4))), chance.randint(1, 3000))
        unfinished = None
        say(begin=job)
        publish_once(lake, job["generation"], job["parts"], job["rows"])  # type: ignore[arg-type]
        say(done=job)


def read_forever(lake: Path, *, stop: Path) -> None:
    looks = 0
    while not stop.exists():
        try:
            state(open_snapshot(lake, SPEC.name))
        except TableMissing:
            time.sleep(0.01)
            continue
        looks += 1
    say(looks=looks)


def main(role: str, lake: str, argument: str, *rest: str) -> None:
    if role == "write":
        write_forever(Path(lake), int(argument), json.loads(rest[0]) if rest else None)
    elif role == "read":
        read_forever(Path(lake), stop=Path(argument))
    else:
        job = json.loads(argument)
        say(ready=True)
        while not Path(lake, "go").exists():
            time.sleep(0.001)
        say(version=publish_once(Path(lake), job["generation"], job["parts"], job["rows"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
