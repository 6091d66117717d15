"""The scope of a key as a contract says it, and what a partition claims of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.contracts.export.page_content import page_of
from assay.contracts.export.page_markdown import markdown
from assay.contracts.model.contract import KeyScope
from assay.contracts.model.fingerprint import published_terms
from assay.contracts.model.key_scope import has_table_key
from assay.contracts.reading.examine import examine
from assay.masking.methods import Masks
from assay.refine.claims import LOCKED, key_meaning, published_keys, with_displaced
from drafted import contract_of, draft_of, table
from orders import CUSTOMERS, ORDERS, orders_contract, refined, write_contracts

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract

SCOPE = "      - property: rejectedShare\n"
TABLE = f"      - {{property: keyScope, value: table}}\n{SCOPE}"
NUMBER = "number, logicalType: integer, physicalType: INTEGER, required: true, primaryKey: true"


def table_key(folder: Path) -> Contract:
    return orders_contract(folder, SCOPE, TABLE)


def faults(folder: Path, text: str) -> list[str]:
    return [str(one) for one in examine([write_contracts(folder, text) / "orders.odcs.yaml", folder / "customers.odcs.yaml"])]


def test_a_key_counts_in_its_partition_unless_the_contract_says_otherwise(tmp_path: Path) -> None:
    usual, table = orders_contract(tmp_path / "a"), table_key(tmp_path / "b")
    assert (usual.key_scope, table.key_scope) == (KeyScope.PARTITION, KeyScope.TABLE)
    assert (has_table_key(usual), has_table_key(table)) == (False, True)
    assert published_terms(usual) != published_terms(table)
    assert published_terms(orders_contract(tmp_path / "c", SCOPE, TABLE.replace("table", "partition"))) == published_terms(usual)


def test_a_misspelt_scope_and_a_scope_without_a_key_are_refused_by_line(tmp_path: Path) -> None:
    (misspelt,) = faults(tmp_path / "a", ORDERS.replace(SCOPE, TABLE.replace("table", "tabel")))
    assert "unknown key scope 'tabel'. Did you mean table?" in misspelt
    (keyless,) = faults(tmp_path / "b", ORDERS.replace(SCOPE, TABLE).replace(NUMBER, NUMBER.replace(", primaryKey: true", "")))
    assert "keyScope is about the key, and there is none" in keyless


def test_where_no_other_partition_can_have_the_key_the_scope_changes_nothing(tmp_path: Path) -> None:
    of_day = "order_date, logicalType: date, physicalType: DATE, required: true"
    keyed = [text.replace(of_day, f"{of_day}, primaryKey: true, primaryKeyPosition: 2") for text in (ORDERS, ORDERS.replace(SCOPE, TABLE))]
    found = [orders_contract_of(tmp_path / str(number), text) for number, text in enumerate(keyed)]
    assert [has_table_key(one) for one in found] == [False, False]
    assert published_terms(found[0]) == published_terms(found[1])
    snapshot = CUSTOMERS.replace("    customProperties:\n", "    customProperties:\n      - {property: keyScope, value: table}\n", 2)
    folder = write_contracts(tmp_path / "snapshot")
    (folder / "customers.odcs.yaml").write_text(snapshot.replace("      - {property: keyScope, value: table}\n", "", 1))
    assert examine([folder / "orders.odcs.yaml", folder / "customers.odcs.yaml"]) == []


def orders_contract_of(folder: Path, text: str) -> Contract:
    from assay.contracts.reading.odcs import load_contracts

    return load_contracts(write_contracts(folder, text))["orders"]


def test_the_page_says_where_a_key_counts(tmp_path: Path) -> None:
    assert "in the whole table" in markdown(page_of(table_key(tmp_path / "a")))
    assert "in the whole table" not in markdown(page_of(orders_contract(tmp_path / "b")))


def test_a_partition_claims_what_it_would_publish_by_itself(tmp_path: Path) -> None:
    contract = table_key(tmp_path)
    rows = [{"number": "1"}, {"number": "1"}, {"number": "2", "amount": "-1"}, {"number": "1", "day": "2024-01-02"}]
    claims = refined(contract, rows).claims
    assert claims is not None
    assert claims.sort("_partition").select("_partition", "key", "source_row").rows() == [("2024-01-01", "1", 2), ("2024-01-02", "1", 4)]
    assert refined(orders_contract(tmp_path), rows).claims is None


def test_the_later_arrival_has_the_key_unless_another_may_not_let_it_go(tmp_path: Path) -> None:
    contract = table_key(tmp_path)
    claims = pl.DataFrame(
        {
            "_partition": ["a", "b", "c", "d"], "key": ["1", "1", "1", "2"], "arrival": [None, None, None, None],
            "source_file": ["orders/orders_2024-01-10.csv", "orders/orders_2024-01-09.csv", "orders/orders_2024-01-10.csv", "x"],
            "source_row": [1, 7, 2, 1], LOCKED: [False, False, False, False],
        },
        schema_overrides={"arrival": pl.Date},
    )  # fmt: skip
    assert with_displaced(claims, contract)["displaced"].to_list() == [True, True, False, False]
    locked = claims.with_columns((pl.col("_partition") == "b").alias(LOCKED))
    assert with_displaced(locked, contract)["displaced"].to_list() == [True, False, True, False]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ((1, "a"), (1, "a"), True), ((1, "1a"), (11, "a"), False), ((1, 'a","state":"b'), (1, "a"), False), ((1, "a "), (1, "a"), False),
    ],
)  # fmt: skip
def test_keys_are_equal_texts_only_if_they_are_equal(tmp_path: Path, left: tuple[int, str], right: tuple[int, str], same: bool) -> None:
    text = ORDERS.replace(SCOPE, TABLE).replace(
        "{name: state, logicalType: string, enum", "{name: state, logicalType: string, required: true, primaryKey: true, enum"
    )
    contract = orders_contract_of(tmp_path, text)
    rows = pl.DataFrame([left, right], schema=["number", "state"], orient="row").with_columns(pl.lit("2024-01-01").alias("order_date"))
    found = published_keys(rows, contract)["key"]
    assert (found[0] == found[1]) is same


def test_zero_is_one_key_whatever_its_sign(tmp_path: Path) -> None:
    text = ORDERS.replace(SCOPE, TABLE).replace(NUMBER, NUMBER.replace(", primaryKey: true", ""))
    text = text.replace("      - name: amount\n", "      - name: amount\n        primaryKey: true\n        required: true\n")
    rows = pl.DataFrame({"order_date": ["2024-01-01", "2024-01-02"], "amount": [0.0, -0.0]})
    assert published_keys(rows, orders_contract_of(tmp_path, text))["key"].n_unique() == 1


def test_claims_of_another_type_of_key_cannot_be_compared(tmp_path: Path) -> None:
    number = table_key(tmp_path / "a")
    text = orders_contract_of(
        tmp_path / "b", ORDERS.replace(SCOPE, TABLE).replace(NUMBER, NUMBER.replace("physicalType: INTEGER", "physicalType: BIGINT"))
    )
    described = orders_contract_of(tmp_path / "c", ORDERS.replace(SCOPE, TABLE).replace(NUMBER, f"{NUMBER}, description: Of the order"))
    assert key_meaning(number, Masks()) != key_meaning(text, Masks())
    assert key_meaning(number, Masks()) == key_meaning(described, Masks())


def test_a_draft_says_which_keys_its_sample_has_in_several_days(tmp_path: Path) -> None:
    days = [f"2024-03-{1 + number // 100:02d}" for number in range(200)]
    ids = [str(number) for number in range(199)] + ["0"]  # the first order of the first day comes again on the second
    draft = draft_of(table(order_id=ids, ordered_on=days))
    assert "{property: keyScope, value: partition}  # guess: 1 key in rows of several days: each day keeps one; `table`" in draft.text
    assert contract_of(draft, tmp_path).key_scope is KeyScope.PARTITION
    assert contract_of(draft, tmp_path).key == ("order_id",)
    assert "keyScope" not in draft_of(table(order_id=[str(number) for number in range(200)], ordered_on=days)).text
