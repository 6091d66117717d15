"""The files of a new project: a template whose names and texts are filled in with what the user calls things."""

from __future__ import annotations

import keyword
import re
import string
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEMPLATE = Path(__file__).parent / "template"
AS_TEXT = ".txt"  # ends the name of a template that tools would take for a module of the engine
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Words:
    """What fills the template: `name` is the project's and its product's, `dataset` and `model` are the first ones.

    `engine` is what pip is told to install, `private` the folders that git leaves out because they look personal.
    """

    name: str
    dataset: str
    model: str
    engine: str
    private: tuple[str, ...] = ()

    def filled(self) -> Mapping[str, str]:
        """The words by the names that stand for them."""
        return {
            "name": self.name, "product": self.name, "title": self.name.replace("_", " ").capitalize(),
            "distribution": self.name.replace("_", "-"), "dataset": self.dataset, "model": self.model, "engine": self.engine,
            "private": "\n".join(self.private),
        }  # fmt: skip


class _Template(string.Template):
    delimiter = "@@"


def require_name(name: str) -> None:
    """Raise SettingsError for a name that no package can have here: its module would hide another, or be hidden by one."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise SettingsError(f"{name!a} is no name of a project.", hint="Small letters, digits and _, such as my_platform.")
    if find_spec(name) is not None:
        hint = "Choose another, such as one with your organisation's name in it."
        raise SettingsError(f"A Python module is called {name} already; one of the two would hide the other.", hint=hint)


def project_files(words: Words) -> Iterator[tuple[str, str]]:
    """Path and text of each file of a project but its contracts, its dbt project and its samples."""
    filled = words.filled()
    for path in sorted(TEMPLATE.rglob("*")):
        if path.is_file():
            place = _Template(path.relative_to(TEMPLATE).as_posix()).substitute(filled)
            yield place.removesuffix(AS_TEXT), _Template(path.read_text(encoding="utf-8")).substitute(filled).rstrip("\n") + "\n"
