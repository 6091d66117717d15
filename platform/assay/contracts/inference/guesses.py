"""What drafting says and from what: a guess with its reason, the facts of a sample that its rows do not tell.

No value of the sample is kept here but in the guesses themselves, and those of personal columns never name one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.contracts.language.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

FEW = 5  # so many values more would halve the doubt of a guess


@dataclass(frozen=True, slots=True)
class Guess:
    """Something that a draft says: about what, why (with counts), and how certain it is, from 0 to 1."""

    about: str
    reason: str
    certainty: float


@dataclass(frozen=True, slots=True)
class Declared:
    """The type that a file itself declares for a column: ODCS's logical type, and the physical one where the file fixes a width."""

    logical: str
    physical: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the rows of a sample come from: the file's name without folders, its format and encoding, whether all of it was read.

    `declared` are the types of a format that has types, by column; `dialect` is how a text file is spelled.
    `roots` are the landing columns in which columns begin that are paths into nested values.
    """

    dataset: str
    owner: str
    file: str
    format: str
    encoding: str = "UTF-8"
    is_whole: bool = True
    declared: Mapping[str, Declared] = field(default_factory=dict)
    event_time: str | None = None
    dialect: Dialect = field(default_factory=Dialect)
    dialect_guess: Guess | None = None
    roots: Mapping[str, str] = field(default_factory=dict)


def trust(seen: int) -> float:
    """How far so many values can be trusted to show what all others look like: 0 for none, near 1 for many."""
    return seen / (seen + FEW)


def counted(number: int, what: str) -> str:
    """A number with its noun: `1 row`, `1,204 rows`."""
    plural = what if number == 1 else what.removesuffix("y") + "ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {plural}"
