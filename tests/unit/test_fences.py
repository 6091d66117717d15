"""The fence where it could be down: in a table that is new, and in one whose log was damaged and mended, or half mended."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from assay.errors import Fenced, TableDamaged
from assay.lake import mending
from assay.lake.erasures import SCHEMA, raise_fence, spec
from assay.lake.fence import RECORDS, fence_now
from assay.lake.log import LOG
from assay.lake.mending import mend_log
from assay.lake.publisher import Provenance, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage
from assay.lake.tables import open_or_create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = TableSpec("silver/plain", pa.schema([pa.field("day", pa.string(), nullable=False), ("text", pa.string())]), ("day",))
STEPS = ("raise_fence", "put", "put_in_place", "set_aside")


def write(lake: Path, day: str, fence: int) -> None:
    """Publish a day, as a writer does that has noted a fence before it read anything."""
    frame = pl.DataFrame({"day": [day], "text": ["hers"]})
    slice_ = Slice(PLAIN, (Partition(day, (day,)),))
    publish(lake, stage(lake / PLAIN.name, slice_, [frame]), {day: 1}, provenance=Provenance(fence=fence))


def test_who_read_before_an_erasure_is_kept_out_of_a_table_that_another_has_begun_since(tmp_path: Path) -> None:
    before = fence_now(tmp_path)
    now = raise_fence(tmp_path, [PLAIN.name])
    write(tmp_path, "2024-01-01", now)
    with pytest.raises(Fenced, match=PLAIN.name):
        write(tmp_path, "2024-01-02", before)
    write(tmp_path, "2024-01-02", now)


class Killed(Exception):
    """In the place of a signal."""


def killed_after(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let a mend end after so many of its steps."""
    left = iter(range(number))

    def wrapped(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            done = real(*arguments, **named)
            if next(left, None) is None:
                raise Killed
            return done

        return step

    for name in STEPS:
        monkeypatch.setattr(mending, name, wrapped(getattr(mending, name)))


def damage_the_newest(log: Path, entries: int) -> None:
    for path in sorted(log.glob("*.json"))[-entries:]:
        path.write_bytes(b"")


@pytest.mark.parametrize("name", [PLAIN.name, RECORDS])
@pytest.mark.parametrize("steps", range(7))
def test_a_mend_that_is_killed_lets_no_one_in_who_read_before_an_erasure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, steps: int
) -> None:
    write(tmp_path, "2024-01-01", fence_now(tmp_path))
    raise_fence(tmp_path, [PLAIN.name])
    before = fence_now(tmp_path)
    for _ in range(2):
        raise_fence(tmp_path, [PLAIN.name])
    damage_the_newest(tmp_path / name / LOG, 2)
    with monkeypatch.context() as patch:
        killed_after(patch, steps)
        with suppress(Killed):
            mend_log(tmp_path, name)
    with pytest.raises((Fenced, TableDamaged)):
        write(tmp_path, "2024-01-02", before)
    mend_log(tmp_path, name)
    with pytest.raises(Fenced):
        write(tmp_path, "2024-01-02", before)
    write(tmp_path, "2024-01-02", fence_now(tmp_path))
    assert open_snapshot(tmp_path, PLAIN.name).rows == 2


@pytest.mark.parametrize("begun", [False, True])
def test_while_the_record_of_erasures_begins_anew_writers_are_let_in_and_kept_out_as_before(tmp_path: Path, *, begun: bool) -> None:
    """A mend that is killed between setting the log aside and raising the fence leaves it so, and so does whoever begins it and is killed."""
    write(tmp_path, "2024-01-01", fence_now(tmp_path))
    for _ in range(3):
        number = raise_fence(tmp_path, [PLAIN.name])
    mending.set_all_aside(tmp_path / RECORDS)
    if begun:
        open_or_create(tmp_path, spec(), SCHEMA)
    assert fence_now(tmp_path) == number == 3
    write(tmp_path, "2024-01-02", fence_now(tmp_path))
    with pytest.raises(Fenced, match="before an erasure had begun"):
        write(tmp_path, "2024-01-03", number - 1)

    late = fence_now(tmp_path)
    assert raise_fence(tmp_path, [PLAIN.name]) == fence_now(tmp_path) == number + 1
    with pytest.raises(Fenced, match="before an erasure had begun"):
        write(tmp_path, "2024-01-04", late)
