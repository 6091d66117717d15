"""Consumer views over a real lake: a reader of version 1 goes on through the change to version 2, until the day that was said."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from small_world import World, edit

import command_line
from assay.cli.lake_reader import QueryRefused, query
from assay.contracts.reading.odcs import load_product
from assay.gold.published_views import view_statements
from assay.lake.snapshots import open_snapshot
from command_line import Done

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "carrier_punctuality_daily"
TODAY, END = date(2026, 1, 1), date(2031, 1, 1)
READS = f"select * from v1.{MODEL} order by flight_date, carrier"


def read(world: World, sql: str, today: date = TODAY) -> pl.DataFrame:
    views = view_statements(world.settings.lake, load_product(world.contracts_folder), today)
    found = pl.from_arrow(query(world.settings.lake, sql, views=views).to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found


def assay(world: World, *arguments: str, **more: str) -> Done:
    return command_line.assay(*arguments, environment=command_line.shell(world.home, **more))


def back_to_version_1(world: World) -> dict[Path, str]:
    """Undo the change to version 2, as the files were before it. Returns the files of version 2, to be put back."""
    gold, models = world.own_contracts() / "gold", world.own_dbt_project() / "models"
    current, older = gold / f"{MODEL}.odcs.yaml", gold / f"{MODEL}.v1.odcs.yaml"
    sql, ranking = models / f"gold/{MODEL}.sql", models / "gold/carrier_ranking_7d.sql"
    kept = {path: path.read_text() for path in (current, older, sql, ranking)}
    text = (
        older.read_text()
        .replace("        transformSourceObjects: [departed_on_time]\n", "")
        .replace("status: deprecated", "status: active")
    )
    before, _, after = text.partition("      - property: deprecated\n")
    current.write_text(before + after[after.index("      - property: consumers") :])
    older.unlink()
    for path in (sql, ranking):
        path.write_text(path.read_text().replace("departed_on_time", "on_time"))
    world.compile()
    return kept


@pytest.mark.slow
def test_a_reader_of_version_1_keeps_columns_types_and_rows_through_the_change_to_version_2(world: World) -> None:
    kept = back_to_version_1(world)
    assert [one.failure for one in world.backfill()] == [None]
    before = read(world, READS)
    assert "on_time" in before.columns
    assert open_snapshot(world.settings.lake, f"gold/{MODEL}").schema.names == before.columns

    for path, text in kept.items():
        path.write_text(text)
    world.compile()
    assert_frame_equal(read(world, READS), before)  # the contract is there, its months are not built yet
    with pytest.raises(
        QueryRefused, match=rf"v2\.{MODEL} cannot be read yet: gold/{MODEL} is published as 1\.0\.0, build it: assay backfill"
    ):
        read(world, f"select * from v2.{MODEL}")

    assert [one.failure for one in world.backfill()] == [None]
    assert_frame_equal(read(world, READS), before)
    changed = read(world, f"select * from v2.{MODEL} order by flight_date, carrier")
    assert changed.columns == [name.replace("on_time", "departed_on_time") if name == "on_time" else name for name in before.columns]
    assert changed.schema.dtypes() == before.schema.dtypes()
    assert open_snapshot(world.settings.lake, f"gold/{MODEL}").schema.names == changed.columns
    assert world.backfill() == []


def test_after_its_day_a_view_says_since_when_and_what_to_read(built_world: World) -> None:
    assert read(built_world, READS, date(2030, 12, 31)).height > 0
    with pytest.raises(QueryRefused, match=rf"v1\.{MODEL} ended on 2031-01-01, deprecated since 2\.0\.0: read v2\.{MODEL} instead"):
        read(built_world, READS, END)
    assert read(built_world, f"select * from v2.{MODEL}", END).height > 0


def test_every_model_is_read_by_its_major_version(built_world: World) -> None:
    names = [name.removeprefix("gold/") for name in built_world.versions() if name.startswith("gold/")]
    for name in names:
        major = 2 if name == MODEL else 1
        shown = read(built_world, f"select * from v{major}.{name}")
        assert shown.height == built_world.rows(f"gold/{name}").height
        assert shown.schema == built_world.rows(f"gold/{name}").schema


def test_a_model_that_was_never_published_says_so(empty_world: World) -> None:
    with pytest.raises(QueryRefused, match=rf"v2\.{MODEL} cannot be read yet: nothing is published of gold/{MODEL}"):
        read(empty_world, f"select count(*) from v2.{MODEL}")


def test_the_command_line_reads_them_prints_them_and_says_who_is_on_what(built_world: World) -> None:
    shown = assay(built_world, "sql", f"select sum(on_time) as n from v1.{MODEL}", "--format", "csv")
    assert shown.stdout.split() == ["n", str(built_world.rows(f"gold/{MODEL}")["departed_on_time"].sum())], shown.stderr

    printed = assay(built_world, "views")
    assert printed.returncode == 0, printed.stderr
    with duckdb.connect() as plain:
        plain.execute(printed.stdout)
        assert plain.sql(f"select count(*) from v1.{MODEL}").fetchall() == [(built_world.rows(f"gold/{MODEL}").height,)]

    lines = assay(built_world, "tables").stdout.splitlines()
    v1, v2 = (next(line for line in lines if f"v{major}.{MODEL}" in line) for major in (1, 2))
    assert ("deprecated until 2031-01-01" in v1, "monthly-report (report@example.org)" in v1) == (True, True)
    assert ("current" in v2, "punctuality-board (board@example.org)" in v2) == (True, True)


def test_a_query_that_names_no_view_reads_no_contracts(built_world: World, tmp_path: Path) -> None:
    (tmp_path / "broken.odcs.yaml").write_text("no contract")
    for sql, code in (("select count(*) from silver.airlines", 0), (f"select 1 from v2.{MODEL}", 1)):
        done = assay(built_world, "sql", sql, ASSAY_CONTRACTS=str(tmp_path))
        assert done.returncode == code, done.stderr


@pytest.mark.slow
def test_a_broken_rule_of_version_1_refuses_the_build_of_version_2(world: World) -> None:
    world.own_dbt_project()
    older = world.own_contracts() / f"gold/{MODEL}.v1.odcs.yaml"
    edit(older, "diverted between 0 and departed and on_time between 0 and departed", "on_time < 0")
    world.compile()
    before = world.versions()
    (ran,) = world.backfill()
    assert "v1_rows_satisfy_rules failed" in str(ran.failure)
    assert world.versions() == before
