"""Where `assay` and `python -m assay.cli` begin: signals end them with one line, also while Python still imports the commands."""

from __future__ import annotations

import os
import signal

WORDS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


def _end(number: int, _: object) -> None:
    os.write(2, f"assay: stopped by {WORDS[signal.Signals(number)]}.\n".encode())
    os._exit(128 + number)


def main() -> None:
    """Run the command line; `assay.stopping` says what signals mean once it runs."""
    for number in WORDS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` means it
            signal.signal(number, _end)
    from assay.cli.ending import main_of
    from assay.cli.main import app

    main_of(app)


if __name__ == "__main__":
    main()
