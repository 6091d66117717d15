"""Plain calls: what is read without Typer does what Typer's own reading of it does, and brings less."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from assay.cli.exit_codes import run
from assay.cli.main import app
from assay.cli.plain_calls import plain_call
from assay.cli.running import SOMETHING_LEFT_OUT
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from assay.settings import Settings

SPEC = TableSpec(
    "silver/things", pa.schema([pa.field("part", pa.string()), pa.field("at", pa.timestamp("us", "UTC"))]), partition_by=("part",)
)
QUERY = "select * from silver.things"
CALLS = [
    ["sql", QUERY], ["sql", QUERY, "--format", "csv"], ["sql", "--format", "json", QUERY], ["sql", "select 1.5 as x"],
    ["sql", "select no"], ["sql", "drop table silver.things"], ["sql", "select * from silver.nothing"], ["tables"], ["summary"],
]  # fmt: skip
TYPERS = [
    [], ["sql"], ["sql", "--help"], ["--version"], ["sql", "-- a comment\nselect 1"], ["sql", QUERY, "--format", "xml"], ["sql", QUERY, QUERY],
    ["sql", QUERY, "--format=csv"], ["tables", "--help"], ["tables", "more"], ["summary", "--no"], ["table"],
    ["backfill", "--force"], ["backfill", "--help"], ["backfill", "--from", "2013-01-01"], ["backfill", "--from", "2013-01-02", "--to", "2013-01-01"],
    ["backfill", "--from", "2013-1-01", "--to", "2013-01-02"], ["backfill", "--from", "2013-02-28", "--to", "2013-02-30"],
    ["backfill", "--to", "2013-01-02", "--from", "2013-01-01"], ["backfill", "--select", "*"],
]  # fmt: skip
BROUGHT = """
import atexit, sys
atexit.register(lambda: print(sorted({"typer", "pydantic", "numpy", "pyarrow", "rich"} & {*sys.modules})))
from assay.cli.__main__ import main
main()
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one table."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    slice_ = Slice(SPEC, (Partition("a", ("a",)),))
    frame = pl.DataFrame({"part": ["a"], "at": [None]}, schema_overrides={"at": pl.Datetime("us", "UTC")})
    publish(tmp_path / "lake", stage(tmp_path / "lake" / SPEC.name, slice_, [frame]), {"a": 1})
    return tmp_path


def both(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> list[tuple[int, str, str]]:
    """The exit code and the words of a call, as it is read by us and by Typer."""
    plain = plain_call(arguments)
    assert plain is not None
    return [(run(one, arguments), *capsys.readouterr()) for one in (plain, app)]


@pytest.mark.parametrize("arguments", CALLS)
def test_a_plain_call_says_what_the_same_call_says_that_typer_reads(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ours, typers = both(arguments, capsys)
    assert ours == typers
    assert ours[1] or ours[2]


@pytest.mark.parametrize("arguments", [["tables"], ["summary"], ["sql", QUERY]])
def test_a_plain_call_tells_of_damage_by_its_exit_code(arguments: list[str], home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(open_snapshot(home / "lake", SPEC.name).files[0].path).unlink()
    ours, typers = both(arguments, capsys)
    assert ours == typers
    assert ours[0] == 1


@pytest.mark.parametrize("arguments", [["backfill"], ["backfill", "--from", "2013-01-01", "--to", "2013-01-01"]])
def test_a_plain_backfill_is_the_one_that_typer_would_run(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_backfill(
        settings: Settings, first: date | None, last: date | None, *, select: str, force: bool, clock_is_right: bool = False
    ) -> int:
        print(settings, first, last, select, force, clock_is_right)
        return SOMETHING_LEFT_OUT

    monkeypatch.setattr("assay.cli.running.run_backfill", run_backfill)
    ours, typers = both(arguments, capsys)
    assert ours == typers
    assert ours[0] == SOMETHING_LEFT_OUT


@pytest.mark.parametrize("arguments", TYPERS)
def test_what_is_not_exactly_a_plain_call_is_typers_to_read(arguments: list[str]) -> None:
    assert plain_call(arguments) is None


@pytest.mark.parametrize(
    ("arguments", "brought"), [(["sql", "select 1", "--format", "csv"], "[]"), (["sql", QUERY, "--format", "csv"], "['pyarrow']")]
)
def test_a_plain_query_brings_neither_typer_nor_numpy(arguments: list[str], brought: str) -> None:
    done = subprocess.run([sys.executable, "-c", BROUGHT, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == brought


def test_running_a_backfill_brings_no_typer() -> None:
    look = "import sys, assay.cli.running; print('typer' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "False\n"
