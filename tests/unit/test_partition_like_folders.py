"""Folders that are misread: where a path has `name=value`, readers of Parquet take the value for a column; others read it as an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from assay.errors import SettingsError
from assay.lake.publisher import publish
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage
from assay.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

import pyarrow as pa

SALES = pl.DataFrame({"country": ["fr", "it"], "amount": [1, 2]})
SPEC = TableSpec("silver/sales", pa.schema([("country", pa.string()), ("amount", pa.int64())]))


def put(root: Path, spec: TableSpec = SPEC) -> None:
    partitions = (WHOLE,) if not spec.partition_by else (Partition("fr", ("fr",)), Partition("it", ("it",)))
    publish(root, stage(root / spec.name, Slice(spec, partitions), [SALES]), {})


@pytest.mark.parametrize("above", ["country=de", "a/x=1/b", "=", "env=prod/country=de"])
def test_a_home_below_a_folder_that_looks_like_a_partition_is_refused(tmp_path: Path, above: str) -> None:
    with pytest.raises(SettingsError, match=r"which readers take for the partition .*Name a folder without ="):
        load_settings({"ASSAY_HOME": str(tmp_path / above / "home")})


@pytest.mark.parametrize("above", ["a%20b", "a/b%C3%A9/c", "what?", "a\tb", "a\nb"])
def test_a_folder_whose_name_is_read_as_an_address_is_refused(tmp_path: Path, above: str) -> None:
    """Delta's library looked for its log in `a b`, and Dagster's databases lay outside of the home, in a file `what`."""
    with pytest.raises(SettingsError, match=r"which libraries take for the name of another folder\. Name a folder without \?"):
        load_settings({"ASSAY_HOME": str(tmp_path / above / "home")})
    with pytest.raises(SettingsError, match="another folder"):
        put(tmp_path / above)


@pytest.mark.parametrize("above", ["50%", "50% off", "a#b", "s*r[a]", 'it\'s "q"', "naïve-日本", "semi;colon&$x"])
def test_any_other_folder_holds_a_lake(tmp_path: Path, above: str) -> None:
    assert load_settings({"ASSAY_HOME": str(tmp_path / above)}).home == tmp_path / above
    put(tmp_path / above)
    snapshot = open_snapshot(tmp_path / above, SPEC.name)
    assert snapshot.scan().collect().equals(SALES)
    assert duckdb.sql(snapshot.duckdb_select()).pl().equals(SALES)


def test_a_link_to_such_a_folder_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "country=de").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "country=de")
    with pytest.raises(SettingsError, match="'country=de'"):
        load_settings({"ASSAY_HOME": str(tmp_path / "home")})


@pytest.mark.parametrize("spec", [SPEC, TableSpec(SPEC.name, SPEC.schema, ("country",))], ids=["whole", "partitioned"])
def test_a_lake_in_such_a_folder_is_neither_written_nor_read(tmp_path: Path, spec: TableSpec) -> None:
    with pytest.raises(SettingsError, match="'country=de'"):
        put(tmp_path / "country=de", spec)
    put(tmp_path / "lake", spec)
    (tmp_path / "lake").rename(tmp_path / "amount=7")
    with pytest.raises(SettingsError, match="'amount=7'"):
        open_snapshot(tmp_path / "amount=7", spec.name)


def test_a_value_with_an_equals_sign_is_a_value(tmp_path: Path) -> None:
    spec = TableSpec(SPEC.name, SPEC.schema, ("country",))
    odd = SALES.with_columns(country=pl.lit("amount=9"))
    publish(tmp_path, stage(tmp_path / spec.name, Slice(spec, (Partition("odd", ("amount=9",)),)), [odd]), {})
    snapshot = open_snapshot(tmp_path, spec.name)
    assert sorted(duckdb.sql(snapshot.duckdb_select()).fetchall()) == [("amount=9", 1), ("amount=9", 2)]
    assert snapshot.scan().collect().sort("amount").rows() == [("amount=9", 1), ("amount=9", 2)]
