"""A temporary lake: rows that a test makes up go the way of every row, in files of their contract, and nothing outside is touched."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from assay.errors import ContractInvalid, TableMissing
from assay.testing import TemporaryLake, assert_publishes, assert_quarantines, assert_refuses, good_rows, rows_breaking
from assay.testing.judging import judged
from nested import LINES_COLUMNS
from nested import contract_of as nested_contract
from orders import write_contracts
from people import write_people
from rides import write_rides

if TYPE_CHECKING:
    from pathlib import Path


def lake_of(folder: Path, contracts: Path) -> TemporaryLake:
    return TemporaryLake(folder / "home", contracts, folder / "no_dbt_project")


@pytest.mark.parametrize("form", ["jsonl", "parquet", "avro"])
def test_nested_rows_land_in_each_format_as_they_are_judged_in_memory(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "contracts"
    folder.mkdir()
    contract = nested_contract(folder, LINES_COLUMNS, form=form, server="{property: explode, value: lines}")
    lake, rows = lake_of(tmp_path, folder), [*good_rows(contract, 6), *rows_breaking(contract, "price_minimum", 2)]
    there, here = lake.judged(contract, rows), judged(contract, rows)
    assert there.published.equals(here.published)
    assert there.quarantined.select("rule", "reason").equals(here.quarantined.select("rule", "reason"))
    fates = lake.fates("nested")
    assert fates is not None
    assert (fates.landed, fates.closes) == (8, True)


def test_months_of_another_zone_and_dialect_with_a_key_of_the_whole_table(tmp_path: Path) -> None:
    rides = write_rides(tmp_path / "contracts")
    lake = lake_of(tmp_path, rides.parent)
    rows = good_rows(rides, 8)
    first = assert_publishes(rides, rows, lake=lake)
    again = assert_publishes(rides, [{**rows[0], "fare": "99,99"}, *rows[1:]], [{"ride": int(row["id"])} for row in rows], lake=lake)
    assert (first.duplicates, again.duplicates) == (0, 8)
    changed = again.published.filter(again.published["ride"] == int(rows[0]["id"]))
    assert changed["fare"].to_list() == [Decimal("99.99")], "of rows with one key the last is published, whatever file it came in"
    assert (lake.settings.landing / "rides/2024/02/rides_2.csv.gz").is_file()


def test_masked_rows_and_what_they_refer_to_use_keys_of_the_lake_alone(tmp_path: Path) -> None:
    before = dict(os.environ)
    lake = lake_of(tmp_path, write_people(tmp_path / "contracts"))
    members = good_rows(lake.contracts["members"], 4)
    assert_publishes(lake.contracts["members"], members, lake=lake)
    known = {"members": [{"email": row["email"]} for row in members]}
    paid = good_rows(lake.contracts["payments"], 5, known=known, having={"salary": "51234567890"})
    assert_publishes(lake.contracts["payments"], paid, lake=lake)
    stranger = rows_breaking(lake.contracts["payments"], "payer_known", known=known, having={"salary": "51234567890"})
    assert_quarantines(lake.contracts["payments"], stranger, "payer_known", lake=lake)
    tokens = lake.rows("silver/members")["email"].to_list()
    assert all(token.startswith("tok_") and not token.startswith("tok_test") for token in tokens)
    assert dict(os.environ) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contracts", "home"]


def test_a_refused_partition_fails_a_test_with_the_words_of_the_run(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, write_contracts(tmp_path / "contracts"))
    lake.land("customers", good_rows(lake.contracts["customers"], 2))
    orders = lake.contracts["orders"]
    bad = rows_breaking(orders, "amount_minimum", 3)
    assert_refuses(orders, bad, "some_rows", lake=lake)
    with pytest.raises(AssertionError, match=r"The lake could not be built:\n(?s:.*)some_rows: A day has orders"):
        lake.build("silver/orders")
    with pytest.raises(TableMissing):
        lake.rows("silver/orders")
    with pytest.raises(AssertionError, match="silver/customers: expected 1 rows, found 2"):
        lake.assert_holds("silver/customers", [{"customer": "nobody"}])


def test_the_fixture_is_a_lake_of_the_project_that_the_test_runs_in(temporary_lake: TemporaryLake, tmp_path: Path) -> None:
    assert temporary_lake.home == tmp_path / "home"
    assert_publishes("airlines", [{"carrier": "AA"}], [{"carrier": "AA"}], lake=temporary_lake)
    assert_publishes("airlines", [{"carrier": "B6"}], [{"carrier": "B6"}], lake=temporary_lake)  # a newer file is the whole table
    rows = good_rows("airlines")
    temporary_lake.land("airlines", rows, date(2014, 1, 1))
    with pytest.raises(ContractInvalid, match=r"airlines_2014-01-01.csv twice.* Give another `day`"):
        temporary_lake.land("airlines", rows, date(2014, 1, 1))
