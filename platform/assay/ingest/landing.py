"""The landing folder: which files there are, and to which arrival each belongs.

A contract's path holds one `{arrival:FORMAT}`; the rest of the name may hold `*`. Files whose names start with a dot are still being
written and do not exist yet. A file is known by its content: its hash tells a new delivery from the same one again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from assay.contracts.dates import ARRIVAL_PLACE, strptime_format
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from assay.contracts.model import LandingSource

DIGITS = {"%Y": r"\d{4}", "%m": r"\d\d", "%d": r"\d\d", "%H": r"\d\d", "%M": r"\d\d", "%S": r"\d\d", "%-m": r"\d\d?", "%-d": r"\d\d?"}
DIRECTIVE = re.compile("(" + "|".join(DIGITS) + ")")
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One file that landed: `name` is its path below the landing folder."""

    path: Path
    name: str
    arrival: date

    def content_hash(self) -> str:
        """The hash of the file's bytes, 32 hexadecimal digits."""
        digest = hashlib.blake2b(digest_size=16)
        with self.path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
        return digest.hexdigest()


def landed(landing: Path, source: LandingSource) -> list[LandingFile]:
    """Every file of a source, by arrival date and name. A name whose date cannot be read belongs to nobody and is left out."""
    place = ARRIVAL_PLACE.search(source.path)
    if place is None:
        raise ContractInvalid(
            f"The path {source.path!r} has no {{arrival:FORMAT}}.", hint="Such as flights/flights_{arrival:yyyy-MM-dd}.csv."
        )
    pattern = strptime_format(place.group(1))
    name = re.compile("".join(_expression(part, pattern) for part in re.split(r"(\{arrival:[^}]+\}|\*)", source.path)))
    found = []
    for path in landing.glob(re.sub(r"\*+", "*", ARRIVAL_PLACE.sub("*", source.path))):
        relative = str(path.relative_to(landing))
        if path.name.startswith(".") or not path.is_file() or not (match := name.fullmatch(relative)):
            continue
        if (arrival := _arrival(match.group("arrival"), pattern)) is not None:
            found.append(LandingFile(path, relative, arrival))
    return sorted(found, key=lambda file: (file.arrival, file.name))


def _expression(part: str, pattern: str) -> str:
    """A regular expression for one part of a path. The date takes as many digits as its format says: what follows may be digits too."""
    if ARRIVAL_PLACE.fullmatch(part):
        return f"(?P<arrival>{''.join(DIGITS.get(piece, re.escape(piece)) for piece in DIRECTIVE.split(pattern))})"
    return "[^/]*" if part == "*" else re.escape(part)


def _arrival(text: str, pattern: str) -> date | None:
    try:
        return datetime.strptime(text, pattern.replace("%-", "%")).date()  # noqa: DTZ007  # a calendar date has no zone
    except ValueError:
        return None


def once_by_content(files: Iterable[LandingFile]) -> list[tuple[LandingFile, str]]:
    """The files with their hashes, without later copies of a content that was there already."""
    seen: dict[str, LandingFile] = {}
    for file in files:
        seen.setdefault(file.content_hash(), file)
    return [(file, digest) for digest, file in seen.items()]
