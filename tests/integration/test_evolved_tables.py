"""What `assay contracts diff` says of the published table is so: which changes it takes, and which it refuses."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from order_shop import Shop, day

from assay.contracts.compatibility.comparison import compare
from assay.errors import SchemaDrift
from assay.steps import Status
from orders import write_contracts

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = "{name: number, logicalType: integer, physicalType: INTEGER, required: true, primaryKey: true}"
NOTE = "{name: note, logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 5}}"
OPTIONAL = NUMBER.replace("required: true, primaryKey: true", "required: false")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    home = tmp_path_factory.mktemp("shop") / "home"
    shop = Shop(home, write_contracts(home / "contracts")).open()
    shop.drop(1, [{"number": "1"}])
    shop.ingest([1])
    shop.refine([1])
    return shop


@pytest.fixture
def shop(opened: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(opened.home, tmp_path / "home")
    return Shop(tmp_path / "home", tmp_path / "home/contracts")


@pytest.mark.parametrize(
    ("old", "new", "kind", "refused"),
    [
        pytest.param(NUMBER, NUMBER.replace("INTEGER", "BIGINT"), "type_widened", "number' is int32 there, not int64", id="wider"),
        pytest.param("physicalType: DOUBLE", "physicalType: FLOAT", "type_narrowed", "amount' is double there, not float", id="narrower"),
        pytest.param(NUMBER, OPTIONAL, "made_nullable", "number' is required there", id="nullable"),
        pytest.param(f"      - {NUMBER}\n", "", "column_removed", "number' is required there", id="required-column-removed"),
    ],
)  # fmt: skip
def test_the_table_refuses_what_the_guide_says_it_refuses(shop: Shop, old: str, new: str, kind: str, refused: str) -> None:
    changed = shop.edit_contract(old, new)
    changes = {change.kind: change for change in compare(shop.orders, changed.orders).changes}
    assert kind in changes
    assert "refuses" in changes[kind].verdict.migrate + changes[kind].note or "NOT NULL" in changes[kind].verdict.migrate
    with pytest.raises(SchemaDrift, match=refused):
        changed.refine([1])


def test_another_partition_column_is_refused_with_what_to_do(shop: Shop) -> None:
    changed = shop.edit_contract("order_date", "ordered_on")
    before = shop.versions()
    said = r"partitioned by 'order_date', not by 'ordered_on'\. The partition column of a table stays for good: give it its old name back"
    with pytest.raises(SchemaDrift, match=said):
        changed.refine([1], force=True)
    assert shop.versions()["silver"] == before["silver"]


def test_a_removed_nullable_column_is_null_from_then_on_and_stays_in_the_table(shop: Shop) -> None:
    changed = shop.edit_contract(f"      - {NOTE}\n", "")
    shop.drop(2, [{"number": "2", "day": day(2)}])
    changed.ingest([2])
    assert changed.refine([2])[day(2)].status is Status.PUBLISHED
    rows = changed.rows("silver").sort("number")
    assert dict(zip(rows["number"], rows["note"], strict=True)) == {1: "hello", 2: None}


def test_a_column_that_is_made_required_takes_rows_without_a_value_away(shop: Shop) -> None:
    shop.drop(2, [{"number": str(number), "day": day(2), "note": note} for number, note in ((2, "hello"), (3, None), (4, "hello"))])
    shop.ingest([2])
    shop.refine([2])
    changed = shop.edit_contract(NOTE, NOTE.replace("string,", "string, required: true,", 1))
    assert [change.kind for change in compare(shop.orders, changed.orders).changes] == ["made_required"]
    changed.refine([1, 2])
    assert changed.visible_quarantine()["rule"].to_list() == ["note_required"]
    assert sorted(changed.rows("silver")["number"]) == [1, 2, 4]
