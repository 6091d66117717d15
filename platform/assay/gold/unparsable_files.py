"""Which files of a dbt project dbt cannot parse: found by parsing it again without them, so that the other models can be had.

In the copy that is parsed, a model at fault is an empty shell, so that what reads it is still a model; any other file is not there. The
project itself is only read. dbt's message mostly names the file; where it does not, halves of the project are tried.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assay.gold.dbt_runner import DbtFailed
from assay.gold.faults import MAKES_MACROS, SQL, YAML, Fault, blamed, fault_of, is_model, is_of_unit_tests, quoting, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Parse = Callable[[Path, Path], list[Fault]]

TRIES = 48  # parses of one state of a project, a second each
SHELL = "{{ config(materialized='view', contract={'enforced': false}) }}\nselect 1 as shell\n"
PACKAGES = "dbt_packages"


def isolated(project: Path, target: Path, files: Iterable[str], parse: Parse, first: DbtFailed) -> list[Fault]:
    """Parse a project without what is at fault in it; the manifest goes to `target`. Returns the faults.

    `files` are those that dbt reads, `first` is how the parse of all of them ended. Raises DbtFailed when nothing can be parsed: then the
    fault is in the project's own settings.
    """
    search = _Search(project, target, [file for file in files if "/" in file], parse)
    message: str | None = said_by_dbt(first, project)
    while message is not None:
        if not (search.named(message) or search.quoted(message) or search.tried()):
            raise first
        message = search.failure(search.faults)
    return [*search.faults.values(), *search.let_pass]


def said_by_dbt(error: DbtFailed, project: Path) -> str:
    """What dbt itself said."""
    return error.message.removeprefix(f"Tried to parse {project}; ").replace(f"{project}/", "")


class _Search:
    """The faults that were found until now, and the tries that are left."""

    def __init__(self, project: Path, target: Path, files: Sequence[str], parse: Parse) -> None:
        self.project, self.target, self.files, self.parse = project, target, files, parse
        self.faults: dict[str, Fault] = {}
        self.tries, self.message = TRIES, ""
        self.let_pass: list[Fault] = []

    def blame(self, message: str, files: Iterable[str]) -> None:
        """Note that dbt said this of some files."""
        for file in files:
            self.faults[file] = fault_of(message, self.project, file)

    def failure(self, out: Iterable[str]) -> str | None:
        """How the parse without some files ends, in dbt's words; None when it is good."""
        self.tries -= 1
        with TemporaryDirectory(prefix="view-", dir=self.target.parent, ignore_cleanup_errors=True) as folder:
            view = Path(folder)
            write_view(self.project, view, self.files, set(out))
            shutil.rmtree(self.target, ignore_errors=True)
            try:
                self.let_pass = self.parse(view, self.target)
            except DbtFailed as error:
                self.message = said_by_dbt(error, view)
                return self.message
        return None

    def named(self, message: str) -> bool:
        """Blame the files that a message names; False if it names none that is left."""
        new = [file for file in blamed(message, self.project, self.files) if file not in self.faults]
        self.blame(message, new)
        return bool(new)

    def quoted(self, message: str) -> bool:
        """Blame the files with what a message quotes, if something else is wrong without them."""
        new = [file for file in quoting(message, self.project, self.files) if file not in self.faults]
        if not new or self.failure({*self.faults, *new}) == message:
            return False
        self.blame(message, new)
        return True

    def tried(self) -> bool:
        """Find what no message names: among the macros first, then in what describes, then in models and tests."""
        good, before = set[str](), len(self.faults)
        for rank in range(3):
            self._sift([file for file in self.files if file not in self.faults and _rank(self.project, file) == rank], good)
            if len(self.faults) > before:
                return True
        return False

    def _sift(self, group: Sequence[str], good: set[str]) -> None:
        if not group:
            return
        message = self.failure({*self.files} - good - {*group}) if self.tries > 0 else self.message
        if message is None:
            good.update(group)
        elif len(group) == 1 or self.tries <= 0:
            self.blame(message, group)
        else:
            half = len(group) // 2
            self._sift(group[:half], good)
            self._sift(group[half:], good)


def _rank(project: Path, file: str) -> int:
    if not file.endswith(SQL):
        return 1
    return 0 if not is_model(file) and MAKES_MACROS.search(text_of(project, file)) else 2


def write_view(project: Path, view: Path, files: Iterable[str], out: set[str]) -> None:
    """Make a project of the same files without those of `out`. Unit tests are never in it: they would not fit the shells."""
    shells = dict[str, str]()
    for path in [*(path.name for path in project.iterdir() if path.is_file()), PACKAGES, *files]:
        if path not in out:
            if (project / path).exists() and not (Path(path).suffix in YAML and is_of_unit_tests(text_of(project, path))):
                _link(project / path, view / path)
        elif is_model(path):
            shells[Path(path).stem] = path  # of two models of one name one
    whole = {Path(file).stem for file in files if is_model(file) and file not in out}
    for name, path in shells.items():
        if name not in whole:
            (view / path).parent.mkdir(parents=True, exist_ok=True)
            (view / path).write_text(SHELL)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve())
