"""Files that are made once and then believed: one that a kill or a power cut could leave half written would be believed for ever."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from assay.cli.running import _copy_once
from assay.lake.durable import move_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_dagsters_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError("no space left on device")

    target = tmp_path / "dagster.yaml"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            _copy_once(target)
    assert [*tmp_path.iterdir()] == []
    _copy_once(target)
    assert "event_log_storage" in target.read_text()


def test_a_folder_has_its_name_when_all_of_its_files_are_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = list[int](), os.fsync

    def syncs(handle: int) -> None:
        assert not (tmp_path / "kept").exists() or os.fstat(handle).st_ino == tmp_path.stat().st_ino
        synced.append(os.fstat(handle).st_ino)
        sync(handle)

    fresh = tmp_path / "fresh"
    (fresh / "inner").mkdir(parents=True)
    (fresh / "manifest.json").write_text("{}")
    (fresh / "inner/more.json").write_text("{}")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", syncs)
        move_folder(fresh, tmp_path / "kept")
    kept = tmp_path / "kept"
    everything = [kept, kept / "inner", kept / "manifest.json", kept / "inner/more.json", tmp_path]
    assert {*synced} == {path.stat().st_ino for path in everything}
    (tmp_path / "other").mkdir()
    with pytest.raises(OSError, match="not empty"):
        move_folder(tmp_path / "other", kept)
