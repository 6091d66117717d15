"""A look that goes on beside other work, in a thread of its own, and ends with that work."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def beside(name: str, look: Callable[[threading.Event], None]) -> Iterator[None]:
    """Inside, a thread of this name looks. `look` ends when the event that it is given is set, and is waited for."""
    over = threading.Event()
    thread = threading.Thread(target=look, args=(over,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
