"""Copies of a person outside the tables: found in whatever a file is, taken out of what Dagster and dbt have made, named elsewhere."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from contextlib import closing
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import polars as pl
import pytest
from dagster import DagsterInstance

from assay.erasure.copies import DATABASE, InUse, clean_copies
from assay.erasure.file_scan import look
from assay.erasure.places import Kind, Place, places
from assay.erasure.proving import scan
from assay.erasure.search_terms import SearchTerms
from assay.lake.workplaces import private_folder, workplace
from assay.settings import Settings
from nursery import Child

if TYPE_CHECKING:
    from pathlib import Path

TOKEN, NUMBER = "tok_k1_" + "5e" * 16, "4711471"
NEEDLES = SearchTerms((TOKEN, "ada@secret.example", NUMBER), ())


def found(place: Place) -> set[str]:
    return {one.removeprefix(f"{place.folder.name}/") for one in scan([place], NEEDLES).found}


def sqlite(path: Path, *contents: object) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, event)")
        database.executemany("INSERT INTO events (event) VALUES (?)", [(one,) for one in contents])


def test_a_value_is_found_in_whatever_a_file_is(tmp_path: Path) -> None:
    rest = Place("rest", tmp_path / "rest", Kind.REST)
    rest.folder.mkdir()
    packed = pl.DataFrame({"a": ["x"] * 500, "b": [TOKEN] * 500})
    packed.write_parquet(rest.folder / "rows.parquet", compression="zstd")
    sqlite(rest.folder / "cells.db", "-" * 4090 + TOKEN)  # cut by the end of a page
    sqlite(rest.folder / "deflated.db", zlib.compress(json.dumps({"payer": TOKEN}).encode()))
    sqlite(rest.folder / "nobodys.db", "nobody's", 5, None)
    with duckdb.connect(str(rest.folder / "build.duckdb")) as database:
        database.execute("CREATE SCHEMA staged")
        database.execute("CREATE TABLE staged.sums AS SELECT i, CASE WHEN i = 7000 THEN ? END AS payer FROM range(9000) t(i)", [TOKEN])
    (rest.folder / "long.log").write_bytes(b"-" * ((8 << 20) - 10) + TOKEN.encode())  # cut by the end of what is read at once
    (rest.folder / "short").write_text(TOKEN)
    in_bytes_too = {"rows.parquet", "build.duckdb"}
    assert found(rest) - in_bytes_too == {
        "rows.parquet, column b",
        "cells.db, table events",
        "deflated.db, table events",
        "build.duckdb, table staged.sums, column payer",
        "long.log",
        "short",
    }


def test_what_cannot_be_read_is_named_and_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.erasure.proving.PAUSE_SECONDS", 0)
    rest = Place("rest", tmp_path, Kind.REST)
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and then nothing")
    (tmp_path / "cut.db").write_bytes(b"SQLite format 3\0 and then nothing")
    (tmp_path / "cut.duckdb").write_bytes(b"12345678DUCK and then nothing")
    said = scan([rest], NEEDLES).found
    assert len(said) == 3
    for why in ("cut.db (it cannot be read", "cut.duckdb (it cannot be read", "cut.parquet, which is damaged"):
        assert any(why in one for one in said), said


def test_a_folder_that_nobody_may_look_into_is_named_and_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.erasure.proving.PAUSE_SECONDS", 0)
    closed, real = tmp_path / "closed", os.scandir
    closed.mkdir()
    (closed / "rows").write_text(TOKEN)

    def scandir(folder: Path) -> object:  # tests may run as a user to whom no folder is closed
        if folder == closed:
            raise PermissionError(folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    (said,) = scan([Place("rest", tmp_path, Kind.REST)], NEEDLES).found
    assert "closed (it cannot be read" in said


def test_a_table_that_does_not_number_its_rows_is_read_like_any_other(tmp_path: Path) -> None:
    """As that of the landing index."""
    found = {"said": TOKEN, "nothing": "nobody's"}
    for name, said in found.items():
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as database, database:
            database.execute("CREATE TABLE noted (name TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID")
            database.execute("INSERT INTO noted VALUES (?, ?)", ("one", zlib.compress(said.encode())))
    assert {name: look(tmp_path / f"{name}.db", NEEDLES, of_others=True)[1] for name in found} == {"said": [", table noted"], "nothing": []}


def test_a_number_of_others_is_not_the_persons(tmp_path: Path) -> None:
    rest = Place("rest", tmp_path, Kind.REST)
    sqlite(tmp_path / "a.db", json.dumps({"rows": int(NUMBER)}), f"1.{NUMBER}9", json.dumps({"at": f"17643{NUMBER}"}))
    (tmp_path / "a.log").write_text(f"17643{NUMBER}: {NUMBER}0 rows")
    assert found(rest) == set()
    sqlite(tmp_path / "b.db", json.dumps({"said": [f"customer {NUMBER} is refused"]}))
    (tmp_path / "b.log").write_text(f"customer {NUMBER} is refused")
    assert found(rest) == {"b.db, table events", "b.log"}


@pytest.mark.slow
def test_dagsters_events_ticks_and_logs_go_on_without_the_value(tmp_path: Path) -> None:
    home = tmp_path / "dagster"
    home.mkdir()
    place, rows = Place("Dagster", home, Kind.DAGSTER), {"rows": int(NUMBER), "payer": TOKEN, "who": f"ada@secret.example and {NUMBER}"}
    with DagsterInstance.from_ref(DagsterInstance.local_temp(str(home)).get_ref()) as instance:
        for number in range(3):
            instance.report_runless_asset_event(dg.AssetMaterialization("sums", metadata={**rows, "filler": "-" * 5000, "n": number}))
        instance.run_storage.set_cursor_values({"cursor": json.dumps(rows)})
        (home / "storage").mkdir(exist_ok=True)
        log = home / "storage/step.err"
        log.write_text(f"Conversion Error: '{TOKEN}' in row {NUMBER} of 9{NUMBER}\n")
        before = log.stat().st_size
        assert len(found(place)) >= 3
        changed = clean_copies([place], NEEDLES)
        assert "dagster/storage/step.err" in changed
        assert found(place) == set()
        assert log.read_text() == f"Conversion Error: '{'*' * len(TOKEN)}' in row {'*' * 7} of 9{NUMBER}\n"
        assert log.stat().st_size == before
        records = instance.fetch_materializations(dg.AssetKey("sums"), limit=5).records
        assert len(records) == 3
        metadata = {name: value.value for name, value in records[-1].asset_materialization.metadata.items()}
        assert metadata == {"rows": int(NUMBER), "payer": "***", "who": "*** and ***", "filler": "-" * 5000, "n": 0}
        assert json.loads(instance.run_storage.get_cursor_values({"cursor"})["cursor"])["payer"] == "***"
        instance.report_runless_asset_event(dg.AssetMaterialization("sums"))
        assert len(instance.fetch_materializations(dg.AssetKey("sums"), limit=5).records) == 4
    assert clean_copies([place], NEEDLES) == []
    raw = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert TOKEN.encode() not in raw


def test_what_was_deleted_from_a_database_is_not_left_in_its_free_pages(tmp_path: Path) -> None:
    place = Place("Dagster", tmp_path, Kind.DAGSTER)
    sqlite(tmp_path / "a.db", *(f"{TOKEN}{'-' * 3000}" for _ in range(9)), "kept")
    with closing(sqlite3.connect(tmp_path / "a.db")) as database, database:
        database.execute("PRAGMA secure_delete = OFF")  # some builds of SQLite have it on
        database.execute("DELETE FROM events WHERE event <> 'kept'")
    assert TOKEN.encode() in (tmp_path / "a.db").read_bytes()
    clean_copies([place], NEEDLES)
    assert TOKEN.encode() not in (tmp_path / "a.db").read_bytes()
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        assert database.execute("SELECT event FROM events").fetchall() == [("kept",)]


def test_a_database_that_another_process_writes_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.erasure.file_scan.PATIENCE_SECONDS", 0.1)
    sqlite(tmp_path / "a.db", TOKEN)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        with pytest.raises(InUse, match=r"a\.db; database is locked\. Stop `assay serve`"):
            clean_copies([Place("Dagster", tmp_path, Kind.DAGSTER)], NEEDLES)


def developed(project: Path) -> Place:
    """A dbt project in which a developer has built."""
    made = {
        "target/run_results.json": json.dumps({"message": f"Could not convert string '{TOKEN}' to INT32"}),
        "target/compiled/sums.sql": f"select '{TOKEN}'",
        "logs/dbt.log": f"Failure in {TOKEN}\n",
        "models/sums.sql": "select 1",
        "target/manifest.json": "{}",
    }
    for name, text in made.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    with duckdb.connect(str(project / DATABASE)) as database:
        database.execute("CREATE TABLE sums AS SELECT ? AS payer", [TOKEN])
    return Place("dbt", project, Kind.DBT)


def test_a_developers_database_goes_and_dbts_words_are_hidden(tmp_path: Path) -> None:
    place = developed(tmp_path / "dbt_project")
    assert len(found(place)) >= 4
    changed = clean_copies([place], NEEDLES)
    assert changed[0] == f"dbt_project/{DATABASE}"
    assert found(place) == set()
    assert json.loads((place.folder / "target/run_results.json").read_text())["message"].startswith("Could not convert string '***")
    assert clean_copies([place], NEEDLES) == []


def test_a_source_that_names_the_person_is_left_to_its_author(tmp_path: Path) -> None:
    place = developed(tmp_path / "dbt_project")
    model = place.folder / "models/sums.sql"
    model.write_text(f"select * from payments where payer <> '{TOKEN}'")
    clean_copies([place], NEEDLES)
    assert found(place) == {"models/sums.sql"}
    assert TOKEN in model.read_text()


def hold_open(path: Path) -> None:
    """In a process of its own: use a DuckDB for ever."""
    with duckdb.connect(str(path)):
        print("open", flush=True)
        threading.Event().wait()


@pytest.mark.slow
def test_a_developers_database_that_is_in_use_is_named(tmp_path: Path) -> None:
    place = developed(tmp_path / "dbt_project")
    developer = Child.start(hold_open, place.folder / DATABASE)
    assert developer.stdout.readline() == "open\n"
    with pytest.raises(InUse, match=r"assay\.duckdb; a developer's dbt is using it\. Let that process end"):
        clean_copies([place], NEEDLES)
    developer.kill()
    assert clean_copies([place], NEEDLES)[0] == f"dbt_project/{DATABASE}"


def test_a_dbt_project_in_the_home_and_a_home_in_a_dbt_project_are_both_what_they_are(tmp_path: Path) -> None:
    for home, project in (("a", "a/dbt_project"), ("b/home", "b")):
        settings = Settings(tmp_path / home, tmp_path / project)
        settings.home.mkdir(parents=True)
        developed(settings.dbt_project)
        (settings.home / "other").write_text(TOKEN)
        clean_copies(places(settings), NEEDLES)
        assert [one.rpartition("/")[2] for one in scan(places(settings), NEEDLES).found] == ["other"]


def test_everything_below_the_home_is_a_place_but_what_is_upstreams_or_at_work_now(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home", tmp_path / "home/dbt_project", landing_folder=tmp_path / "home/incoming")
    names = ["incoming/a.csv", "lake/gold/x/f.parquet", "dagster/a.db", "scratch/left", "unheard-of/of", "dbt_project/models/m.sql"]
    for name in names:
        (settings.home / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.home / name).touch()
    with workplace(settings.scratch, "a later build") as folder, private_folder("sample") as temporary:
        (folder / "of somebody").touch()
        (temporary / "sample.csv").touch()
        seen = [path for place in places(settings) for path in place.files() if path.name != "workplaces.lock"]
    assert sorted(seen) == sorted([*(settings.home / name for name in names[1:]), temporary / "sample.csv"])
    assert len(seen) == len(set(seen)), "each once"
