"""Pandera, imported as if it were installed for Polars alone: it then leaves alone what it would load for pandas, Spark and hypothesis.

That is 0.3 CPU s and 60 MiB for pandas, 0.6 CPU s for Spark, of the second or so that building a day takes.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from assay.absent_modules import not_installed

if TYPE_CHECKING:
    from types import ModuleType

NOT_NEEDED = ("pandas", "pyspark", "hypothesis")
_one_at_a_time = threading.Lock()


def pandera() -> ModuleType:
    """The module `pandera.polars`. If a product has imported pandera by itself, it is what the product made it."""
    import polars  # noqa: F401, ICN001  # before anything is hidden: it looks for pandas as well

    with _one_at_a_time:
        if "pandera" not in sys.modules:
            with not_installed(*NOT_NEEDED):
                _use_once()
            for name in [name for name in sys.modules if name.startswith("pandera.typing")]:
                del sys.modules[name]  # made without pandas: whoever imports `pandera.pandas` later needs it with pandas
    import pandera.polars as module

    return module


def _use_once() -> None:
    """Validate a row and fail: only then pandera imports the last of what it needs."""
    import pandera.polars as module
    import polars as pl
    from pandera.errors import SchemaErrors

    check = module.Check(lambda data: data.lazyframe.select(pl.lit(value=False)), name="fails", ignore_na=False)
    schema = module.DataFrameSchema({"column": module.Column(nullable=True, checks=[check])}, checks=[check])
    try:
        schema.validate(pl.DataFrame({"column": [None]}), lazy=True)
    except SchemaErrors as errors:
        errors.failure_cases.height  # noqa: B018  # it is made when it is asked for
