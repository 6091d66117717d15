"""What a query reads of a lake: the tables that it names, of those the files that it needs, and nothing where it names none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from assay.cli.lake_reader import query
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage

SPEC = TableSpec("silver/things", pa.schema([pa.field("part", pa.string()), pa.field("n", pa.int64())]), partition_by=("part",))
ASKS_FOR_NOTHING = """
import sys
from pathlib import Path
from assay.cli import bronze_reader, consumer_views, main, printing
from assay.cli.lake_reader import query
printing.print_rows(query(Path(sys.argv[1]), "select 1 as one"), "csv")
print(sorted({"pyarrow", "deltalake", "polars"} & {*sys.modules}))
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A table of three partitions with one row each."""
    slice_ = Slice(SPEC, tuple(Partition(part, (part,)) for part in "abc"))
    frames = [pl.DataFrame({"part": [part], "n": [number]}) for number, part in enumerate("abc")]
    publish(tmp_path / "lake", stage(tmp_path / "lake" / SPEC.name, slice_, frames), dict.fromkeys("abc", 1))
    return tmp_path / "lake"


def test_a_query_of_one_partition_opens_no_file_of_another(lake: Path) -> None:
    last = Path(open_snapshot(lake, SPEC.name).files[-1].path)
    last.write_bytes(bytes(last.stat().st_size))  # as long as it was: only who opens it can tell
    assert query(lake, "select n from silver.things where part = 'b'").fetchall() == [(1,)]


def test_a_file_that_lacks_a_column_is_read_beside_those_that_have_it(lake: Path) -> None:
    wider = TableSpec(SPEC.name, pa.schema([*SPEC.schema, pa.field("more", pa.string())]), partition_by=("part",))
    frame = pl.DataFrame({"more": ["new"], "n": [3], "part": ["d"]})
    publish(lake, stage(lake / SPEC.name, Slice(wider, (Partition("d", ("d",)),)), [frame]), {"d": 1})
    assert [file.is_whole for file in open_snapshot(lake, SPEC.name).files] == [False, False, False, True]
    found = query(lake, "select part, n, more from silver.things order by n").fetchall()
    assert found == [("a", 0, None), ("b", 1, None), ("c", 2, None), ("d", 3, "new")]


def test_a_query_that_names_no_table_brings_neither_arrow_nor_delta(lake: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", ASKS_FOR_NOTHING, str(lake)], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["one", "1", "[]"]
