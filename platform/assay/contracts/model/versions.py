"""Versions of contracts, read and ordered by semantic versioning (semver.org). What a change needs is said in `compatibility`."""

from __future__ import annotations

import re
from dataclasses import dataclass

SEMVER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


@dataclass(frozen=True, slots=True)
class Version:
    """The three numbers and the identifiers of a pre-release, which come before the release itself."""

    numbers: tuple[int, int, int]
    pre: tuple[tuple[bool, int, str], ...] = ()

    @classmethod
    def read(cls, text: str) -> Version | None:
        """Read `1.2.3`, `1.2.3-rc.1` or `1.2.3+build`; None for anything else."""
        found = SEMVER.fullmatch(text)
        if found is None:
            return None
        pre = tuple(_identifier(part) for part in found.group(4).split(".")) if found.group(4) else ()
        return cls((int(found.group(1)), int(found.group(2)), int(found.group(3))), pre)

    def precedes(self, other: Version) -> bool:
        """Whether this version is lower, by the order of semver.org, section 11."""
        return (self.numbers, not self.pre, self.pre) < (other.numbers, not other.pre, other.pre)


def major_of(text: str) -> int:
    """The first number of a version; 0 for a text that is none."""
    found = Version.read(text)
    return found.numbers[0] if found else 0


def _identifier(part: str) -> tuple[bool, int, str]:
    """Numbers count as numbers and come before words."""
    return (False, int(part), "") if part.isdigit() else (True, 0, part)
