"""Which contracts are known to keep the standard, from one process to the next: digests of contents, in a file of the home's cache.

A cache and nothing else: what is not there, cut, damaged or cannot be read is validated again, and where nothing can be written nothing is.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from assay.contracts.documents.known_good import KnownGood
from assay.lake.durable import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assay.settings import Settings

FILE = "contracts"
MOST_BYTES, MOST = 1 << 20, 10_000  # of the file, and of the digests in it


@contextmanager
def validated(settings: Settings) -> Iterator[KnownGood]:
    """What is known now. What is met inside and was not known is kept at the end, in a home that is there."""
    path = settings.cache / FILE
    good = KnownGood(_read(path))
    yield good
    if good.met <= good.known:
        return
    kept = good.met | good.known if len(good.met | good.known) <= MOST else good.met
    with suppress(OSError):
        if settings.home.is_dir():
            path.parent.mkdir(exist_ok=True)
            replace_file(path, "\n".join(sorted(kept)).encode())


def _read(path: Path) -> frozenset[str]:
    """The words of the file, whatever they are: only those are met again that are digests."""
    try:
        with path.open("rb") as file:
            return frozenset(file.read(MOST_BYTES).decode("ascii", "replace").split())
    except OSError:
        return frozenset()
