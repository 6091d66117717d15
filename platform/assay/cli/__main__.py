"""Where `assay` and `python -m assay.cli` begin: Ctrl-C ends them without a traceback, also while Python still imports the commands."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line; `assay.stopping` says what signals mean once it runs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from assay.cli.ending import main_of
    from assay.cli.main import app

    main_of(app)


if __name__ == "__main__":
    main()
