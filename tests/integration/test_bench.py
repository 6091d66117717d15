"""The measures start what a user starts: whoever moves the command line learns here that they would measure nothing."""

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"


def bench(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=BENCH, capture_output=True, text=True, check=False)


def test_a_side_of_a_measure_runs_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    ran = bench("import sys, pathlib, worlds; worlds.assay(pathlib.Path(sys.argv[1]), 'tables')", str(tmp_path / "home"))
    assert ran.returncode == 0, ran.stderr
    refused = bench("import sys, pathlib, worlds; worlds.assay(pathlib.Path(sys.argv[1]), 'tables')", str(tmp_path / "none"))
    assert f"Tried to read {tmp_path / 'none'}" in refused.stderr, "the command runs in the home that it is given"


def test_what_the_profile_runs_gives_the_process_back() -> None:
    ran = bench("import sys, hotspots; sys.argv[1:] = ['--help']; exec(hotspots.COMMANDS); print('still here')")
    assert ran.stdout.endswith("still here\n"), ran.stderr


def test_no_setting_of_whoever_measures_reaches_a_side() -> None:
    code = "import os, clock; os.environ.update(ASSAY_HOME='h', DAGSTER_HOME='h', PYTHONDONTWRITEBYTECODE='1'); print(clock.clean_environment({}))"
    said = bench(code).stdout
    assert "PATH" in said
    assert not any(name in said for name in ("ASSAY_HOME", "DAGSTER_HOME", "PYTHONDONTWRITEBYTECODE"))


def test_every_measure_finds_what_it_imports() -> None:
    names = sorted(path.stem for path in BENCH.glob("*.py"))
    ran = bench(f"import {', '.join(names)}")
    assert (ran.returncode, "data_plane" in names) == (0, True), ran.stderr


def test_a_tower_of_models_is_looked_through_once_not_along_every_way(tmp_path: Path) -> None:
    code = "import growth, sys, pathlib; print(growth.look(pathlib.Path(sys.argv[1]), 60, 1))"
    ran = bench(code, str(tmp_path))  # along every way it would look a thousand million times
    assert ran.returncode == 0, ran.stderr
