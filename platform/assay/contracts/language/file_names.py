"""What the names of landing files say: the moment of an arrival, and which of two files is the later one.

Told by the name alone, so that every machine says the same: copies of a file have other times of modification. Files themselves are the
business of `ingest`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from assay.contracts.language.date_formats import ARRIVAL_PLACE, strptime_format
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    FileOrder = tuple[datetime, tuple[str | int, ...], str]

TWO, ONE_OR_TWO = "[0-9]{2}", "[0-9]{1,2}"
DIGITS = {"%Y": "[0-9]{4}", "%m": TWO, "%d": TWO, "%H": TWO, "%M": TWO, "%S": TWO, "%-m": ONE_OR_TWO, "%-d": ONE_OR_TWO, "%-H": ONE_OR_TWO}
DIRECTIVE = re.compile("(" + "|".join(DIGITS) + ")")
PARTS = re.compile(r"(\{arrival:[^}]+\}|\*)")
NUMBER = re.compile("([0-9]+)")
LONGEST = 255  # bytes of a name in a folder
MOST_STARS = 5  # each is tried at every place of a name


@dataclass(frozen=True, slots=True)
class ArrivalNames:
    """The names of a source's files: `expression` has the group `arrival`, a date in the `format` of strptime."""

    expression: re.Pattern[str]
    format: str

    def moment(self, name: str) -> datetime | None:
        """When a file arrived, as its name says it, without a zone; None for a name of another form, or a date that there is not."""
        match = self.expression.fullmatch(name)
        return _moment(match.group("arrival"), self.format) if match else None

    def order(self, name: str) -> FileOrder:
        """By what files are sorted, the latest last: the moment in the name, then the name with numbers by their size, then its letters.

        A name of another form, as of files that landed under an earlier path, comes before all others.
        """
        natural = tuple(int(part) if place % 2 else part for place, part in enumerate(NUMBER.split(name)))
        return self.moment(name) or datetime.min, natural, name  # noqa: DTZ901  # moments in names have no zone


@lru_cache(1_000)
def arrival_names(path: str) -> ArrivalNames:
    """The names of the files of a path, in which `*` stands for anything. Raises ContractInvalid if it holds no `{arrival:FORMAT}`."""
    place = ARRIVAL_PLACE.search(path)
    if place is None:
        raise ContractInvalid(f"The path {path!r} has no {{arrival:FORMAT}}.", hint="Such as flights/flights_{arrival:yyyy-MM-dd}.csv.")
    format_ = strptime_format(place.group(1))
    return ArrivalNames(re.compile("".join(_expression(part, format_) for part in PARTS.split(path))), format_.replace("%-", "%"))


def parts_of(path: str) -> list[str]:
    """The folders of a path and its file, `*` where the arrival stands, which may be several folders: `{arrival:yyyy/MM/dd}`."""
    return ARRIVAL_PLACE.sub(lambda place: "/".join("*" for _ in place.group(1).split("/")), path).split("/")


def out_of_landing(path: str) -> tuple[str, str] | None:
    """Why a path cannot name files below the landing folder, with what to write instead; None if it can."""
    hint = "Give it relative to the landing folder, such as flights/flights_{arrival:yyyy-MM-dd}.csv."
    parts = ARRIVAL_PLACE.sub("0", path).split("/")
    if path.startswith(("/", "~")) or ".." in parts:
        return f"the path {path[:LONGEST]!r} leads out of the landing folder", hint
    if any(part in ("", ".") for part in parts) or not path.isprintable() or "\\" in path:
        return f"the path {path[:LONGEST]!r} has a part that is no name of a file or folder", hint
    if any(len(part.encode()) > LONGEST for part in parts):
        return f"the path has a part of more than {LONGEST} bytes, and no file is called so", hint
    if len(ARRIVAL_PLACE.findall(path)) > 1:
        return f"the path {path!r} says its arrival twice", "Say it once, and * where the other is."
    if path.count("*") > MOST_STARS:
        return f"the path {path!r} has more than {MOST_STARS} stars", "A name that so much may stand in tells no date."
    return None


@lru_cache(10_000)  # strptime is half of what it costs to list a folder, and a plan, a survey and a run all ask for the same days
def _moment(text: str, format_: str) -> datetime | None:
    try:
        return datetime.strptime(text, format_)  # noqa: DTZ007  # a name has no zone
    except ValueError:
        return None


def _expression(part: str, format_: str) -> str:
    """A regular expression for one part of a path. The date takes as many digits as its format says: what follows may be digits too."""
    if ARRIVAL_PLACE.fullmatch(part):
        return f"(?P<arrival>{''.join(DIGITS.get(piece, re.escape(piece)) for piece in DIRECTIVE.split(format_))})"
    return "[^/]*" if part == "*" else re.escape(part)
