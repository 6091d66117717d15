"""Versions of contracts: read by semantic versioning (semver.org), compared, and held against the bump that the changes need.

Below 1.0.0 the next lower part stands in: a break needs a new minor version, everything else a new patch, as package managers read 0.x.
"""

from __future__ import annotations

from assay.contracts.compatibility.kinds import Bump
from assay.contracts.model.versions import Version


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
