"""Each commit says of which version of the format it is; whoever meets a newer one refuses, whatever others did to the table meanwhile."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from assay.errors import FormatNewer
from assay.lake.erasures import raise_fence
from assay.lake.format import FORMAT, FORMAT_APP
from assay.lake.log import LOG, checkpoint, commit, info
from assay.lake.log_entries import versions_of
from assay.lake.mending import mend
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage
from assay.lake.tokens import format_of
from newer_lake import NEXT, written_by_a_newer

if TYPE_CHECKING:
    from pathlib import Path

    from assay.lake.staged import Staging

SPEC = TableSpec("silver/plain", pa.schema([pa.field("day", pa.string(), nullable=False), ("text", pa.string())]), ("day",))
FRAME = pl.DataFrame({"day": ["a"], "text": ["one"]})


def staged(lake: Path) -> Staging:
    return stage(lake / SPEC.name, Slice(SPEC, (Partition("a", ("a",)),)), [FRAME])


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    publish(tmp_path / "lake", staged(tmp_path / "lake"), {"a": 1})
    return tmp_path / "lake"


def refuses(lake: Path, name: str = SPEC.name) -> None:
    with pytest.raises(
        FormatNewer, match=rf"Tried to open {name}; it is of format version {NEXT}.*knows up to version {FORMAT}\..*docs/upgrades"
    ):
        open_snapshot(lake, name)


def test_every_entry_says_the_format_from_the_first_on_and_no_commit_is_spent_on_it(lake: Path) -> None:
    raise_fence(lake, [SPEC.name])
    log = lake / SPEC.name / LOG
    assert versions_of(log) == [0, 1, 2], "made, published, fenced"
    for version in versions_of(log):
        said = [json.loads(line) for line in (log / f"{version:020d}.json").read_text().splitlines()]
        assert [one["txn"]["version"] for one in said if one.get("txn", {}).get("appId") == FORMAT_APP] == [FORMAT]
    assert DeltaTable(str(lake / SPEC.name)).transaction_version(FORMAT_APP) == FORMAT


def test_a_table_that_does_not_say_is_of_version_one(tmp_path: Path) -> None:
    for _ in range(2):
        write_deltalake(str(tmp_path / SPEC.name), pa.table({"day": ["a"], "text": ["one"]}), mode="append")
    assert format_of(tmp_path / SPEC.name / LOG, 1) == 1
    assert open_snapshot(tmp_path, SPEC.name).rows == 2


def test_a_newer_table_is_neither_read_nor_written_and_nothing_is_left_of_the_try(lake: Path) -> None:
    before, waiting = open_snapshot(lake, SPEC.name), staged(lake)
    newest = written_by_a_newer(lake, SPEC.name)
    refuses(lake)
    with pytest.raises(FormatNewer, match=r"silver/plain; it is of format version 2, written by assay/9\.9\.9\. This is assay/"):
        publish(lake, waiting, {"a": 2})
    assert not (lake / SPEC.name / waiting.files[0].path).exists()
    assert commit(before.table, [info("WRITE")]) is None, "who had the table open before cannot commit on top either"
    assert versions_of(lake / SPEC.name / LOG) == [*range(newest + 1)]
    assert open_snapshot(lake, SPEC.name, before.version).rows == 1, "what was written before it can still be read"


def cleaned(table: DeltaTable) -> None:
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 seconds"})
    time.sleep(0.05)
    table.create_checkpoint()
    table.cleanup_metadata()


OTHERS = {
    "appends": lambda table: write_deltalake(table.table_uri, pa.table({"day": ["b"], "text": ["two"]}), mode="append"),
    "overwrites": lambda table: write_deltalake(table.table_uri, pa.table({"day": ["b"], "text": ["two"]}), mode="overwrite"),
    "restores": lambda table: table.restore(1),
    "sums up": lambda table: table.create_checkpoint(),
    "cleans the log": cleaned,
}


@pytest.mark.parametrize("others", OTHERS)
def test_a_newer_table_stays_newer_whatever_another_tool_does(lake: Path, others: str) -> None:
    written_by_a_newer(lake, SPEC.name)
    OTHERS[others](DeltaTable(str(lake / SPEC.name)))
    refuses(lake)


def test_a_checkpoint_alone_says_it_as_well(lake: Path) -> None:
    newest = written_by_a_newer(lake, SPEC.name)
    checkpoint(lake / SPEC.name)
    for version in range(newest + 1):
        (lake / SPEC.name / LOG / f"{version:020d}.json").unlink()
    assert format_of(lake / SPEC.name / LOG, newest) == NEXT
    refuses(lake)


@pytest.mark.parametrize("what", ["an entry", "the newest", "the checkpoint"])
def test_a_damaged_table_of_a_newer_format_is_not_mended(lake: Path, what: str) -> None:
    newest = written_by_a_newer(lake, SPEC.name)
    checkpoint(lake / SPEC.name)
    log = lake / SPEC.name / LOG
    name = {"an entry": f"{1:020d}.json", "the newest": f"{newest:020d}.json", "the checkpoint": f"{newest:020d}.checkpoint.parquet"}[what]
    (log / name).write_bytes(b"\xff nothing")
    before = sorted(path for path in lake.rglob("*"))
    with pytest.raises(FormatNewer, match="Tried to open silver/plain"):
        mend(lake, SPEC.name, [], let_go=True)
    assert sorted(path for path in lake.rglob("*")) == before
