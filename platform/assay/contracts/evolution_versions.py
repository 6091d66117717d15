"""Versions of contracts: read by semantic versioning (semver.org), compared, and held against the bump that the changes need.

Below 1.0.0 the next lower part stands in: a break needs a new minor version, everything else a new patch, as package managers read 0.x.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.contracts.evolution_kinds import Bump

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


def declared_bump(old: Version, new: Version) -> Bump:
    """Which part of the version grew. A pre-release promises nothing: what follows it may change everything."""
    if not old.precedes(new):
        return Bump.NONE
    if old.pre:
        return Bump.MAJOR
    part = next((place for place in range(3) if new.numbers[place] != old.numbers[place]), 2)
    return (Bump.MAJOR, Bump.MINOR, Bump.PATCH)[part]


def needed_bump(old: Version, required: Bump) -> Bump:
    """What must be declared for changes that require a bump: one part less below 1.0.0."""
    if old.numbers[0] == 0 and required > Bump.PATCH:
        return Bump(required - 1)
    return required


def complaint(old: str, new: str, required: Bump) -> str | None:
    """Why the declared version is not enough for changes that require a bump; None if it is."""
    if old == new and required is Bump.NONE:
        return None
    before, after = Version.read(old), Version.read(new)
    if after is None:
        return f"{new!r} is no version of the form 1.2.3"
    if before is None:
        return None  # the first version of that form
    if after.precedes(before):
        return f"the version goes backwards, from {old} to {new}"
    needed, declared = needed_bump(before, required), declared_bump(before, after)
    if declared >= needed:
        return None
    return f"the changes need a {needed} version after {old}: {smallest(before, needed)} or higher, not {new}"


def smallest(old: Version, needed: Bump) -> str:
    """The lowest version that is enough."""
    major, minor, patch = old.numbers
    if old.pre:
        return f"{major}.{minor}.{patch}"
    return {Bump.MAJOR: f"{major + 1}.0.0", Bump.MINOR: f"{major}.{minor + 1}.0", Bump.PATCH: f"{major}.{minor}.{patch + 1}"}[needed]
