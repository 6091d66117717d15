"""What of a table's files can go: those of earlier versions and of runs that died, and never one that somebody may still need."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from ageing import aged
from assay.errors import Superseded, TableDamaged
from assay.lake.damage import log_damage
from assay.lake.erasures import begin
from assay.lake.foreign import files_noted
from assay.lake.log import LOG, checkpoint, entry
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage
from assay.lake.workplaces import DELETING, deleting, proving, workplace
from assay.maintenance.checkpoints import replaced_checkpoints
from assay.maintenance.cleaning import Cleaning, Survey
from assay.maintenance.cutoff import safe_before
from assay.maintenance.vacuum import Kind, OldFiles
from assay.settings import Settings

if TYPE_CHECKING:
    from assay.lake.staged import Staging

SPEC = TableSpec("silver/plain", pa.schema([pa.field("day", pa.string(), nullable=False), ("text", pa.string())]), ("day",))
WEEK = timedelta(days=7)


def staged(lake: Path, key: str, text: str) -> Staging:
    frame = pl.DataFrame({"day": [key], "text": [text]})
    return stage(lake / SPEC.name, Slice(SPEC, (Partition(key, (key,)),)), [frame])


def put(lake: Path, key: str, text: str) -> str:
    """Publish a partition; returns the path of its file."""
    staging = staged(lake, key, text)
    publish(lake, staging, {key: hash(text) & 0xFFFF, **files_noted(staging)})
    return staging.files[0].path


def going(lake: Path, keep: timedelta = WEEK) -> dict[str, Kind]:
    found = OldFiles.of(lake, SPEC.name, datetime.now(UTC) - keep)
    return {str(one.path.relative_to(lake / SPEC.name)): one.kind for one in found.removals}


def survey(lake: Path, keep: timedelta = WEEK) -> list[Cleaning]:
    settings = Settings(lake.parent, lake.parent / "dbt")
    return list(Survey(settings, datetime.now(UTC), keep, lambda *_: False).cleanings())


def rows(lake: Path) -> list[str]:
    return open_snapshot(lake, SPEC.name).scan().collect().sort("day")["text"].to_list()


def test_an_earlier_version_goes_once_it_was_replaced_for_longer_than_it_is_kept(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    first, _ = put(lake, "a", "one"), put(lake, "b", "two")
    put(lake, "a", "other")
    assert going(lake) == {}
    aged(lake, 6.9)
    assert going(lake) == {}
    aged(lake, 7.1)
    assert going(lake) == {first: Kind.EARLIER}
    put(lake, "b", "new")
    assert going(lake) == {first: Kind.EARLIER}, "b was replaced just now, however old its file is"
    for one in survey(lake):
        one.carry_out(lake)
    assert not (lake / SPEC.name / first).exists()
    assert rows(lake) == ["other", "new"]
    assert survey(lake)[0] == Cleaning(SPEC.name)


def test_a_file_that_was_staged_and_never_committed_goes_by_its_age(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put(lake, "a", "one")
    left = staged(lake, "a", "left").files[0].path
    assert going(lake) == {}
    aged(lake, 8)
    young = staged(lake, "a", "young")
    assert going(lake) == {left: Kind.STAGED}
    publish(lake, young, {"a": 3, **files_noted(young)})
    assert going(lake) == {left: Kind.STAGED}
    assert rows(lake) == ["young"]


def test_what_was_staged_for_a_table_that_was_never_made_goes(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    left = staged(lake, "a", "left").files[0].path
    aged(lake, 8)
    assert going(lake) == {left: Kind.STAGED}


def test_nothing_goes_that_somebody_who_is_at_work_may_have_staged_or_read(tmp_path: Path) -> None:
    lake, scratch = tmp_path / "lake", tmp_path / "scratch"
    put(lake, "a", "one")
    aged(lake, 30)
    with workplace(scratch, "a run of a month") as folder:
        begun = time.time() - 20 * 86400
        os.utime(folder / "owner.lock", (begun, begun))
        put(lake, "a", "other")
        staged(lake, "a", "still to be committed")
        aged(lake, 10)
        assert len(going(lake)) == 2
        assert [one.removals for one in survey(lake)] == [(), ()]
        assert safe_before(scratch, datetime.now(UTC), WEEK).timestamp() == pytest.approx(begun, abs=1)
    assert len(survey(lake)[0].removals) == 2


def test_what_another_tool_has_removed_and_files_of_other_names_are_left(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    path = put(lake, "a", "one")
    DeltaTable(str(lake / SPEC.name)).delete("day = 'a'")
    strange = lake / SPEC.name / "day=a" / "part-00000-c000.snappy.parquet"
    strange.write_bytes(b"another tool writes it")
    aside = lake / SPEC.name / "_damaged" / "day=a" / Path(path).name
    aside.parent.mkdir(parents=True)
    aside.write_bytes((lake / SPEC.name / path).read_bytes())
    aged(lake, 100)
    assert going(lake) == {}
    write_deltalake(str(lake / SPEC.name), pl.DataFrame({"day": ["a"], "text": ["theirs"]}).to_arrow(), mode="append")
    aged(lake, 100)
    assert going(lake) == {}


def test_a_partition_that_is_not_as_it_was_published_keeps_all_its_old_files(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put(lake, "a", "one")
    live = put(lake, "a", "other")
    old = put(lake, "b", "two")
    put(lake, "b", "new")
    aged(lake, 100)
    (lake / SPEC.name / live).unlink()
    assert going(lake) == {old: Kind.EARLIER}


def test_of_a_table_that_cannot_be_read_nothing_goes_and_the_others_are_cleaned(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put(lake, "a", "one")
    put(lake, "a", "other")
    other = TableSpec("silver/other", SPEC.schema, ("day",))
    for text in ("x", "y"):
        slice_ = Slice(other, (Partition("a", ("a",)),))
        publish(lake, stage(lake / other.name, slice_, [pl.DataFrame({"day": ["a"], "text": [text]})]), {"a": 1})
    entry(lake / other.name / LOG, 2).write_bytes(b"")
    aged(lake, 100)
    with pytest.raises(TableDamaged, match="is empty"):
        OldFiles.of(lake, other.name, datetime.now(UTC))
    found = {one.name: one for one in survey(lake)}
    assert found[other.name].removals == ()
    assert found[other.name].is_damaged
    assert "is empty" in found[other.name].told
    assert len(found[SPEC.name].removals) == 1


def test_after_another_tool_has_cleaned_the_log_a_file_goes_by_the_oldest_entry_that_is_left(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    old = put(lake, "a", "one")
    aged(lake, 100)
    put(lake, "a", "other")
    checkpoint(lake / SPEC.name)
    put(lake, "b", "two")
    for version in (0, 1, 2):
        entry(lake / SPEC.name / LOG, version).unlink()
    assert going(lake) == {}, "it may have been replaced just before the oldest entry that is left"
    aged(lake / SPEC.name / LOG, 8)
    assert going(lake) == {old: Kind.EARLIER}
    assert rows(lake) == ["other", "two"]


def test_while_an_erasure_is_not_finished_no_old_file_goes(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put(lake, "a", "one")
    put(lake, "a", "other")
    aged(lake, 8)
    begin(lake, "customer", "token", "tester")
    found = {one.name: one for one in survey(lake)}
    assert found[SPEC.name].removals == ()
    assert "erasure 1 is not finished" in found[SPEC.name].told


def test_who_comes_to_publish_files_that_are_gone_is_refused_and_the_table_stays(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put(lake, "a", "one")
    late = staged(lake, "a", "stood still for a week")
    (lake / SPEC.name / late.files[0].path).unlink()
    with pytest.raises(Superseded, match="is not there any more"):
        publish(lake, late, {"a": 7})
    assert rows(lake) == ["one"]


def test_unfinished_files_and_private_folders_of_the_dead_go(tmp_path: Path) -> None:
    lake, scratch = tmp_path / "lake", tmp_path / "scratch"
    put(lake, "a", "one")
    (lake / SPEC.name / LOG / ".00000000000000000002.json.ab.tmp").write_bytes(b"half")
    (lake / SPEC.name / ".checkpoint-x").mkdir()
    aged(lake, 8)
    os.utime(lake / SPEC.name / ".checkpoint-x", (0, 0))
    (scratch / "work-dead").mkdir(parents=True)
    (scratch / "work-dead" / "rows").write_bytes(b"rows")
    found = {one.name: one for one in survey(lake)}
    assert found[SPEC.name].counts == {Kind.UNFINISHED: 2}
    assert found["scratch"].freed == 4
    with workplace(scratch, "somebody"):
        for one in found.values():
            one.carry_out(lake)
        assert len([*scratch.glob("work-*")]) == 1
    assert [one.removals for one in survey(lake)] == [(), ()]


def test_nobody_deletes_beside_an_erasure_and_erasures_do_not_wait_for_each_other(tmp_path: Path) -> None:
    said: list[str] = []

    def maintain() -> None:
        with deleting(tmp_path, lambda _: said.append("waits")):
            said.append("deletes")

    other = threading.Thread(target=maintain)
    with proving(tmp_path, lambda _: said.append("never")):
        with proving(tmp_path, lambda _: said.append("never")):
            other.start()
            while not said:
                time.sleep(0.01)
        said.append("proved")
    other.join()
    assert said == ["waits", "proved", "deletes"]


def test_whoever_waits_for_a_maintenance_or_an_erasure_says_for_which_process(tmp_path: Path) -> None:
    program = f"import fcntl; lock = open({str(tmp_path / DELETING)!r}, 'w'); fcntl.flock(lock, fcntl.LOCK_EX); print(flush=True); input()"
    said: queue.Queue[str] = queue.Queue()

    def prove() -> None:
        with proving(tmp_path, said.put):
            said.put("proves")

    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        other.stdout.readline()
        erasure = threading.Thread(target=prove)
        erasure.start()
        assert said.get(timeout=120).startswith(f"a maintenance: process {other.pid} (-c import fcntl; lock = open(")
        other.communicate("\n")
    erasure.join(120)
    assert said.get_nowait() == "proves"


def test_of_checkpoints_the_newest_two_stay_and_every_version_can_be_opened(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for number in range(4):
        put(lake, str(number), f"text {number}")
        checkpoint(lake / SPEC.name)
    log = lake / SPEC.name / LOG
    tokens = [open_snapshot(lake, SPEC.name, version).tokens("") for version in range(5)]
    assert replaced_checkpoints(log, datetime.now(UTC) - WEEK) == [], "somebody may be reading the log by an older one"
    aged(lake, 8)
    (found,) = [one for one in survey(lake) if one.removals]
    assert found.counts == {Kind.CHECKPOINT: 2}
    found.carry_out(lake)
    assert [int(path.name[:20]) for path in sorted(log.glob("*.checkpoint.parquet"))] == [3, 4]
    assert [open_snapshot(lake, SPEC.name, version).tokens("") for version in range(5)] == tokens
    assert [open_snapshot(lake, SPEC.name, version).rows for version in range(5)] == [0, 1, 2, 3, 4]
    assert log_damage(lake / SPEC.name) == []


def test_where_an_entry_of_the_log_is_missing_every_checkpoint_stays(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for number in range(4):
        put(lake, str(number), f"text {number}")
        checkpoint(lake / SPEC.name)
    aged(lake, 8)
    entry(lake / SPEC.name / LOG, 0).unlink()
    assert replaced_checkpoints(lake / SPEC.name / LOG, datetime.now(UTC) - WEEK) == []


def test_what_was_committed_after_it_was_found_stays(tmp_path: Path) -> None:
    """A writer without a place that stood still for as long as files are kept comes back while maintenance is at work."""
    lake = tmp_path / "lake"
    put(lake, "a", "one")
    late = staged(lake, "b", "late")
    aged(lake, 8)
    found = survey(lake)
    assert found[0].counts == {Kind.STAGED: 1}
    publish(lake, late, {"b": 7, **files_noted(late)})
    for one in found:
        one.carry_out(lake)
    assert rows(lake) == ["one", "late"]
