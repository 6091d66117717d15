"""Every command with every class of bad argument and environment: no traceback, another exit code than 0, a sentence that says what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

from assay.cli.exit_codes import run
from assay.cli.main import app
from flights.definitions import CONTRACTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from small_world import World

ASSAY = Path(sys.executable).parent / "assay"
LONGEST_NAME = 300
OWNER = ("--owner", "you@example.org")
CLASSES = ("missing", "empty folder", "binary", "too long")
# `{}` is what is bad of it; the classes that are not bad there are left out
PATHS = {
    ("contracts", "check", "{}"): (),
    ("contracts", "policy", "{}"): (),
    ("contracts", "diff", str(CONTRACTS), "{}"): (),
    ("contracts", "export", "flights", "--to", "{}"): ("missing", "empty folder"),
    ("new", "holidays", "--from", "{}", *OWNER): (),
    ("new", "holidays", "--from", "{sample}", *OWNER, "--to", "{}"): ("empty folder",),
    ("create", "my_platform", "--from", "{}", *OWNER): (),
    ("create", "my_platform", "--from", "{sample}", *OWNER, "--in", "{}"): ("empty folder", "missing"),
    ("erase", "--subject", "customer", "--value-from", "{}", "--yes"): (),
}
LONG = "a" * LONGEST_NAME
CALLS = [
    ("contracts", "diff", "nothing"),
    ("contracts", "diff", "nothing", "nowhere"),
    ("contracts", "export", "nothing"),
    ("contracts", "check", ""),
    ("new", LONG, "--from", "{sample}", *OWNER),
    ("new", "No Name", "--from", "{sample}", *OWNER),
    ("new", "holidays", "--from", "{sample}", "--owner", "nobody"),
    ("new", "holidays", "--from", "{sample}", *OWNER, "--event-time", "nothing"),
    ("create", "platform", "--from", "{sample}", *OWNER),
    ("create", LONG, "--from", "{sample}", *OWNER),
    ("create", "my_platform", "--from", "{sample}", "--owner", "nobody"),
    ("create", "my_platform", "--from", "{sample}", *OWNER, "--event-time", "nothing"),
    ("erase", "--subject", "nobody", "--value-from", "{sample}", "--yes"),
    ("landing", "nothing"),
    ("check-lake", "nothing"),
    ("alerts", "test", "nothing"),
    ("alerts", "nothing"),
    ("maintain", "nothing"),
    ("maintain", "--allow-empty"),
    ("sql", ""),
    ("sql", "selekt"),
    ("sql", "select 1", "--format", "xml"),
    ("quarantine", "list", "--dataset", "nothing"),
    ("quarantine", "show", "nothing"),
    ("quarantine", "history", "nothing"),
    ("quarantine", "replay", "nothing"),
    ("quarantine", "discard", "nothing", "--reason", "r", "--rule", "dest_known", "--yes"),
    ("quarantine", "discard", "flights", "--reason", "r", "--partition", "2013-02-30", "--yes"),
    ("quarantine", "restore", "nothing", "--decision", "1", "--yes"),
    ("keys", "decrypt", "nothing.here"),
    ("backfill", "--select", ""),
    ("backfill", "--select", "key:("),
    ("backfill", "--select", "silver/nothing"),
    ("backfill", "--from", "2013-01-05", "--to", "2013-01-01"),
    ("backfill", "--from", "2013-01-05"),
    ("backfill", "--from", "2013-02-30", "--to", "2013-03-01"),
    ("new", "holidays", "--from", "{sample}", *OWNER, "--rows", "0"),
    ("sql", "select 1; select 2"),
    ("sql", "drop table silver.flights"),
    ("sql", "select * from silver.nothing"),
    ("quarantine", "replay", "flights", "--from", "2013-02-01", "--to", "2013-01-01"),
    ("quarantine", "show", "flights", "--limit", "0"),
    ("quarantine", "show", "flights", "--refused", "--discarded"),
    ("quarantine", "discard", "flights", "--reason", "r"),
    ("quarantine", "discard", "flights", "--reason", "r", "--rule", "nobody_knows", "--yes"),
    ("quarantine", "restore", "flights", "--decision", "99", "--yes"),
    ("contracts", "export"),
    ("serve", "--port", "99999"),
    ("serve", "--port", "0"),
    ("nothing",),
]
HOMES = [
    ("tables",), ("views",), ("landing",), ("summary",), ("sql", "select 1"), ("init",), ("backfill",), ("quarantine", "list"), ("keys", "list"),
    ("quarantine", "show", "flights"), ("quarantine", "discard", "flights", "--reason", "r", "--rule", "dest_known", "--yes"),
    ("keys", "rotate"), ("permissions",), ("maintain",), ("alerts", "list"),
]  # fmt: skip
WRITING = [
    ("backfill",), ("init",), ("quarantine", "replay", "flights"), ("keys", "rotate"), ("maintain",),
    ("quarantine", "discard", "flights", "--reason", "r", "--rule", "dest_known", "--yes"), ("serve",),
]  # fmt: skip
NEEDS_NO_CASE = {
    ("contracts", "compile")
}  # it has no argument, and writes beside the contracts: see `test_a_project_that_cannot_be_written_to`


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What bad arguments are made of, and one good file."""
    (tmp_path / "empty folder").mkdir()
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "sample.csv").write_text("day,holiday\n2013-01-01,New Year\n")
    return tmp_path


@pytest.fixture
def at_home(place: Path, built_world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with the settings of a home that is good."""
    monkeypatch.setenv("ASSAY_HOME", str(built_world.home))
    return place


def said_by(capfd: pytest.CaptureFixture[str], place: Path, arguments: tuple[str, ...], bad: str = "") -> tuple[int, str]:
    """Run a command in this process, as `main` does. Anything but an exit code ends the test with its traceback."""
    code = run(app, [one.replace("{sample}", str(place / "sample.csv")).replace("{}", bad) for one in arguments])
    out, err = capfd.readouterr()
    return code, out + err


def commands(group: object = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of all commands there are."""
    node = typer.main.get_command(app) if group is None else group
    inner = getattr(node, "commands", None)
    if inner is None:
        yield path
    for name, one in (inner or {}).items():
        yield from commands(one, (*path, name))


def test_every_command_is_tried() -> None:
    tried = {*PATHS, *CALLS, *HOMES, *WRITING}
    lacking = {name for name in commands() if not any(call[: len(name)] == name for call in tried)} - NEEDS_NO_CASE
    assert not lacking


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [pytest.param(call, kind, id=f"{' '.join(call)} {kind}") for call, good in PATHS.items() for kind in CLASSES if kind not in good],
)
def test_a_bad_path_ends_in_a_sentence(
    arguments: tuple[str, ...], kind: str, at_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(at_home)
    code, said = said_by(capfd, at_home, arguments, LONG if kind == "too long" else str(at_home / kind))
    assert code in (1, 2), said
    assert len(said.split()) > 3, said


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_a_wrong_call_ends_in_a_sentence(arguments: tuple[str, ...], at_home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, said = said_by(capfd, at_home, arguments)
    assert code in (1, 2), said
    assert len(said.split()) > 3, said


def test_a_port_that_cannot_be_had_is_said_before_anything_starts(at_home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = said_by(capfd, at_home, ("serve", "--port", str(port)))
    assert code == 1
    assert f"Tried to serve on port {port}; address already in use. Name another with --port." in " ".join(said.split())
    code, said = said_by(capfd, at_home, ("serve", "--port", "99999"))
    assert code == 2
    assert "65535" in said
    assert "Starting" not in said


@pytest.mark.parametrize("arguments", HOMES, ids=" ".join)
def test_a_home_that_is_a_file_ends_in_a_sentence(
    arguments: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(place / "binary"))
    code, said = said_by(capfd, place, arguments)
    assert code == 1
    assert "not a folder" in said


@pytest.mark.parametrize("arguments", [one for one in HOMES if one not in [("init",), ("backfill",)]], ids=" ".join)
def test_a_home_that_is_not_there_is_not_called_empty(
    arguments: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("ASSAY_HOME", "nowhere")  # relative, too
    code, said = said_by(capfd, place, arguments)
    assert code == 1
    assert str(place / "nowhere") in said
    assert not (place / "nowhere").exists()


@pytest.fixture(scope="module")
def read_only_home(built_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home that the user of these commands may read and not write, whoever runs the tests."""
    home = tmp_path_factory.mktemp("read only") / "home"
    shutil.copytree(built_world.home, home)
    shutil.copyfile(Path(__file__).parents[1] / "fixtures" / "masking.keys", home / "masking.keys")
    for path in [home, *home.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield home
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755)


def as_anybody(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """As a user whom the permissions of files bind; root is made one by taking away what lets it pass them by."""
    bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner", "--inh-caps", "-all"] if os.getuid() == 0 else []
    environment = {"PATH": f"{ASSAY.parent}:/usr/bin:/bin", "ASSAY_HOME": str(home), "HOME": str(home)} | more
    return subprocess.run([*bound, str(ASSAY), *arguments], env=environment, capture_output=True, text=True, check=False)


needs_a_bound_user = pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="root without setpriv may write anywhere")


@needs_a_bound_user
@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_a_home_that_cannot_be_written_to_ends_in_a_sentence(arguments: tuple[str, ...], read_only_home: Path) -> None:
    done = as_anybody(read_only_home, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "written to" in done.stderr or "permission denied" in done.stderr


@needs_a_bound_user
def test_a_home_that_cannot_be_written_to_can_be_read(read_only_home: Path) -> None:
    for arguments in (("tables",), ("sql", "select count(*) from silver.flights"), ("summary",), ("quarantine", "list")):
        done = as_anybody(read_only_home, *arguments)
        assert done.returncode == 0, done.stderr


@needs_a_bound_user
def test_a_file_that_must_not_be_read_ends_in_a_sentence(read_only_home: Path) -> None:
    secret = read_only_home.parent / "secret.csv"
    secret.write_text("day\n2013-01-01\n")
    secret.chmod(0)
    for arguments in (("contracts", "check", str(secret)), ("new", "x", "--from", str(secret), *OWNER)):
        done = as_anybody(read_only_home, *arguments)
        assert done.returncode in (1, 2)
        assert "not readable" in " ".join(done.stderr.replace("│", " ").split())
        assert "Traceback" not in done.stderr


@needs_a_bound_user
def test_a_dbt_project_that_cannot_be_written_to_ends_in_a_sentence(built_world: World, tmp_path: Path) -> None:
    project = built_world.copy_to(tmp_path / "home").own_dbt_project()
    (project / "models" / "sources.yml").unlink()
    (project / "models").chmod(0o555)
    done = as_anybody(tmp_path / "home", "contracts", "compile", ASSAY_DBT_PROJECT=str(project))
    (project / "models").chmod(0o755)
    assert done.returncode == 1
    assert "sources.yml; permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def piped(home: Path, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{ASSAY.parent}:/usr/bin:/bin", "ASSAY_HOME": str(home), "HOME": str(home)} | more
    return subprocess.run(["/bin/bash", "-c", command], env=environment, capture_output=True, text=True, check=False)


def test_a_reader_that_has_seen_enough_gets_no_traceback(built_world: World) -> None:
    for form in ("csv", "json", "table"):
        done = piped(built_world.home, f"assay sql 'select * from range(300000)' --format {form} | head -n 1; echo ${{PIPESTATUS[0]}}")
        assert done.stderr == ""
        assert form == "table" or done.stdout.splitlines()[-1] == "1"


def test_what_has_no_room_is_said(built_world: World) -> None:
    done = piped(built_world.home, "assay tables > /dev/full")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_terminal_without_letters_is_no_reason_to_fail(built_world: World) -> None:
    for settings in ({"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}):
        done = piped(built_world.home, "assay sql \"select 'Zoë' as name\"; assay tables", **settings)
        assert done.returncode == 0, done.stderr


def test_data_are_printed_as_they_are_and_what_a_terminal_would_obey_as_escapes(built_world: World) -> None:
    done = piped(built_world.home, "assay sql \"select ':smile: [bold]x' || chr(27) || '[31m' as \\\":x:\\\"\"")
    assert r":smile: [bold]x\x1b[31m" in done.stdout
    assert ":x:" in done.stdout
    assert "\x1b" not in done.stdout
