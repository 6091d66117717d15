"""Assay. `assay.LakeComponent` is what a `defs.yaml` of Dagster names; it is imported when it is asked for, and nothing else is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.orchestration.component import LakeComponent

__all__ = ["LakeComponent"]


def __dir__() -> list[str]:
    return [*globals(), *__all__]  # Dagster looks here for components


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from assay.orchestration.component import LakeComponent

    return LakeComponent
