"""A limit for the whole of a conversation: a server that sends a byte every few seconds would keep a timeout of each read from passing."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 10.0  # of a whole conversation, and of each wait in it


@contextmanager
def within(seconds: float, of: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Inside, the socket that `of` gives is shut when the time is over, so whoever waits for it fails. Raises TimeoutError then."""
    over = threading.Event()

    def end() -> None:
        over.set()
        if (found := of()) is not None:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except OSError as error:
        if not over.is_set():
            raise
        raise TimeoutError(f"it took more than {seconds:.0f} s") from error
    finally:
        timer.cancel()
    if over.is_set():  # an answer that ended where the socket was shut may look whole
        raise TimeoutError(f"it took more than {seconds:.0f} s")
