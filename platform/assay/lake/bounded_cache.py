"""A cache of bounded weight for several threads: what was asked for longest ago goes first, and the newest stays whatever it weighs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Values by key, as long as they weigh no more than `most` together. A value is weighed whenever it is kept or asked for, since it may
    grow meanwhile; one that weighs nothing is as heavy as 1, so that their number has an end too.
    """

    def __init__(self, weigh: Callable[[V], int], most: int) -> None:
        self._weigh, self._most, self._lock = weigh, most, threading.Lock()
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._total = 0

    def get(self, key: K) -> V | None:
        """The value that is kept, which was asked for just now."""
        with self._lock:
            if key not in self._kept:
                return None
            value = self._kept[key][0]
            self._put(key, value)
            return value

    def keep(self, key: K, value: V) -> None:
        """Keep a value in place of the one before."""
        with self._lock:
            self._put(key, value)
            while len(self._kept) > 1 and self._total > self._most:
                _, (_, weight) = self._kept.popitem(last=False)
                self._total -= weight

    def _put(self, key: K, value: V) -> None:
        weight = max(self._weigh(value), 1)
        self._total += weight - self._kept.pop(key, (value, 0))[1]
        self._kept[key] = value, weight
