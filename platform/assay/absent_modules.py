"""Modules that are installed, and that a library would load beside what is wanted of it: it is imported as if they were not there."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType


@contextmanager
def not_installed(*names: str) -> Iterator[None]:
    """Inside, this thread finds no module of these names that was not imported before."""

    class Finder:
        thread = threading.get_ident()

        @classmethod
        def find_spec(cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
            del path, target
            if name in names and threading.get_ident() == cls.thread:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    sys.meta_path.insert(0, Finder)
    try:
        yield
    finally:
        sys.meta_path.remove(Finder)


def import_arrow_alone() -> None:
    """Import PyArrow without NumPy, which is two thirds of its time, for a process that hands no arrays on. One that has it keeps it."""
    with not_installed("numpy"):
        import pyarrow  # noqa: F401, ICN001
