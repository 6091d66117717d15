"""Pandera is loaded for Polars alone, and whoever needs it for pandas afterwards has it whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

BY_ITSELF = """
import sys
from assay.refine.pandera_module import pandera
module = pandera()
assert module is pandera()
import polars as pl
schema = module.DataFrameSchema({"number": module.Column(checks=[module.Check.gt(1, name="more")])})
try:
    schema.validate(pl.DataFrame({"number": [1, 2]}), lazy=True)
except module.errors.SchemaErrors as errors:
    assert errors.failure_cases["failure_case"].to_list() == ["1"]
else:
    raise AssertionError("nothing failed")
loaded = {"pandas", "pyspark", "hypothesis"} & sys.modules.keys()
assert not loaded, loaded
"""
FOR_PANDAS_AFTERWARDS = """
import hypothesis
import pandas as pd
import pandera.pandas as pa

class Numbers(pa.DataFrameModel):
    number: int = pa.Field(gt=1)

assert len(Numbers.validate(pd.DataFrame({"number": [2]}))) == 1
try:
    Numbers.validate(pd.DataFrame({"number": [1]}))
except pa.errors.SchemaError:
    pass
else:
    raise AssertionError("nothing failed")
"""
IMPORTED_BEFORE = """
import pandera.pandas
from assay.refine.pandera_module import pandera
assert pandera() is sys.modules["pandera.polars"]
"""


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_only_what_polars_needs_is_loaded() -> None:
    run(BY_ITSELF)


@pytest.mark.slow
def test_pandera_for_pandas_can_be_imported_afterwards() -> None:
    run(BY_ITSELF + FOR_PANDAS_AFTERWARDS)


@pytest.mark.slow
def test_a_product_that_imported_pandera_before_keeps_it() -> None:
    run("import sys" + IMPORTED_BEFORE + FOR_PANDAS_AFTERWARDS)
