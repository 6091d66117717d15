"""The log's entries: in the words of delta-rs, and on disk before they have a name."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from assay.cli.lake_reader import connect
from assay.lake.constraints import constraints_of, create_constrained
from assay.lake.latest_commit_time import ahead
from assay.lake.log import CHECKPOINT_EVERY, LOG, UNFINISHED, add, checkpoint, commit, entry, info, put, remove, txn
from assay.lake.log_entries import commits_of, versions_of
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_handle, open_snapshot, table_names
from assay.lake.staging import stage
from assay.lake.tables import has_columns, open_or_create

OPEN = Path("/proc/self/fd")
SPEC = TableSpec("silver/things", pa.schema([pa.field("part", pa.string()), pa.field("n", pa.int64())]), partition_by=("part",))


class Disk:
    """What was asked of the operating system, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[str] = []
        self.named: dict[str, bool] = {}  # whether the file was synced when it got the name
        fsync, link = os.fsync, os.link

        def syncs(handle: int) -> None:
            self.synced.append(str((OPEN / str(handle)).readlink()))
            fsync(handle)

        def names(old: Any, new: Any) -> None:
            self.named[Path(new).name] = str(old) in self.synced
            link(old, new)

        monkeypatch.setattr(os, "fsync", syncs)
        monkeypatch.setattr(os, "link", names)


def staged(lake: Path, *parts: str) -> Any:
    slice_ = Slice(SPEC, tuple(Partition(part, (part,)) for part in parts))
    return stage(lake / SPEC.name, slice_, [pa.table({"part": list(parts), "n": [*range(len(parts))]}, schema=SPEC.schema)])


@pytest.mark.skipif(not OPEN.exists(), reason="asks Linux what a number of a file stands for")
def test_an_entry_has_its_name_when_it_is_on_disk_and_not_before(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    publish(lake, staged(lake, "a"), {"a": 1})
    assert disk.named == {"00000000000000000000.json": True, "_table": True, "00000000000000000001.json": True}
    assert {str(lake / SPEC.name / LOG), str(lake / SPEC.name), str(lake / "silver"), str(lake)} <= {*disk.synced}


@pytest.mark.skipif(not OPEN.exists(), reason="asks Linux what a number of a file stands for")
def test_a_folder_that_a_killed_writer_has_made_is_made_durable_by_the_next(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lake / SPEC.name / "part=a").mkdir(parents=True)
    disk = Disk(monkeypatch)
    staged(lake, "a")
    folders = [lake / SPEC.name / "part=a", lake / SPEC.name, lake / "silver", lake]
    assert [path for path in disk.synced if not path.endswith(".parquet")] == [str(folder) for folder in folders]


def test_paths_and_values_are_spelled_as_delta_rs_spells_them(tmp_path: Path) -> None:
    paths = [f"part=x/{chr(code)}.parquet" for code in range(1, 127) if chr(code) not in "/."] + ["part=%20/é.parquet"]
    for folder in ("theirs", "ours"):
        DeltaTable.create(str(tmp_path / folder), schema=SPEC.schema, partition_by=["part"])
    theirs, ours = (DeltaTable(str(tmp_path / folder)) for folder in ("theirs", "ours"))
    values = {"part": "x"}
    theirs.create_write_transaction([AddAction(path, 5, values, 7, True, "{}") for path in paths], "append", theirs.schema(), ["part"])
    commit(ours, [info("WRITE"), *(add(path, 5, values, 7, {}) for path in paths)])
    gone = [RemoveAction(path, data_change=True, deletion_timestamp=9, partition_values=values, size=5) for path in paths]
    theirs.create_write_transaction(gone, "append", theirs.schema(), ["part"])
    ours = DeltaTable(str(tmp_path / "ours"))
    commit(ours, [info("WRITE"), *(remove(path, 5, values, 9) for path in paths)])
    for version, kind in ((1, "add"), (2, "remove")):
        said = [[json.loads(line).get(kind) for line in entry(tmp_path / one / LOG, version).open()] for one in ("theirs", "ours")]
        known, written = ([one for one in actions if one] for actions in said)
        assert [{name: one[name] for name in written[0]} for one in known] == written


def test_of_two_that_take_a_version_one_is_told(tmp_path: Path) -> None:
    create_constrained(tmp_path, SPEC.schema, ["part"], {})
    first, second = DeltaTable(str(tmp_path)), DeltaTable(str(tmp_path))
    assert commit(first, [info("WRITE"), txn("one", 1)]) == 1
    assert commit(second, [info("WRITE"), txn("two", 2)]) is None
    now = DeltaTable(str(tmp_path))
    assert (now.version(), now.transaction_version("one"), now.transaction_version("two")) == (1, 1, None)


@pytest.mark.slow
def test_a_long_log_is_summed_up_by_a_checkpoint_that_is_whole(lake: Path) -> None:
    for number in range(CHECKPOINT_EVERY):
        assert commit(open_or_create(lake, SPEC, SPEC.schema), [info("WRITE"), txn("number", number)])
    log = lake / SPEC.name / LOG
    assert [path.name for path in log.glob("*.checkpoint.parquet")] == [f"{CHECKPOINT_EVERY:020d}.checkpoint.parquet"]
    assert json.loads((log / "_last_checkpoint").read_text())["version"] == CHECKPOINT_EVERY
    assert not any((lake / SPEC.name).glob(f"{UNFINISHED}*"))
    for path in log.glob("*.json"):
        path.unlink()  # it is enough by itself
    assert open_handle(lake, SPEC.name).transaction_version("number") == CHECKPOINT_EVERY - 1


def test_a_version_that_is_summed_up_already_can_be_summed_up_again(lake: Path) -> None:
    """An erasure does so, of a table at whose newest version the log was summed up anyway."""
    publish(lake, staged(lake, "a"), {"a": 1})
    assert [checkpoint(lake / SPEC.name), checkpoint(lake / SPEC.name)] == [1, 1]
    assert json.loads((lake / SPEC.name / LOG / "_last_checkpoint").read_text())["version"] == 1
    assert open_handle(lake, SPEC.name).version() == 1


def test_a_column_that_asks_for_more_of_readers_says_so_and_constraints_stay(lake: Path) -> None:
    (lake / SPEC.name).mkdir(parents=True)
    create_constrained(lake / SPEC.name, SPEC.schema, ["part"], {"n_known": "n IS NOT NULL"})
    table, wider = open_handle(lake, SPEC.name), pa.schema([*SPEC.schema, pa.field("at", pa.timestamp("us"))])
    assert not has_columns(table, wider), "the table is another now: it has to be looked at again"
    assert has_columns(open_handle(lake, SPEC.name), wider)
    now = DeltaTable(str(lake / SPEC.name))
    assert constraints_of(now) == {"n_known": "n IS NOT NULL"}
    assert now.protocol().reader_features == ["timestampNtz"]
    assert sorted(now.protocol().writer_features or []) == ["checkConstraints", "timestampNtz"]
    assert now.metadata().id == table.metadata().id
    assert [field.name for field in now.schema().fields] == ["part", "n", "at"]


def test_a_table_whose_maker_was_killed_hides_no_other(lake: Path) -> None:
    publish(lake, staged(lake, "a"), {"a": 1})
    (lake / "gold/begun" / LOG).mkdir(parents=True)
    (lake / "gold/begun" / LOG / f".{0:020d}.json.1234.tmp").write_text("{")
    assert table_names(lake) == [SPEC.name]
    assert connect(lake).execute("select n from silver.things").fetchall() == [(0,)]
    assert put(lake / "gold/begun", 0, [info("CREATE TABLE")])


def test_a_commit_that_another_had_made_changes_nothing(lake: Path) -> None:
    publish(lake, staged(lake, "a"), {"a": 1})
    before = open_snapshot(lake, SPEC.name).version
    assert not put(lake / SPEC.name, before, [info("WRITE")])
    assert open_snapshot(lake, SPEC.name).version == before


@pytest.mark.parametrize("held", [b'{"commitInfo":{"timestamp":17', b"\xff\xfe", b"", None], ids=["cut", "no text", "empty", "a folder"])
def test_an_entry_that_is_damaged_says_nothing_of_itself_and_the_ones_before_are_told(tmp_path: Path, held: bytes | None) -> None:
    slice_ = Slice(SPEC, (Partition("a", ("a",)),))
    for number in (1, 2):
        publish(tmp_path, stage(tmp_path / SPEC.name, slice_, [pa.table({"part": ["a"], "n": [number]})]), {})
    log = tmp_path / SPEC.name / LOG
    newest = versions_of(log)[-1]
    before = [*commits_of(log, newest - 1)]
    entry(log, newest).unlink()
    if held is None:
        entry(log, newest).mkdir()
    else:
        entry(log, newest).write_bytes(held)
    said, *others = commits_of(log, newest)
    assert {key: said[key] for key in ("operation", "version")} == {"operation": "", "version": newest}
    assert others == before
    assert ahead(tmp_path, datetime(2000, 1, 1, tzinfo=UTC), {}) == {}, "nor can it say when it was made"
