"""Arrivals too large to be held: they are written part by part, and nothing of one can be told from an arrival that was held."""

from __future__ import annotations

import errno
import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from signal import SIGKILL
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from order_shop import Shop, day
from test_held_files import DAILY, MONTHLY

from assay.ingest.streamed_arrivals import Arriving
from assay.lake.manifest import manifest_of
from assay.lake.slices import WHOLE, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.streaming_writer import Growing
from assay.maintenance.unfinished import remove_unfinished
from assay.steps import Status
from nursery import Child
from orders import ORDERS, csv_text, write_contracts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from assay.ingest.chunks import Prepared
    from assay.lake.staged import Staging

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FEW = 300  # bytes: a few rows
ROWS = [
    {"day": day(1 + number % 3), "number": str(number), "amount": "-1" if number % 7 == 0 else "10", "note": "é" * (number % 5) or None}
    for number in range(60)
]
UNREAD = [{"day": "soon", "number": str(number)} for number in range(5)]


def opened(folder: Path, orders: str = ORDERS.replace(DAILY, MONTHLY)) -> Shop:
    return Shop(folder / "home", write_contracts(folder / "contracts", orders)).open()


def drop_all(shop: Shop) -> None:
    shop.drop(1, ROWS + UNREAD)
    shop.drop(2, ROWS[10:20] + UNREAD[:1])
    packed = shop.home / "landing/orders" / f"orders_{day(3)}.csv.gz"
    packed.write_bytes(gzip.compress(csv_text(UNREAD + ROWS[::-1]).encode(), mtime=0))


def left_behind(shop: Shop) -> list[str]:
    """Files of bronze that no version names."""
    table = shop.table("bronze")
    live = {file.path for file in table.files} if table else set()
    found = [path for path in (shop.home / "lake/bronze/orders").rglob("*part-*") if str(path) not in live]
    return sorted(path.suffix for path in found)


def test_an_arrival_in_parts_is_as_one_that_was_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, add = list[str](), Arriving.add

    def counted(self: Arriving, made: Prepared) -> None:
        parts.append(self.key)
        add(self, made)

    held, streamed = opened(tmp_path / "held"), opened(tmp_path / "streamed")
    streamed = replace(streamed, batch_bytes=FEW)
    monkeypatch.setattr(Arriving, "add", counted)
    for shop in (held, streamed):
        drop_all(shop)
        (done,) = shop.ingest([1]).values()
        assert (done.status, done.rows) == (Status.PUBLISHED, 141)
        shop.refine([1, 2, 3])
    assert len(parts) > 10
    assert streamed.rows("bronze").equals(held.rows("bronze"))
    bronze = [open_snapshot(shop.home / "lake", "bronze/orders").files for shop in (streamed, held)]
    (one,), (other,) = ([manifest_of(file.path) for file in files] for files in bronze)
    assert (one.sources, one.days, [*one.days]) == (other.sources, other.days, [*other.days])
    assert streamed.digests("silver") == held.digests("silver")
    tokens = [open_snapshot(shop.home / "lake", "silver/orders").tokens("assay:") for shop in (held, streamed)]
    assert {key: tokens[0][key] for key in map(day, (1, 2, 3))} == {key: tokens[1][key] for key in map(day, (1, 2, 3))}
    told = ("rule", "reason", "source_file", "source_row", "raw", "_partition")
    assert streamed.visible_quarantine().select(told).sort(told).equals(held.visible_quarantine().select(told).sort(told))
    assert {outcome.status for outcome in held.ingest([1]).values()} == {Status.UNCHANGED}
    assert left_behind(streamed) == []


def test_what_a_correction_changes_in_quarantine_is_noted_of_an_arrival_in_parts_as_of_one_that_was_held(tmp_path: Path) -> None:
    shops = (opened(tmp_path / "held"), replace(opened(tmp_path / "streamed"), batch_bytes=FEW))
    notes = []
    for shop in shops:
        drop_all(shop)
        shop.ingest([1])
        shop.drop(1, UNREAD[1:3] + ROWS + [{"day": "later", "number": "9"}])
        assert shop.ingest([1])[day(1)].facts["quarantined"] == 9
        (newest,) = open_snapshot(shop.home / "lake", "bronze/orders").table.history(1)
        notes.append(json.loads(newest["assay.partitions"]))
    assert notes[0] == notes[1]
    assert notes[0][day(1)]["held"] == {"event_time_readable": 9}
    changed = ("corrected", "withdrawn", "newly_held")
    assert [notes[0][day(1)][change]["rows"] for change in changed] == [2, 2, 2]


def test_a_fault_at_the_end_of_a_large_arrival_leaves_what_was_published(tmp_path: Path) -> None:
    shop = replace(opened(tmp_path, ORDERS), batch_bytes=FEW)
    shop.drop(1, ROWS)
    shop.ingest([1, 2])
    before = shop.versions()
    shop.drop_text("orders", f"orders_{day(1)}.csv", csv_text(ROWS) + "too,few\n")
    shop.drop(2, ROWS)
    done = shop.ingest([1, 2])
    assert "line 62: expected 8 values, found 2" in str(done[day(1)].refusal)
    assert done[day(2)].status is Status.PUBLISHED
    assert shop.rows("bronze").height == 2 * len(ROWS)
    assert shop.versions()["silver"] == before["silver"]
    assert left_behind(shop) == []


def test_a_full_disk_under_a_large_arrival_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = replace(opened(tmp_path, ORDERS), batch_bytes=FEW)
    shop.drop(1, ROWS)

    def full(self: Growing) -> Path:
        self.path.write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Growing, "close", full)
    with pytest.raises(OSError, match="No space left"):
        shop.ingest([1])
    assert (shop.table("bronze"), left_behind(shop)) == (None, [])


def ingest_and_die(shop: Shop) -> None:
    """Be killed when all parts are written and the last thing that lacks is the footer."""

    def die(self: Growing, footer_says: Mapping[str, str] | None = None) -> Staging:
        del self, footer_says
        os.kill(os.getpid(), SIGKILL)
        raise AssertionError

    Growing.finish = die  # type: ignore[method-assign]
    shop.ingest([1])


def test_what_a_killed_run_leaves_of_a_large_arrival_is_read_by_nobody_and_taken_away(tmp_path: Path) -> None:
    shop = replace(opened(tmp_path, ORDERS), batch_bytes=FEW)
    shop.drop(1, ROWS)
    child = Child.start(ingest_and_die, shop)
    child.process.join()
    assert child.process.exitcode == -SIGKILL
    assert (shop.table("bronze"), left_behind(shop)) == (None, [".tmp"])
    assert shop.ingest([1])[day(1)].rows == len(ROWS)
    assert shop.rows("bronze").height == len(ROWS)
    assert remove_unfinished(shop.home / "lake", LONG_AGO) == 1
    assert left_behind(shop) == []


def test_an_erasure_leaves_a_large_arrival_alone_that_is_still_written(tmp_path: Path) -> None:
    slice_ = Slice(TableSpec("bronze/orders", pa.schema([pa.field("note", pa.string())])), (WHOLE,))
    growing = Growing(tmp_path, slice_)
    growing.add(pl.DataFrame({"note": ["ada"]}))
    growing.close()
    assert remove_unfinished(tmp_path, LONG_AGO) == 0
    staging = growing.finish()
    assert (staging.files[0].rows, (tmp_path / staging.files[0].path).exists()) == (1, True)
    assert remove_unfinished(tmp_path, LONG_AGO) == 0
