"""Who on this machine may use what Assay makes: its owner alone, or a group as well; a home that is open is told, and closed when asked."""

from __future__ import annotations

import grp
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import command_line
from assay.cli.homes import make_folders
from assay.errors import SettingsError
from assay.orchestration.build import build_definitions
from assay.project_root import CHECKOUT
from assay.settings import Settings, load_settings
from flights.definitions import CONTRACTS
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from small_world import World

    from command_line import Done

OPEN_TO_ALL = 0o022  # the umask that most users have
GROUP = grp.getgrgid(os.getegid()) if os.geteuid() else next(one for one in grp.getgrall() if one.gr_gid != os.getegid())


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """A user whose files are read by all."""
    with umask(OPEN_TO_ALL):
        yield


def carelessly(*arguments: str) -> None:
    """The work of a process: a command, of a user whose files are read by all."""
    os.umask(OPEN_TO_ALL)
    command_line.as_program("", *arguments)


def backfill_carelessly(home: Path, *more: str, **variables: str) -> None:
    day = ("--from", "2013-01-01", "--to", "2013-01-01")
    child = Child.start(carelessly, "backfill", *day, *more, environment=command_line.shell(home, **variables))
    child.process.join()
    assert child.process.exitcode == 0, child.stdout.read()


def assay(home: Path, *arguments: str, **more: str) -> Done:
    return command_line.assay(*arguments, environment=command_line.shell(home, **more))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def made(home: Path) -> dict[str, int]:
    """The modes of everything in a home but what upstream let land."""
    paths = [home, *home.rglob("*")]
    return {str(path.relative_to(home)): mode(path) for path in paths if home / "landing" not in path.parents and not path.is_symlink()}


def test_nobody_else_can_read_what_a_backfill_of_every_layer_made(empty_world: World) -> None:
    empty_world.drop()
    assert mode(empty_world.home) == 0o755

    backfill_carelessly(empty_world.home)

    found = made(empty_world.home)

    assert any(path.startswith("lake/gold/") for path in found)
    assert any(path.startswith("dagster/") and path.endswith(".db") for path in found)
    assert {path: oct(bits) for path, bits in found.items() if bits & 0o077} == {}


def test_a_group_shares_a_home_with_its_owner_but_not_the_keys(empty_world: World) -> None:
    empty_world.drop()

    backfill_carelessly(empty_world.home, "--select", '+key:"silver/planes"', ASSAY_GROUP=GROUP.gr_name)

    found = made(empty_world.home)

    assert found.pop("masking.keys") == 0o600
    folders = {path for path in found if (empty_world.home / path).is_dir()}
    assert {path: oct(found[path]) for path in folders if found[path] != 0o2770} == {}
    assert {path: oct(bits) for path, bits in found.items() if path not in folders and bits != 0o660} == {}
    assert {(empty_world.home / path).stat().st_gid for path in found} == {GROUP.gr_gid}


def test_a_home_in_use_keeps_its_mode_and_every_command_that_works_in_it_says_that_it_is_open(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert assay(home, "init").stderr == ""
    assert mode(home) == 0o700
    home.chmod(0o755)

    again = assay(home, "init")

    assert mode(home) == 0o755
    assert again.stderr == f"assay: {home} is open to other users of this machine; `assay permissions --mend` closes it.\n"


def test_what_is_open_is_named_and_mended_but_what_lies_behind_a_link_or_landed_is_left_alone(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    assay(home, "init")
    outside.mkdir()
    (outside / "theirs").write_text("")
    (home / "landing/sales.csv").write_text("")
    (home / "lake/silver").mkdir()
    (home / "lake/silver/part.parquet").write_text("")
    (home / "lake/linked").symlink_to(outside)
    (home / "lake/file").symlink_to(outside / "theirs")
    (home / "masking.keys").chmod(0o644)

    told = assay(home, "permissions")

    assert told.returncode == 1
    assert [line.split()[0] for line in told.stdout.splitlines()[:-1]] == ["0644", "0755", "0644"]
    assert "cannot reach them" in told.stdout
    assert assay(home, "permissions", "--mend").returncode == 0
    assert assay(home, "permissions").stdout == "All is as it should be.\n"
    assert {path for path, bits in made(home).items() if bits & 0o077} == set()
    assert (mode(outside), mode(outside / "theirs"), mode(home / "landing/sales.csv")) == (0o755, 0o644, 0o644)


def test_a_home_that_becomes_a_groups_is_given_to_it_by_the_same_command(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assay(home, "init")

    assert assay(home, "permissions", ASSAY_GROUP=GROUP.gr_name).returncode == 1
    assert assay(home, "permissions", "--mend", ASSAY_GROUP=GROUP.gr_name).returncode == 0

    assert (mode(home), mode(home / "lake"), mode(home / "dagster/dagster.yaml")) == (0o2770, 0o2770, 0o660)
    assert mode(home / "masking.keys") == 0o600
    assert home.stat().st_gid == GROUP.gr_gid


def test_a_folder_that_holds_other_things_too_is_not_closed_to_those_who_use_it(tmp_path: Path) -> None:
    (tmp_path / "somebody").mkdir()
    settings = Settings(tmp_path, CHECKOUT / "dbt_project")

    tmp_path.chmod(0o755)
    make_folders(settings)

    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "lake") == 0o700


def test_a_code_location_makes_private_files_whoever_started_it(tmp_path: Path) -> None:
    build_definitions(Settings(tmp_path, CHECKOUT / "dbt_project"), CONTRACTS)

    (tmp_path / "file").touch()

    assert mode(tmp_path / "file") == 0o600


def test_what_belongs_to_the_checkout_is_shared_as_its_other_files_are(tmp_path: Path) -> None:
    exported = assay(tmp_path, "contracts", "export", "flights", "--to", str(tmp_path / "pages"))

    assert exported.returncode == 0, exported.stderr
    assert mode(tmp_path / "pages") == 0o755
    assert {mode(file) for file in (tmp_path / "pages").iterdir()} == {0o644}


def test_a_landing_folder_elsewhere_keeps_the_mode_that_its_owner_gave_it(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop").chmod(0o1777)

    done = assay(tmp_path / "home", "init", ASSAY_LANDING=str(tmp_path / "drop"))

    assert done.returncode == 0, done.stderr
    assert mode(tmp_path / "drop") == 0o1777
    assert not (tmp_path / "home/landing").exists()


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [("ASSAY_GROUP", "no such group", "there is no such group"), ("ASSAY_LANDING", "/nowhere", "ASSAY_LANDING is /nowhere, which is not")],
)
def test_a_setting_that_names_nothing_is_refused(variable: str, value: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        load_settings({variable: value})
