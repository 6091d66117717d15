"""Where `assay` and `python -m assay.cli` begin: a signal, or too little memory, ends them with one line, also while Python still imports
the commands.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
TOO_LITTLE = b"assay: There is not enough memory to begin. Give it more memory, or fewer processes beside it, and run it again.\n"


def _end(number: int, _: object) -> None:
    os.write(2, f"assay: stopped by {WORDS[signal.Signals(number)]}.\n".encode())
    os._exit(128 + number)


def _all_commands() -> Callable[..., object]:
    from assay.cli.main import app

    return app


def main() -> None:
    """Run the command line; `assay.stopping` says what signals mean once it runs."""
    for number in WORDS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` means it
            signal.signal(number, _end)
    try:
        from assay.process import collect_rarely

        collect_rarely()  # before anything else is imported
        from assay.cli.exit_codes import main_of
        from assay.cli.plain_calls import plain_call

        app = plain_call(sys.argv[1:]) or _all_commands()
    except MemoryError:
        os.write(2, TOO_LITTLE)
        os._exit(1)
    main_of(app)


if __name__ == "__main__":
    main()
