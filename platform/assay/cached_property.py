"""A property that is worked out once for each object, while other objects of its class work out theirs.

Python 3.11 holds one lock for a property of all objects of a class, for as long as it works out that of one: threads that look at different
tables wait for each other, and for ever if the first waits for one of them. Python 3.12 has dropped it, and from there on this is Python's.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property  # noqa: TID251  # what it is to a type checker

    __all__ = ["cached_property"]


class Unlocked:
    """What `functools.cached_property` is from Python 3.12 on. Threads that come first together get the same object, which one has made."""

    def __init__(self, work_out: Callable[[Any], Any]) -> None:
        self.work_out, self.name, self.__doc__ = work_out, "", work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object | None, owner: type | None = None) -> Any:  # noqa: ANN401  # of whatever type it is
        if instance is None:
            return self
        return vars(instance).setdefault(self.name, self.work_out(instance))


if not TYPE_CHECKING:
    cached_property = functools.cached_property if sys.version_info >= (3, 12) else Unlocked  # noqa: TID251  # there it has no lock
