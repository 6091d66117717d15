"""A release: its version, its section in the changelog, the format of the lakes that it writes."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from assay.cli.main import app
from assay.code_version import release
from assay.lake.format import FORMAT
from assay.project_root import CHECKOUT
from command_line import shell

if TYPE_CHECKING:
    from pathlib import Path

CHANGELOG = (CHECKOUT / "CHANGELOG.md").read_text()
SECTIONS = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})\n(.*?)(?=^## |\Z)", CHANGELOG, re.MULTILINE | re.DOTALL)
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]


def test_the_newest_release_of_the_changelog_is_the_version_of_the_package() -> None:
    assert [number for number, *_ in SECTIONS][:1] == [PROJECT["version"]] == [version("assay")]
    assert CHANGELOG.index("## [Unreleased]") < CHANGELOG.index(f"## [{PROJECT['version']}]")
    days = [day for _, day, _ in SECTIONS]
    assert days == sorted(days, reverse=True)


def test_each_release_says_which_format_it_writes_and_the_newest_says_that_of_the_code() -> None:
    said = [re.findall(r"Lake format (\d+)", text) for *_, text in SECTIONS]
    assert all(len(found) == 1 for found in said), said
    assert said[0] == [str(FORMAT)], "a raised format needs a release that says so: see CONTRIBUTING.md"


def test_the_command_line_says_release_and_format(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--version"], env=shell(tmp_path))
    assert (done.exit_code, done.output) == (0, f"assay {release()}, lake format {FORMAT}\n")
    assert not any(tmp_path.iterdir())
