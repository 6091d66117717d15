"""A main program that keeps hundreds of thousands of objects to its end, as Dagster and dbt do: how it collects garbage, how it ends."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

RARE_COLLECTIONS = (1_000_000, 50, 100)  # a year of flights leaves some 35,000 objects that only a collection frees


def collect_rarely() -> None:
    """Look for garbage rarely: to look at objects that never become any costs a tenth of a backfill, most of it while they are imported.

    Imports alone leave a quarter of a million objects.
    """
    gc.set_threshold(*RARE_COLLECTIONS)


def leave(code: int) -> NoReturn:
    """End this process as Python would, but for taking apart a million objects, which takes most of a second once dbt or Dagster ran.

    What is registered to run at the end does run. Only for a main program whose threads have ended.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # what was said did not arrive: whoever read has seen enough, or has no room
        code = code or 1
    atexit._run_exitfuncs()  # noqa: SLF001  # what multiprocessing and concurrent.futures leave behind is ended by these
    os._exit(code)
