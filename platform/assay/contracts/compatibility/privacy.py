"""How the protection of a column differs: whether more of it becomes readable, less of it, or something else.

Pure comparisons of two values, each of which names a kind of change, or None when nothing changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.model.contract import MaskingMethod

if TYPE_CHECKING:
    from assay.contracts.model.contract import Masking

RANKS = {"": -1, "public": 0, "internal": 1, "confidential": 2, "personal": 2, "restricted": 3}
STRENGTH = {
    MaskingMethod.TRUNCATE: 1, MaskingMethod.GENERALIZE: 1, MaskingMethod.TOKENIZE: 2, MaskingMethod.ENCRYPT: 2, MaskingMethod.NULLIFY: 3,
}  # fmt: skip
COARSENESS = ("day", "month", "year")
MASKING = ("method", "keep", "to")  # the fields of a masking that are compared here


def classification(old: str, new: str) -> str | None:
    """Raised, lowered, or without a known order. No class at all counts as the lowest."""
    if old == new:
        return None
    before, after = RANKS.get(old.lower()), RANKS.get(new.lower())
    if before is None or after is None or (before == after and old.lower() != new.lower()):
        return "classification_changed"
    if before == after or (before < 0 and after == 0):
        return "reworded"  # the same class, or said for the first time to be open
    return "classification_raised" if after > before else "classification_lowered"


def masking(old: Masking | None, new: Masking | None) -> str | None:
    """Whether a column shows more or less of its values. Each change gives other values, so all of them break joins."""
    if old == new:
        return None
    if old is None or new is None:
        return "masking_added" if old is None else "masking_removed"
    if old.method is not new.method:
        return _named(STRENGTH[new.method] - STRENGTH[old.method])
    if old.keep is not None and new.keep is not None and old.to == new.to:
        return _named(old.keep - new.keep)
    before, after = _coarseness(old.to), _coarseness(new.to)
    comparable = before is not None and after is not None and isinstance(old.to, str) == isinstance(new.to, str) and old.keep == new.keep
    return _named((after or 0) - (before or 0)) if comparable else "masking_changed"


def _named(stronger: float) -> str:
    if stronger == 0:
        return "masking_changed"
    return "masking_tightened" if stronger > 0 else "masking_loosened"


def _coarseness(to: str | float | None) -> float | None:
    if isinstance(to, str):
        return COARSENESS.index(to) if to in COARSENESS else None
    return to


def subject(old: str | None, new: str | None) -> str | None:
    """Whether requests of a person find the column."""
    return None if old == new else "subject_changed"
