"""The last look: how the home and the product lay when a backfill found nothing to do, told by times alone, in some milliseconds.

A guess and nothing else: while all lies as it did, the next backfill will probably find nothing either, and does not get dbt ready while
it imports Dagster. What there is to do is found out by the plan, whatever is guessed here.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assay.lake.durable import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.settings import Settings

LAST_LOOK = "last_look"  # in the cache
MADE_BY_DBT = frozenset({"target", "logs", "dbt_packages"})


def remember(settings: Settings, seen: str) -> None:
    """Keep what was `seen` before a plan that found nothing to do. Where it cannot be kept, the next backfill guesses nothing."""
    with suppress(OSError):
        settings.cache.mkdir(parents=True, exist_ok=True)
        replace_file(settings.cache / LAST_LOOK, seen.encode())


def is_as_remembered(settings: Settings, seen: str) -> bool:
    """Whether a plan that found nothing has seen the same."""
    try:
        return (settings.cache / LAST_LOOK).read_text() == seen
    except (OSError, ValueError):
        return False


def look(settings: Settings, contracts: Path, asked: str) -> str:
    """A digest of what was `asked`, of the day (UTC), and of the times of all that a plan depends on: landing, tables, contracts, models.

    A landing file that is changed in place leaves its folder as it was, and is not seen here.
    """
    digest = hashlib.blake2b(f"{asked} {datetime.now(UTC):%Y-%m-%d}".encode(), digest_size=16)
    folders = sorted(Path(where) for where, _, _ in os.walk(settings.landing))
    for path in (*folders, *sorted(settings.lake.glob("*/*/_delta_log")), *_files(contracts), *_files(settings.dbt_project)):
        with suppress(OSError):
            found = path.stat()
            digest.update(f"{path}\0{found.st_mtime_ns}\0{found.st_ino}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    """The files that people write, in order."""
    for where, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - MADE_BY_DBT)
        yield from (Path(where, name) for name in sorted(names))
