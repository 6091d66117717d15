"""A contract learns a column: what was published stays as it is, what arrives from now on has it, and readers see one table."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest
from order_shop import Shop, day, days
from small_world import World, edit

from assay.contracts.compatibility.comparison import compare
from assay.ingest.bronze import batches
from assay.ingest.step import bronze_fingerprints
from assay.lake.publisher import current_tokens
from assay.lake.snapshots import open_snapshot
from assay.refine.inputs import Inputs
from assay.refine.step import silver_spec
from assay.steps import Status
from orders import COLUMNS, GOOD, write_contracts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOTE, QUALITY = "      - {name: note, logicalType: string}\n", "    quality:\n"
LANDING = "      - {name: colour, logicalType: string, required: false}\n"
PUBLISHED = "      - {name: colour, logicalType: string, enum: [{value: red}, {value: blue}], logicalTypeOptions: {minLength: 3}}\n"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Days 1 and 2, published under the first version of the contract."""
    home = tmp_path_factory.mktemp("shop") / "home"
    shop = Shop(home, write_contracts(home / "contracts")).open()
    shop.drop(1, [{"number": "1"}, {"number": "2", "amount": "-1"}])
    shop.drop(2, [{"number": "3", "day": day(2)}])
    publish(shop, [1, 2])
    return shop


@pytest.fixture
def shop(opened: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(opened.home, tmp_path / "home")
    return Shop(tmp_path / "home", tmp_path / "home/contracts")


def publish(shop: Shop, numbers: Sequence[int]) -> dict[str, Status]:
    ingested = shop.ingest(numbers)
    return {f"bronze {key}": one.status for key, one in ingested.items()} | {key: one.status for key, one in shop.refine(numbers).items()}


def learned(shop: Shop) -> Shop:
    """The shop with version 1.1.0: an optional landing column, and a nullable column with rules that is read from it."""
    changed = shop.edit_contract("version: 1.0.0", "version: 1.1.0").edit_contract(NOTE, NOTE + LANDING)
    return changed.edit_contract(QUALITY, PUBLISHED + QUALITY)


def drop_coloured(shop: Shop, number: int, colours: Sequence[str], name: str = "") -> None:
    rows = [
        [*(str({**GOOD, "day": day(number), "number": str(place)}[column]) for column in COLUMNS), one]
        for place, one in enumerate(colours, 7)
    ]
    text = "\n".join(",".join(row) for row in [[*COLUMNS, "colour"], *rows]) + "\n"
    shop.drop_text("orders", f"orders_{day(number)}{name}.csv", text)


def due(shop: Shop, numbers: Sequence[int]) -> dict[str, set[str]]:
    """What a plan would ask for: arrivals of bronze, partitions of silver."""
    wanted = bronze_fingerprints(shop.orders, batches(shop.home / "landing", shop.orders))
    known = current_tokens(shop.table("bronze"), list(wanted))
    slice_ = days(silver_spec(shop.orders), numbers)
    inputs, current = Inputs.pin(shop.run(), shop.orders), current_tokens(shop.table("silver"), slice_.keys)
    silver = {part.key for part in slice_.partitions if inputs.files(part) and inputs.fingerprint(part) != current[part.key]}
    return {"bronze": {key for key in wanted if wanted[key] != known[key]}, "silver": silver}


def test_an_added_nullable_column_makes_nothing_due(shop: Shop) -> None:
    before, after = shop.orders, learned(shop)
    assert due(after, [1, 2]) == {"bronze": set(), "silver": set()}
    versions = shop.versions()
    assert set(publish(after, [1, 2]).values()) == {Status.UNCHANGED}
    assert after.versions() == versions
    comparison = compare(before, after.orders)
    assert (str(comparison.required), comparison.compatibility, comparison.complaint) == ("minor", "full", None)


def test_new_data_carry_the_column_and_old_partitions_read_as_null(shop: Shop) -> None:
    changed = learned(shop)
    drop_coloured(changed, 3, ["red", "blue", ""])
    assert due(changed, [1, 2, 3])["bronze"] == {day(3)}
    assert publish(changed, [1, 2, 3])[day(3)] is Status.PUBLISHED
    assert due(changed, [1, 2, 3]) == {"bronze": set(), "silver": set()}
    snapshot = open_snapshot(changed.home / "lake", "silver/orders")
    assert snapshot.schema.field("colour") == pa.field("colour", pa.string(), nullable=True)
    rows = snapshot.scan().collect().sort("number")
    assert dict(zip(rows["number"], rows["colour"], strict=True)) == {1: None, 3: None, 7: "red", 8: "blue", 9: None}
    assert [name for name in changed.digests("silver") if name in shop.digests("silver")] == changed.digests("silver")


def test_duckdb_reads_old_and_new_partitions_as_one_table(shop: Shop) -> None:
    import duckdb

    changed = learned(shop)
    drop_coloured(changed, 3, ["red"])
    publish(changed, [3])
    select = open_snapshot(changed.home / "lake", "silver/orders").duckdb_select()
    assert duckdb.sql(f"select number, colour from ({select}) order by number").fetchall() == [(1, None), (3, None), (7, "red")]


def test_the_rules_of_the_column_judge_new_rows(shop: Shop) -> None:
    changed = learned(shop)
    drop_coloured(changed, 3, ["red", "pink"])
    publish(changed, [3])
    assert set(changed.visible_quarantine()["rule"]) == {"amount_minimum", "colour_enum"}


def test_a_late_file_with_the_column_reopens_the_old_partition_that_it_touches(shop: Shop) -> None:
    changed = learned(shop)
    drop_coloured(changed, 2, ["blue"], name="_more")
    assert due(changed, [1, 2]) == {"bronze": {day(2)}, "silver": set()}
    changed.ingest([2])
    assert due(changed, [1, 2])["silver"] == {day(2)}
    changed.refine([2])
    rows = changed.rows("silver").filter(pl.col("order_date").cast(pl.String) == day(2)).sort("number")
    assert rows.select("number", "colour").rows() == [(3, None), (7, "blue")]


def test_a_partition_can_be_built_again_before_any_file_had_the_column(shop: Shop) -> None:
    changed = learned(shop)
    assert {one.status for one in changed.refine([1, 2], force=True).values()} == {Status.PUBLISHED}
    assert changed.rows("silver")["colour"].to_list() == [None, None]
    assert changed.stray() == 0
    assert due(changed, [1, 2]) == {"bronze": set(), "silver": set()}


def test_what_cannot_be_null_makes_every_partition_due(shop: Shop) -> None:
    required = learned(shop).edit_contract(
        "{name: colour, logicalType: string, enum", "{name: colour, logicalType: string, required: true, enum"
    )
    assert due(required, [1, 2]) == {"bronze": set(), "silver": {day(1), day(2)}}


def test_a_condition_that_a_null_may_break_makes_every_partition_due(shop: Shop) -> None:
    rule = "{name: has_colour, type: custom, engine: assay, implementation: colour IS NOT NULL, description: x}"
    judged = learned(shop).edit_contract("    quality:\n", f"    quality:\n      - {rule}\n")
    assert due(judged, [1, 2])["silver"] == {day(1), day(2)}


def test_a_landing_column_that_every_file_must_have_makes_every_arrival_due(shop: Shop) -> None:
    changed = learned(shop).edit_contract("{name: colour, logicalType: string, required: false}", "{name: colour, logicalType: string}")
    assert due(changed, [1, 2])["bronze"] == {day(1), day(2)}
    assert {one.status for one in changed.ingest([1, 2]).values()} == {Status.REFUSED}


def test_another_change_beside_it_is_not_overlooked(shop: Shop) -> None:
    changed = learned(shop).edit_contract("maximum: 1000", "maximum: 999")
    assert due(changed, [1, 2])["silver"] == {day(1), day(2)}


def test_the_plan_of_a_whole_product_asks_for_nothing(world: World) -> None:
    folder = world.own_contracts()
    edit(folder / "flights.odcs.yaml", "version: 1.2.0", "version: 1.3.0")
    edit(
        folder / "flights.odcs.yaml",
        'UTC."}\n  - name: flights\n',
        'UTC."}\n      - {name: gate, logicalType: string, required: false}\n  - name: flights\n',
    )
    edit(
        folder / "flights.odcs.yaml",
        "    quality:\n      - name: arr",
        "      - {name: gate, logicalType: string}\n    quality:\n      - name: arr",
    )
    planner = world.planner()
    assert [column.name for column in planner.contracts["flights"].columns][-1] == "gate"
    assert [one.partitions for stage in planner.stages for one in planner.due(stage.keys) if one.partitions] == []
