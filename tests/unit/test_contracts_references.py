"""Relationships of several columns: together they are in another dataset, or the row is rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.contracts.model.contract import Kind, Severity
from assay.contracts.reading.odcs import load_contracts
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.slices import WHOLE, Slice
from assay.lake.snapshots import open_snapshot
from assay.refine.references import reference_values
from assay.refine.step import refine_partitions, silver_spec
from assay.steps import Run
from sales import DAY, TILLS, assert_named, findings_of, sales_contract, sold, write_sales

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract

TO = "to: [stores.store, stores.till]"


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return sales_contract(tmp_path_factory.mktemp("contracts"))


def test_a_relationship_of_several_columns_is_one_rule(sales: Contract) -> None:
    rule = sales.references[0]
    assert (rule.name, rule.kind, rule.column) == ("till_known", Kind.REFERENCE, None)
    assert (rule.columns, rule.argument) == (("store", "till"), ("stores", ("store", "till")))
    assert rule.description == "store and till are together in stores."
    assert sales.upstream == ("stores",)


def test_values_must_be_there_together_and_not_only_each(sales: Contract) -> None:
    done = sold(sales, [{"store": "south", "till": "7"}, {"store": "south", "till": "1"}, {"store": "east", "till": "7"}])
    assert done.published["store"].to_list() == ["south"]
    assert done.rejected["rule"].to_list() == ["till_known", "till_known"]
    assert done.rejected["reason"][0].startswith("till_known: Found ***. Promised: store and till are together in stores.")


@pytest.mark.parametrize("row", [{"store": None, "till": "1"}, {"till": None}, {"store": None, "till": None}])
def test_where_a_value_is_missing_nothing_is_broken(sales: Contract, row: dict[str, str | None]) -> None:
    assert sold(sales, [row]).tallies[DAY].broken == {}


def test_a_relationship_can_be_a_warning(tmp_path: Path) -> None:
    changed = "{property: severity, value: warning}\n          - {property: name, value: till_known}"
    contract = sales_contract(tmp_path, ("{property: name, value: till_known}", changed))
    done = sold(contract, [{"till": "99"}])
    assert contract.references[0].severity is Severity.WARNING
    assert (done.published.height, done.tallies[DAY].broken) == (1, {"till_known": 1})


def test_a_table_may_give_a_relationship_of_one_column(tmp_path: Path) -> None:
    changes = (("from: [sales.store, sales.till]", "from: sales.store"), (TO, "to: stores.store"))
    rule = sales_contract(tmp_path, *changes).references[0]
    assert (rule.column, rule.columns, rule.argument) == ("store", (), ("stores", "store"))


def test_the_values_of_several_columns_are_read_from_the_published_table(tmp_path: Path) -> None:
    contracts = load_contracts(write_sales(tmp_path / "contracts").parent)
    landing, stores = tmp_path / "landing", contracts["stores"]
    (landing / "stores").mkdir(parents=True)
    (landing / "stores/stores_2024-01-01.csv").write_text("store,till\nnorth,1\nnorth,2\nsouth,7\n")
    run = Run(tmp_path / "lake", landing, contracts, "test")
    list(ingest(run, stores, Slice(bronze_spec(stores), (WHOLE,))))
    list(refine_partitions(run, stores, Slice(silver_spec(stores), (WHOLE,))))
    found = reference_values(contracts["sales"], {"stores": open_snapshot(run.lake, "silver/stores")})
    assert list(found) == list(TILLS)
    wanted = TILLS["stores", ("store", "till")].struct.unnest()
    assert found["stores", ("store", "till")].struct.unnest().sort("store", "till").cast(pl.Schema(wanted.schema)).equals(wanted)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (TO, "to: [stores.store]", "2 columns cannot refer to 1"),
        (TO, "to: [stores.store, others.till]", "it refers to more than one dataset"),
        (TO, "to: [stores.stor, stores.till]", r"stores\.stor is defined by no contract here\. Did you mean stores\.store\?"),
        (TO, "to: [stors.store, stors.till]", r"stors\.store is defined by no contract here\. Did you mean stores\.store\?"),
        (TO, "to: [stores.till, stores.store]", r"store is string, stores\.till is int64"),
        (TO, "to: [sales.store, sales.till]", "a dataset cannot refer to itself"),
        (TO, "to: [schema/stores/properties/store, schema/stores/properties/till]", "is not of the form dataset.column"),
        ("from: [sales.store, sales.till]", "from: [sales.stor, sales.till]", r"'stor' is no column\. Did you mean store\?"),
        (
            "from: [sales.store, sales.till]",
            "from: [stores.store, sales.till]",
            r"stores\.store is not of sales\. Did you mean sales\.store\?",
        ),
        ("value: till_known}", "value: mean_price}", "2 rules have the name 'mean_price'"),
    ],
)
def test_a_relationship_that_cannot_be_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    if "2 rules" in complaint:
        assert any(complaint in str(finding) for finding in findings_of(tmp_path, (old, new)))
    else:
        assert_named(tmp_path, old, new, complaint)


def test_one_column_cannot_refer_to_several(tmp_path: Path) -> None:
    old = "      - {name: store, logicalType: string, classification: public}"
    new = old[:-1] + ", relationships: [{to: [stores.store, stores.till]}]}"
    assert_named(tmp_path, old, new, "one column cannot refer to 2. Give it to the table, with as many columns in `from`.")
