"""What tests of one's own contracts, transforms and models use: `from assay.testing import assert_publishes, good_rows, ..`.

Each name is imported when it is asked for, so that pytest, which loads the plugin in every suite, loads no engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.testing.asserting import assert_publishes, assert_quarantines, assert_refuses
    from assay.testing.generating import good_rows, rows_breaking
    from assay.testing.judging import Judgement, conformed, judged
    from assay.testing.row_search import NoRowFound
    from assay.testing.strategies import rows_of
    from assay.testing.temporary_lake import TemporaryLake

PLACES = {
    "assert_publishes": "asserting", "assert_quarantines": "asserting", "assert_refuses": "asserting", "good_rows": "generating",
    "rows_breaking": "generating", "Judgement": "judging", "conformed": "judging", "judged": "judging", "NoRowFound": "row_search",
    "rows_of": "strategies", "TemporaryLake": "temporary_lake",
}  # fmt: skip

__all__ = [
    "Judgement", "NoRowFound", "TemporaryLake", "assert_publishes", "assert_quarantines", "assert_refuses", "conformed", "good_rows",
    "judged", "rows_breaking", "rows_of",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)
