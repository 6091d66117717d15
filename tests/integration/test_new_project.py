"""The engine away from its checkout: the wheel, a project made with it in any folder, and that project's own `make run` and `make test`.

What the lock file names is not installed again: the environments here find it where it is. The checkout's own engine they do not find.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from assay.project_root import CHECKOUT

pytestmark = pytest.mark.slow

GUIDE = (CHECKOUT / "docs/new_project.md").read_text()
TICKETS = "ticket,opened_at,priority,refund\n" + "".join(
    f"{n},2024-0{1 + n % 3}-{1 + n % 28:02} {10 + n % 12}:30:00,{'high' if n % 3 else 'normal'},{n % 20}.50\n" for n in range(200, 290)
)


def said(command: list[str], folder: Path, **more: str) -> str:
    """What a command prints, started as a person would who has set nothing. Fails with all of it unless the command succeeds."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)} | more
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def environment_with(place: Path, *installed: str, folder: Path) -> Path:
    """A virtual environment with these, by pip's words, and with what the lock file names. Returns its folder of programs."""
    said([sys.executable, "-m", "venv", "--without-pip", str(place)], folder)
    site = place / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    (site / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")  # a path alone: that of the checkout's engine is not followed
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation"]
    said([*uv, "--python", str(place / "bin/python"), *installed], folder)
    pytest_here = place / "bin/pytest"
    pytest_here.write_text(f'#!/bin/sh\nexec {place}/bin/python -m pytest "$@"\n')
    pytest_here.chmod(0o755)
    return place / "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    said([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], CHECKOUT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the guide says it, up to `make`: the wheel is installed, and a project made from a sample."""
    folder = tmp_path_factory.mktemp("somewhere")
    (folder / "tickets_2024-03-31.csv").write_text(TICKETS)
    bin_ = environment_with(folder / "tools", str(wheel), folder=folder)
    where = said([str(bin_ / "python"), "-c", "import assay.settings; print(assay.settings.__file__)"], folder).strip()
    assert where.startswith(str(folder)), "the engine is the wheel's"
    assert said([str(bin_ / "assay"), "--version"], folder).startswith(f"assay {wheel.name.split('-')[1]}, lake format ")
    command = ["create", "my_platform", "--from", "tickets_2024-03-31.csv", "--owner", "you@example.org"]
    assert f"assay {' '.join(command)}" in GUIDE
    assert "make run" in said([str(bin_ / "assay"), *command], folder)
    made = folder / "my_platform"
    assert [path.name for path in (made / "wheels").iterdir()] == [wheel.name], "it takes its engine along"
    environment_with(made / ".venv", f"wheels/{wheel.name}", "-e", ".", folder=made)
    (made / ".venv/.ready").touch()
    return made


def test_make_run_and_make_test_work_at_once(project: Path) -> None:
    ran = said(["make", "run", "SERVE=no"], project)
    assert "landed 90 = published 90 + held 0" in ran
    assert "gold/tickets_by_" in ran
    assert str(CHECKOUT) not in ran, "all that it works with is its own"
    assert "good: tickets" in said(["make", "check"], project)
    assert "3 passed" in said(["make", "test"], project)
    for command in ("make run", "make test"):
        assert command in GUIDE


def test_a_project_is_worked_in_from_within_it_alone(project: Path, tmp_path: Path) -> None:
    assay = str(project / ".venv/bin/assay")
    assert "silver/tickets" in said([assay, "tables"], project / "tests")
    done = subprocess.run([assay, "tables"], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert (done.returncode, "Tried to find the project; neither" in done.stderr) == (1, True)
    assert "silver/tickets" in said([assay, "tables"], tmp_path, ASSAY_PROJECT=str(project))
