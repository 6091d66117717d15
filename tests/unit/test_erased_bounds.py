"""What the log says of the files that an erasure has removed: of an entry that is damaged nobody can tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from assay.erasure.old_files import OldFiles, forget_bounds
from assay.errors import TableDamaged
from assay.lake.log import LOG
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEC = TableSpec("silver/things", pa.schema([("day", pa.string()), ("text", pa.string())]), ("day",))


@pytest.mark.parametrize(
    "look", [lambda lake: forget_bounds(lake / SPEC.name), lambda lake: OldFiles.of(lake, SPEC.name, datetime(2024, 2, 3, tzinfo=UTC))]
)
def test_an_entry_that_is_cut_is_told_as_damage_though_a_checkpoint_covers_it(tmp_path: Path, look: Callable[[Path], object]) -> None:
    slice_ = Slice(SPEC, (Partition("a", ("a",)),))
    publish(tmp_path, stage(tmp_path / SPEC.name, slice_, [pl.DataFrame({"day": ["a"], "text": ["x"]})]), {"a": 1})
    open_snapshot(tmp_path, SPEC.name).table.create_checkpoint()
    newest = max((tmp_path / SPEC.name / LOG).glob("*.json"))
    assert '{"add"' in newest.read_text()
    newest.write_text(newest.read_text().partition(',"size"')[0])
    assert open_snapshot(tmp_path, SPEC.name).rows == 1
    with pytest.raises(
        TableDamaged, match=f"Tried to read silver/things; _delta_log/{newest.name} is no JSON lines: line .* cannot be read"
    ):
        look(tmp_path)
