"""What happens to the files of one table: it is named, in words of ours, and everything that does not need the table goes on."""

from __future__ import annotations

import copy
import json
import os
import queue
import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
import sqlalchemy as sa
from damaged_shop import DAMAGES, FILES, READABLE, TABLES, build, copy_of, entries, overwrite, tree_of

from assay.cli.lake_reader import query
from assay.erasure.file_scan import look
from assay.erasure.search_terms import SearchTerms
from assay.errors import TableDamaged
from assay.lake import durable
from assay.lake.checking import damage_of
from assay.lake.mending import mend
from assay.lake.snapshots import open_snapshot, table_names
from assay.orchestration import sqlite_patience
from assay.orchestration.instance import InstanceClosed, InstanceDamaged, InstanceMisdescribed, InstanceOutdated, instance_of
from command_line import assay, obey_modes, shell
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from damaged_shop import Damage
    from order_shop import Shop

    from command_line import Done

pytestmark = pytest.mark.slow

# of what a library says when it fails, none of which a user may see
BACKTRACES = ("Traceback", "<unknown>", "backtrace", "panicked", "Kernel error", "rust", "site-packages")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build(tmp_path_factory.mktemp("shop"))


def run(lake: Path, *arguments: str) -> Done:
    contracts = lake.parent / "contracts"
    done = assay(*arguments, environment=shell(lake.parent, ASSAY_CONTRACTS=str(contracts)))
    assert not any(words in done.stderr + done.stdout for words in BACKTRACES), done.stderr
    return done


def test_the_shop_has_every_kind_of_table_and_is_sound(built: Shop) -> None:
    lake = built.home / "lake"
    assert run(lake, "tables").returncode == 0
    for table in TABLES:
        assert open_snapshot(lake, table).files, table
        assert open_snapshot(lake, table).version >= 1, table


# quarantine shows what the tables of the first group say of it
GROUPS = (
    ("bronze/orders", "claims/orders", "decisions/orders", "gold/in_all", "silver/orders"),
    ("bronze/customers", "erasures/requests", "gold/by_month", "quarantine/orders", "silver/customers"),
)  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
@pytest.mark.parametrize("tables", GROUPS, ids=["what decides what is shown", "the others"])
def test_damaged_tables_are_named_and_no_other_is_concerned(built: Shop, tmp_path: Path, what: str, tables: tuple[str, ...]) -> None:
    damage, lake = DAMAGES[what], copy_of(built, tmp_path / "home")
    for table in tables:
        damage.act(lake / table)
    sound = [one for one in TABLES if one not in tables and (one != "quarantine/orders" or "silver/orders" not in tables)]
    listed = run(lake, "tables")
    assert all(table in listed.stdout for table in sound), listed.stdout
    for table in sound[-2:]:
        if table.partition("/")[0] in READABLE:
            assert query(lake, f"select count(*) from {table.replace('/', '.')}").fetchone()
    if damage.deep:
        assert_deep_look_names(lake, tables, damage)
        return
    assert listed.returncode == 1
    for table in tables:
        assert f"assay: Tried to read {table}" in listed.stderr, listed.stderr
        assert f"`assay check-lake {table}`" in listed.stderr
        if table.partition("/")[0] in READABLE:
            with pytest.raises(TableDamaged, match=f"Tried to read {table}.*{damage.words}"):
                query(lake, f"select * from {table.replace('/', '.')}")


def assert_deep_look_names(lake: Path, tables: Sequence[str], damage: Damage) -> None:
    """What a quick look cannot see is seen by whoever reads the rows."""
    for table in tables:
        with pytest.raises(TableDamaged, match=f"Tried to read {table}.*{damage.words}"):
            open_snapshot(lake, table).scan()


@pytest.mark.parametrize("what", FILES)
def test_a_query_that_fails_on_a_damaged_file_is_told_so(built: Shop, tmp_path: Path, what: str) -> None:
    lake = copy_of(built, tmp_path / "home")
    FILES[what].act(lake / "silver/orders")
    done = run(lake, "sql", "select * from silver.orders")
    assert done.returncode == 1
    assert "assay: Tried to read silver/orders" in done.stderr


@pytest.mark.parametrize("what", DAMAGES)
def test_check_lake_names_what_is_damaged_and_changes_nothing(built: Shop, tmp_path: Path, what: str) -> None:
    for number, tables in enumerate(GROUPS):
        damage, lake = DAMAGES[what], copy_of(built, tmp_path / str(number))
        for table in tables:
            damage.act(lake / table)
        before = tree_of(lake)
        done = run(lake, "check-lake", *(["--deep"] if damage.deep else []))
        assert done.returncode == 1
        said = {line.partition(": ")[0]: line for line in done.stderr.splitlines()}
        assert set(tables) <= said.keys() <= {*tables, "silver/orders"}, done.stderr
        assert all(damage.words in said[table] for table in tables), done.stderr
        named = run(lake, "check-lake", tables[0], *(["--deep"] if damage.deep else []))
        assert tables[0] in named.stderr
        assert tables[1] not in named.stderr
        assert tree_of(lake) == before


def test_a_sound_lake_is_said_to_be(built: Shop, tmp_path: Path) -> None:
    lake = copy_of(built, tmp_path / "home")
    for arguments, words in ((["check-lake"], "10 tables are there"), (["check-lake", "--deep"], "10 tables are as they were committed")):
        done = run(lake, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert words in done.stdout
    assert "there is no such table. Did you mean" in run(lake, "check-lake", "silver/order").stderr


def test_a_mend_that_is_killed_takes_no_version_back(built: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, name = copy_of(built, tmp_path / "home"), "silver/orders"
    version = open_snapshot(lake, name).version
    overwrite(entries(lake / name)[-1], b"")
    found = damage_of(lake, name)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(durable, "_unfinished", killed)
    with pytest.raises(KeyboardInterrupt):
        mend(lake, name, found, let_go=False)
    monkeypatch.undo()
    assert damage_of(lake, name) == found, "the number of the lost entry is not free for the next writer"
    mend(lake, name, found, let_go=False)
    assert open_snapshot(lake, name).version >= version


@pytest.mark.parametrize("what", DAMAGES)
@pytest.mark.parametrize("table", ["bronze/orders", "silver/orders", "quarantine/orders"])
def test_what_is_set_aside_is_made_again_as_it_was(built: Shop, tmp_path: Path, what: str, table: str) -> None:
    lake = copy_of(built, tmp_path / "home")
    shop = copy.copy(built)
    shop.home = lake.parent
    was = content_of(built)
    DAMAGES[what].act(lake / table)
    found, there = damage_of(lake, table, deep=True), [one for one in (lake / table).rglob("*") if one.is_file()]
    assert found
    mend(lake, table, found, let_go=False)
    assert not [one for one in damage_of(lake, table, deep=True) if one.file is None], "the log can be read"
    for _ in range(2):
        shop.ingest([1, 2])
        shop.refine([1, 2])
    assert content_of(shop) == was
    mend(lake, table, damage_of(lake, table), let_go=True)  # of quarantine, what nobody sees any more
    assert damage_of(lake, table, deep=True) == []
    assert content_of(shop) == was
    assert {one.relative_to(lake) for one in there} <= {*left_in(lake / table, lake)}, "nothing was deleted"


@pytest.mark.parametrize("name", ["history/runs.db", "schedules/schedules.db"])
@pytest.mark.parametrize("content", [b"no database at all" * 99, b"SQLite format 3\0" + b"\0" * 4096], ids=["other bytes", "zeros"])
def test_a_damaged_database_of_dagster_is_named_with_what_to_do(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with instance_of(tmp_path) as instance:
        assert instance.get_runs() == []
    for path in (tmp_path / name).parent.glob(f"{Path(name).name}*"):
        path.unlink()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InstanceDamaged, match=rf"{name} is damaged: .*move the file away and run `assay init`"):
        use_instance(tmp_path)


def test_a_database_whose_writer_was_killed_is_not_the_damaged_one(tmp_path: Path) -> None:
    """What its journal says is rolled back by the next who opens it, and by nobody who may only read."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    use_instance(tmp_path)
    killed = tmp_path / "history/killed.db"
    program = (
        f"import os, sqlite3; d = sqlite3.connect({str(killed)!r}, isolation_level=None); d.execute('PRAGMA cache_size = 1')\n"
        "d.execute('CREATE TABLE t (c)'); d.execute('BEGIN'); d.execute('INSERT INTO t VALUES (zeroblob(1000000))'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    assert killed.with_name("killed.db-journal").stat().st_size
    (tmp_path / "history/runs.db").write_bytes(b"no database at all" * 99)
    with pytest.raises(InstanceDamaged, match=r"runs\.db is damaged: "):
        use_instance(tmp_path)


def test_an_instance_of_another_version_of_dagster_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    use_instance(tmp_path)
    with closing(sqlite3.connect(tmp_path / "history/runs.db")) as database:
        database.execute("ALTER TABLE runs RENAME COLUMN run_body TO body")
    with pytest.raises(InstanceOutdated, match=r"no such column: runs.run_body: it is of another version. .* `dagster instance migrate`"):
        use_instance(tmp_path)


def test_whoever_finds_a_database_of_dagster_locked_waits_for_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own five seconds are over while another process makes a copy, or Dagster migrates."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with instance_of(tmp_path) as instance, closing(sqlite3.connect(tmp_path / "history/runs.db", isolation_level=None)) as other:
        with sa.create_engine(f"sqlite:///{tmp_path}/history/runs.db").connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 300_000
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite_patience, "BUSY_SECONDS", 0.1)
        with pytest.raises(sa.exc.OperationalError, match="database is locked"):
            instance.daemon_cursor_storage.set_cursor_values({"any": "word"})


def test_whoever_waits_for_a_locked_database_says_for_which_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setattr(sqlite_patience, "SAY_SECONDS", 0.2)
    database, said = tmp_path / "history/runs.db", queue.Queue[str]()
    with instance_of(tmp_path, said.put) as instance:
        instance.get_runs()
        program = (
            f"import sqlite3; d = sqlite3.connect({str(database)!r}, isolation_level=None); d.execute('BEGIN EXCLUSIVE'); print(); input()"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout
            other.stdout.readline()
            write = threading.Thread(target=instance.daemon_cursor_storage.set_cursor_values, args=({"any": "word"},))
            write.start()
            words = said.get(timeout=120)
            other.communicate("\n")
        write.join(120)
        assert instance.daemon_cursor_storage.get_cursor_values({"any"}) == {"any": "word"}
    assert words.startswith(f"{database} is locked: process {other.pid} (-c import sqlite3;")
    assert words.endswith("This goes on when it is free; after 300 s it gives up.")
    assert said.empty()


def look_without_rights(lake: str) -> None:
    """In a child: what a user finds whom modes concern."""
    obey_modes()
    print(json.dumps({name: [str(one.found) for one in damage_of(Path(lake), name, deep=True)] for name in table_names(Path(lake))}))


def test_a_table_and_a_file_that_this_user_may_not_read_are_named_and_the_others_checked(built: Shop, tmp_path: Path) -> None:
    """Before, a folder that could not be entered was no table: a check found all in order, and told that to whoever it was sent to."""
    lake, forbidden = copy_of(built, tmp_path / "home"), "must not be read by this user"
    closed = [Path(open_snapshot(lake, "bronze/orders").files[0].path), lake / "silver/orders"]
    modes = [path.stat().st_mode for path in closed]
    for path in closed:
        path.chmod(0)
    try:
        found = json.loads(Child.start(look_without_rights, str(lake)).rest())
    finally:
        for path, mode in zip(closed, modes, strict=True):
            path.chmod(mode)
    assert {name: said for name, said in found.items() if said} == {"bronze/orders": [forbidden], "silver/orders": [forbidden]}
    assert {*found} == {*table_names(lake)}


def write_to(instance: dg.DagsterInstance) -> None:
    """To each of its databases, but for that of schedules."""
    instance.all_instigator_state()
    instance.daemon_cursor_storage.set_cursor_values({"any": "word"})
    instance.report_runless_asset_event(dg.AssetObservation("any"))


def write_to_another_users(folder: str) -> None:
    """In a child, as a user whom modes concern."""
    obey_modes()
    try:
        with instance_of(Path(folder)) as instance:
            write_to(instance)
    except InstanceClosed as told:
        print(told)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("history/runs.db", 0o600), ("history/runs.db", 0o644), ("history/runs/index.db", 0o600), ("history/runs/index.db", 0o644),
        ("schedules/schedules.db", 0o600), ("history", 0o700),
    ],
)  # fmt: skip
def test_a_database_that_is_another_users_is_named_with_its_owner(tmp_path: Path, name: str, mode: int) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with instance_of(tmp_path) as instance:
        write_to(instance)
    for path in (tmp_path / name).parent.glob(f"{Path(name).name}*" if name.endswith(".db") else Path(name).name):
        os.chown(path, 4711, 4711)
        path.chmod(mode)
    said = Child.start(write_to_another_users, str(tmp_path)).rest()
    named = f"{tmp_path / name} cannot be read and written to by this user; it belongs to user 4711."
    assert said.startswith(f"Tried to use Dagster's instance; {named} Let this user read and write it, or work as that user.")


def use_instance(folder: Path) -> None:
    with instance_of(folder) as instance:
        instance.get_runs()
        instance.all_instigator_state()


@pytest.mark.parametrize(
    ("description", "said"),
    [
        pytest.param(b"{unclosed", "while parsing a flow mapping", id="no YAML"),
        pytest.param(b"\xff\xfe", "can't decode byte 0xff", id="no text"),
        pytest.param(b"- a", "it is no mapping of settings", id="a list"),
        pytest.param(b"nux: {enabled: maybe}", 'Invalid scalar at path root:nux:enabled. Value "maybe"', id="another type"),
        pytest.param(b"colour: red", 'Received unexpected config entry "colour" at the root. Correct it', id="unknown"),
        pytest.param(b"run_storage: {module: nowhere, class: X}", "Couldn't import module nowhere", id="no module"),
        pytest.param(b"run_storage: {module: dagster, class: asset}", "must be a class", id="no class"),
        pytest.param(b"concurrency: {pools: {default_limit: x}}", "'x' is not a int", id="no number"),
    ],
)
def test_a_description_of_the_instance_that_nobody_can_use_is_told_in_one_sentence(tmp_path: Path, description: bytes, said: str) -> None:
    (tmp_path / "dagster.yaml").write_bytes(description)
    with pytest.raises(InstanceMisdescribed, match=f"dagster.yaml; .*{re.escape(said)}.*run `assay init`") as told:
        use_instance(tmp_path)
    assert len(str(told.value)) < len(str(tmp_path)) + 400


def test_a_file_that_was_set_aside_is_named_by_an_erasure_that_cannot_read_it(tmp_path: Path) -> None:
    (tmp_path / "part.parquet.damaged").write_bytes(b"PAR1" + b"\x07" * 900)
    terms = SearchTerms(("nobody at all",), ())
    assert look(tmp_path / "part.parquet.damaged", terms)[1] == [", which is damaged: nobody can tell whom it names, so delete it"]


def left_in(table: Path, lake: Path) -> Iterator[Path]:
    """What lies below a table, by the place where each file was before anything was set aside."""
    for one in table.rglob("*"):
        _, _, before = str(one.relative_to(table)).removeprefix("_damaged/").partition("/")
        was = before if "_damaged" in one.parts else str(one.relative_to(table))
        yield (table / was.removesuffix(".damaged")).relative_to(lake)


def content_of(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    """What readers see, but for who made it and when."""
    held = shop.visible_quarantine().drop("run_id", "_publication")
    return {"bronze": sorted(shop.rows("bronze").rows()), "silver": sorted(shop.rows("silver").rows()), "held": sorted(held.rows())}
