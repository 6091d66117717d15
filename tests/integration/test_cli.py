"""The command line as people type it: what it prints, on which stream, and its exit codes."""

from __future__ import annotations

import csv
import io
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import command_line
from assay.cli import running

if TYPE_CHECKING:
    from small_world import World

    from command_line import Done


def assay(world: World, *arguments: str) -> Done:
    return command_line.assay(*arguments, environment=command_line.shell(world.home))


def test_tables_lists_every_published_table_in_full(built_world: World) -> None:
    shown = command_line.assay_process("tables", environment=command_line.shell(built_world.home))
    assert shown.returncode == 0, shown.stderr
    for name in built_world.versions():
        assert name in shown.stdout
    assert "…" not in shown.stdout, "nothing is cut off when the output is not a terminal"


def test_sql_prints_json_that_a_program_can_read(built_world: World) -> None:
    query = (
        "select carrier, sum(flights)::int as flights, min(flight_date) as first from gold.carrier_punctuality_daily group by 1 order by 1"
    )
    shown = assay(built_world, "sql", query, "--format", "json")
    rows = json.loads(shown.stdout)
    assert sum(row["flights"] for row in rows) == built_world.rows("silver/flights").height
    assert rows[0]["first"] == "2013-01-01"


def test_sql_prints_all_rows_as_csv(built_world: World) -> None:
    shown = assay(built_world, "sql", "select flight, tailnum from silver.flights", "--format", "csv")
    rows = list(csv.reader(io.StringIO(shown.stdout)))
    assert rows[0] == ["flight", "tailnum"]
    assert len(rows) - 1 == built_world.rows("silver/flights").height


def test_sql_reads_why_rows_are_in_quarantine(built_world: World) -> None:
    shown = assay(built_world, "sql", "select rule, count(*)::int as n from quarantine.flights group by 1", "--format", "json")
    assert json.loads(shown.stdout) == [{"rule": "dest_known", "n": built_world.rows("quarantine/flights").height}]


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("drop table silver.flights", "only queries are allowed"),
        ("copy (select 1) to 'x.csv'", "only queries are allowed"),
        ("select 1; select 2", "2 statements"),
        ("select * from silver.nothing", "nothing"),
        ("selekt 1", "DuckDB"),
    ],
)
def test_what_is_no_query_is_refused_in_one_sentence(built_world: World, query: str, complaint: str) -> None:
    shown = assay(built_world, "sql", query)
    assert shown.returncode == 1
    assert complaint in shown.stderr
    assert "Traceback" not in shown.stderr


def test_backfill_says_that_there_is_nothing_to_do(built_world: World) -> None:
    shown = assay(built_world, "backfill", "--from", "2013-01-01", "--to", "2013-01-03")
    assert shown.returncode == 0, shown.stderr
    assert "Nothing to do" in shown.stdout


def test_a_backfill_that_will_find_nothing_gets_no_dbt_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(running, "dbt_process", SimpleNamespace(start=lambda *project: started.append(project)))
    days = ("--from", "2013-01-01", "--to", "2013-01-03")
    assay(world, "backfill", *days)
    before = len(started)

    assay(world, "backfill", *days)
    assert len(started) == before == 1

    (world.home / "landing/airlines/airlines_2013-01-09.csv").write_text("carrier,name\n")
    assay(world, "backfill", *days)
    assert len(started) == 2


def test_backfill_of_a_selection_builds_only_that(world: World) -> None:
    before = world.versions()
    shown = assay(world, "backfill", "--from", "2013-01-02", "--to", "2013-01-02", "--select", "silver/flights", "--force")
    assert shown.returncode == 0, shown.stderr
    assert {name for name, version in world.versions().items() if version != before[name]} == {"silver/flights", "quarantine/flights"}


def test_backfill_names_what_failed_and_exits_with_one(world: World) -> None:
    (world.settings.landing / "flights/flights_2013-01-02.csv").write_text("no header\n")
    days = ("--from", "2013-01-01", "--to", "2013-01-03")
    shown = command_line.assay_process("backfill", *days, environment=command_line.shell(world.home))
    assert shown.returncode == 1
    assert "flights_2013-01-02.csv" in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("backfill", "--select", "silver/nothing"), "matches no asset"),
        (("backfill", "--from", "2013-01-05", "--to", "2013-01-01"), "is after"),
        (("backfill", "--from", "2013-01-05"), "both"),
        (("backfill", "--from", "January"), "January"),
    ],
)
def test_a_wrong_call_says_what_to_do(built_world: World, arguments: tuple[str, ...], complaint: str) -> None:
    shown = assay(built_world, *arguments)
    assert shown.returncode != 0
    assert complaint in shown.stderr
    assert "Traceback" not in shown.stderr


def test_the_summary_names_a_table_that_is_there(built_world: World) -> None:
    shown = assay(built_world, "summary")
    query = shown.stdout.splitlines()[-1].partition("assay sql ")[2].strip("'")
    assert assay(built_world, "sql", query).returncode == 0


@pytest.mark.parametrize("command", ["tables", "sql", "views", "backfill", "summary", "init", "serve"])
def test_help_of_every_command_has_an_example(built_world: World, command: str) -> None:
    assert f"Example: assay {command}" in assay(built_world, command, "--help").stdout.replace("\n", " ").replace("  ", " ")


def test_an_empty_lake_says_how_to_fill_it(empty_world: World) -> None:
    empty_world.home.mkdir()
    shown = assay(empty_world, "tables")
    assert shown.returncode == 0
    assert "make run" in shown.stdout
