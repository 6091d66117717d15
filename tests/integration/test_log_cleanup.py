"""Clean-up of logs: what nobody opens a version by goes, what it says of provenance stays, whoever is killed on the way."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from endless_publisher import PARTS, SPEC, new_job, publish_once, warm_up

from ageing import aged
from assay.lake.checking import damage_of
from assay.lake.log import CHECKPOINT_EVERY, LOG, info, put, txn
from assay.lake.log import checkpoint as sum_up
from assay.lake.log_entries import versions_of
from assay.lake.provenance import COMMITS, history_of
from assay.lake.snapshots import Snapshot, newest, open_handle, open_snapshot
from assay.maintenance import cleaning
from assay.maintenance.cleaning import Survey
from assay.maintenance.vacuum import Kind
from assay.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = 3 * CHECKPOINT_EVERY


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with rows, and a long log above them that says who did what."""
    tmp_path = tmp_path_factory.mktemp("log")
    warm_up()
    publish_once(tmp_path / "lake", new_job(tmp_path / "lake", "first", sorted(PARTS)[:2], 20))
    table = open_snapshot(tmp_path / "lake", SPEC.name)
    for version in range(table.version + 1, ENTRIES + 20):
        put(table.folder, version, [info("WRITE", {"assay.attempt": f"attempt {version}"}), txn("assay:last", version)])
        if version % CHECKPOINT_EVERY == 0:
            sum_up(table.folder)
    aged(tmp_path / "lake", 30)
    return tmp_path / "lake"


@pytest.fixture
def lake(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "lake")


def cleanings(lake: Path) -> list[cleaning.Cleaning]:
    return list(Survey(Settings(lake.parent, lake.parent), datetime.now(UTC), timedelta(days=7), lambda *_: False).cleanings())


def cleaned(lake: Path) -> dict[Kind, int]:
    """What goes of the table, and goes."""
    found = cleanings(lake)
    for one in found:
        one.carry_out(lake)
    return next(one.counts for one in found if one.name == SPEC.name)


def said(lake: Path) -> list[tuple[int, str]]:
    """Who has written each version, the newest first."""
    return [(one["version"], one.get("assay.attempt", "")) for one in history_of(open_snapshot(lake, SPEC.name))]


def test_a_log_loses_what_is_before_its_checkpoint_and_nothing_that_was_said(lake: Path) -> None:
    before, table = said(lake), open_snapshot(lake, SPEC.name)
    rows, tokens = table.scan().collect(), table.tokens("")
    assert len(before) == ENTRIES + 20
    assert cleaned(lake) == {Kind.ENTRY: 2 * CHECKPOINT_EVERY, Kind.CHECKPOINT: 1}
    assert versions_of(lake / SPEC.name / LOG)[0] == 2 * CHECKPOINT_EVERY
    fresh = Snapshot(SPEC.name, open_handle(lake, SPEC.name))
    assert fresh.scan().collect().equals(rows)
    assert fresh.tokens("") == tokens
    assert said(lake) == before
    open_snapshot(lake, SPEC.name, 2 * CHECKPOINT_EVERY)
    assert damage_of(lake, SPEC.name, deep=True) == []
    assert cleaned(lake) == {}, "until it has grown again"
    publish_once(lake, new_job(lake, "next", sorted(PARTS)[:2], 10))
    assert said(lake)[1:] == before


@pytest.mark.parametrize("left", [0, 1, 150])
def test_whoever_is_killed_on_the_way_has_said_it_first(lake: Path, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    before, remove, count = said(lake), cleaning.remove, [left]

    def killed(path: Path) -> None:
        count[0] -= 1
        if count[0] < 0:
            raise KeyboardInterrupt
        remove(path)

    monkeypatch.setattr(cleaning, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        cleaned(lake)
    assert said(lake) == before
    assert damage_of(lake, SPEC.name, deep=True) == []
    monkeypatch.setattr(cleaning, "remove", remove)
    aged(lake / SPEC.name / LOG, 30)
    cleaned(lake)
    assert said(lake) == before
    kept = newest(lake, COMMITS)
    assert kept is not None
    assert kept.scan().collect().select("table", "version").is_unique().all()


def test_an_entry_stays_as_long_as_it_says_whose_an_old_file_is(lake: Path) -> None:
    table = open_snapshot(lake, SPEC.name)
    (file, *_) = table.files
    rest = lake / SPEC.name / "old"
    removed = next(iter(sorted((lake / SPEC.name / LOG).glob("*.json"))[1:]))
    text = removed.read_text()
    removed.write_text(text + '{"remove":{"path":"OLD","deletionTimestamp":1,"dataChange":true}}\n'.replace("OLD", "old"))
    rest.touch()
    assert file.rows
    from assay.maintenance.log_cleanup import spent_entries

    aged(lake, 30)
    week_ago = datetime.now(UTC) - timedelta(days=7)
    assert spent_entries(lake / SPEC.name, {"old"}, week_ago) == []
    assert len(spent_entries(lake / SPEC.name, set(), week_ago)) == 2 * CHECKPOINT_EVERY
    assert spent_entries(lake / SPEC.name, set(), datetime.now(UTC) - timedelta(days=60)) == []
