"""What a process does that publishes generations until it is killed; `test_kills.py` and `test_publisher.py` start it.

Each publication replaces some partitions by rows that all carry its generation, how many there are, and which partitions it replaced. What
it is about to do and what it has done are written to standard output, one JSON line each.
"""

from __future__ import annotations

import json
import os
import random
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow as pa

from assay.errors import Superseded, TableMissing
from assay.lake.publisher import current_tokens, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import Snapshot, newest, open_snapshot
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
PARTS = [f"part {number}" for number in range(12)]


@dataclass(frozen=True)
class Job:
    """One publication: which partitions it replaces, by how many rows each, and what they held when it was begun."""

    generation: str
    parts: list[str]
    rows: int
    expected: dict[str, int | None]

    @property
    def token(self) -> int:
        return int.from_bytes(self.generation.encode()[-7:])


def new_job(lake: Path, generation: str, parts: list[str], rows: int) -> Job:
    return Job(generation, parts, rows, current_tokens(newest(lake, SPEC.name), parts))


def publish_once(lake: Path, job: Job) -> None:
    """Publish in two chunks, so that each partition has several files. What has landed already is not published again.

    Raises Superseded when another publication has replaced one of the partitions since the job was begun.
    """
    tokens = dict.fromkeys(job.parts, job.token)
    if current_tokens(newest(lake, SPEC.name), job.parts) == tokens:
        return
    frame = pl.DataFrame({"part": job.parts}).join(pl.DataFrame({"row": range(job.rows)}), how="cross").drop("row")
    frame = frame.with_columns(generation=pl.lit(job.generation), rows=pl.lit(job.rows, pl.Int64), parts=pl.lit(json.dumps(job.parts)))
    slice_ = Slice(SPEC, tuple(Partition(part, (part,)) for part in job.parts))
    staging = stage(lake / SPEC.name, slice_, [frame[::2], frame[1::2]])
    publish(lake, staging, tokens, expected=job.expected)


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


def warm_up() -> None:
    """Import what is imported where it is used, so that a kill meets a publication and not an import."""
    with TemporaryDirectory() as scratch:
        publish_once(Path(scratch), new_job(Path(scratch), "warm-up", PARTS[:1], 1))


def write_forever(lake: Path, seed: int, unfinished: Job | None) -> None:
    warm_up()
    chance = random.Random(seed)
    for number in count():
        parts = sorted(chance.sample(PARTS, chance.randint(1, 3)))
        job = unfinished or new_job(lake, f"{seed}-{number:04d}", parts, chance.randint(1, 3000))
        unfinished = None
        say(begun=asdict(job))
        try:
            publish_once(lake, job)
            say(done=job.generation)
        except Superseded:
            say(overtaken=job.generation)


def read_forever(lake: Path, stop: Path) -> None:
    looks = 0
    while not stop.exists():
        with suppress(TableMissing):
            state(open_snapshot(lake, SPEC.name))
            looks += 1
        time.sleep(0.005)
    say(looks=looks)


def write_together(lake: Path, job: Job) -> None:
    """Wait for the others, then publish once."""
    warm_up()
    say(ready=True)
    while not (lake / "go").exists():
        time.sleep(0.0005)
    publish_once(lake, job)
