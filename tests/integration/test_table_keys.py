"""A key that counts in the whole table: whatever days its rows say, in whatever order they come, one row of it is published."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from key_lives import NO_COUNT, PATIENT, Landed, Row, assert_sums, key_shop, outdated, published
from order_shop import Shop, day

from assay.lake.claims import Keyed, Standing
from assay.refine.claims import published_keys
from assay.steps import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAYS = [1, 2, 3]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Two orders on the first day, one on the second; all is built."""
    found = key_shop(tmp_path)
    land(found, 1, Row(1, 1), Row(2, 1))
    land(found, 2, Row(3, 2))
    found.refine(DAYS)
    return found


def land(shop: Shop, arrival: int, *rows: Row, name: str = "") -> None:
    shop.drop(arrival, [row.text() for row in rows], name)
    shop.ingest([arrival])


def built(shop: Shop, *numbers: int) -> dict[str, str]:
    """What became of days that a build looked at, but for those that are as they were."""
    return {key: str(one.status) for key, one in shop.refine(numbers).items() if one.status is not Status.UNCHANGED}


def backfilled(shop: Shop) -> dict[str, str]:
    """What became of the days that the plan finds outdated, and of those that were taken in."""
    found = [int(key[-2:]) for key in outdated(shop, DAYS)]
    return built(shop, *found) if found else {}


def test_a_row_that_moves_leaves_its_old_day_in_the_same_commit(shop: Shop) -> None:
    before = shop.table("silver")
    land(shop, 3, Row(1, 2))
    assert outdated(shop, DAYS) == [day(2)]
    done = shop.refine([2])
    assert {key: (one.status, one.facts["duplicates"], one.facts.get("displaced")) for key, one in done.items()} == {
        day(1): (Status.PUBLISHED, 1, 1), day(2): (Status.PUBLISHED, 0, None),
    }  # fmt: skip
    assert published(shop) == {1: 2, 2: 1, 3: 2}
    after = shop.table("silver")
    assert before is not None
    assert after is not None
    assert after.version == before.version + 1
    assert outdated(shop, DAYS) == []
    assert backfilled(shop) == {}


def test_a_row_that_comes_late_under_its_old_day_changes_nothing_else(shop: Shop) -> None:
    land(shop, 4, Row(1, 3))
    shop.refine([3])
    land(shop, 3, Row(1, 2))  # an earlier arrival, that lands later
    assert built(shop, 2) == {day(2): "published"}
    assert published(shop) == {1: 3, 2: 1, 3: 2}
    assert outdated(shop, DAYS) == []


def test_a_row_that_moves_back_is_there_once_again(shop: Shop) -> None:
    land(shop, 3, Row(1, 2))
    backfilled(shop)
    land(shop, 4, Row(1, 1))
    assert built(shop, 1) == {day(1): "published", day(2): "published"}
    assert published(shop) == {1: 1, 2: 1, 3: 2}
    assert backfilled(shop) == {}


def test_a_correction_that_breaks_a_rule_displaces_nothing(shop: Shop) -> None:
    land(shop, 3, Row(1, 2, good=False))
    assert built(shop, 2) == {day(2): "published"}
    assert published(shop) == {1: 1, 2: 1, 3: 2}
    land(shop, 3, Row(1, 2))  # the file is mended
    assert built(shop, 2) == {day(1): "published", day(2): "published"}
    assert published(shop) == {1: 2, 2: 1, 3: 2}


def test_a_row_comes_back_when_the_one_that_displaced_it_is_gone(shop: Shop) -> None:
    land(shop, 3, Row(1, 2), Row(4, 3))
    shop.refine(DAYS)
    land(shop, 3, Row(4, 3))
    assert built(shop, 2) == {day(1): "published", day(2): "published"}
    assert published(shop) == {1: 1, 2: 1, 3: 2, 4: 3}


def test_only_the_old_day_is_asked_for_and_nothing_is_lost(shop: Shop) -> None:
    land(shop, 3, Row(1, 2))
    assert built(shop, 1) == {}
    assert published(shop) == {1: 1, 2: 1, 3: 2}
    assert built(shop, 2) == {day(1): "published", day(2): "published"}


def test_a_row_in_the_place_of_one_that_was_displaced_is_published(shop: Shop) -> None:
    land(shop, 3, Row(1, 2))
    assert backfilled(shop) == {day(1): "published", day(2): "published"}
    land(shop, 1, Row(7, 3), Row(2, 1))  # where the row lay that has moved to the second day is another of the third
    assert shop.refine(DAYS)[day(3)].facts["published"] == 1
    assert published(shop) == {1: 2, 2: 1, 3: 2, 7: 3}
    assert outdated(shop, DAYS) == []


def test_a_day_that_publishes_other_rows_than_it_claims_is_built_by_the_next_build(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """So an older version may have left it: it took a row that is new for one that another day publishes."""
    monkeypatch.setattr("assay.refine.kernel._kept", lambda latest, _: latest["number"] != 7)
    land(shop, 3, Row(7, 3), Row(8, 3))
    shop.refine([3])
    monkeypatch.undo()
    assert published(shop) == {1: 1, 2: 1, 3: 2, 8: 3}
    land(shop, 4, Row(9, 2))
    assert built(shop, 2) == {day(2): "published", day(3): "published"}
    assert published(shop) == {1: 1, 2: 1, 3: 2, 7: 3, 8: 3, 9: 2}
    assert built(shop, *DAYS) == {}


def test_a_day_that_was_refused_takes_no_key_from_another(shop: Shop) -> None:
    land(shop, 3, Row(1, 2), *(Row(number, 2, good=False) for number in range(10, 20)))
    assert backfilled(shop) == {day(2): "refused"}
    assert published(shop) == {1: 1, 2: 1, 3: 2}
    assert outdated(shop, DAYS) == [day(2)]
    land(shop, 3, Row(1, 2))
    assert backfilled(shop) == {day(1): "published", day(2): "published"}
    assert published(shop) == {1: 2, 2: 1, 3: 2}


def test_a_day_that_may_not_lose_its_last_row_keeps_it_and_says_so(shop: Shop) -> None:
    land(shop, 3, Row(3, 3), Row(5, 3))  # the only order of the second day
    done = shop.refine([3])
    assert {key: one.status for key, one in done.items()} == {day(2): Status.REFUSED, day(3): Status.PUBLISHED}
    assert "Of 1 rows that landed, 0 would be published" in str(done[day(2)].refusal)
    assert (done[day(3)].facts["duplicates"], done[day(3)].facts["displaced"]) == (1, 1)
    assert published(shop) == {1: 1, 2: 1, 3: 2, 5: 3}
    assert outdated(shop, DAYS) == [day(3)], "the move is not done"
    assert backfilled(shop) == {day(2): "refused"}
    land(shop, 4, Row(6, 2))
    assert backfilled(shop) == {day(2): "published", day(3): "published"}
    assert published(shop) == {1: 1, 2: 1, 3: 3, 5: 3, 6: 2}
    assert outdated(shop, DAYS) == []


CLAIMS_CHANGED: dict[str, Callable[[Path], object]] = {
    "deleted": lambda folder: DeltaTable(str(folder)).delete(),
    "deleted of one day": lambda folder: DeltaTable(str(folder)).delete(f"_partition = '{day(1)}'"),
    "a key is changed": lambda folder: DeltaTable(str(folder)).update({"key": "'7'"}, predicate="key = '1'"),
    "the table is removed": shutil.rmtree,
}  # fmt: skip


@pytest.mark.parametrize("change", CLAIMS_CHANGED)
def test_claims_that_another_tool_has_changed_are_due_and_written_down_again(shop: Shop, change: str) -> None:
    CLAIMS_CHANGED[change](shop.home / "lake/claims/orders")
    asked = {day(1)} if change in {"deleted of one day", "a key is changed"} else {day(1), day(2)}
    assert {*outdated(shop, DAYS)} == asked
    assert backfilled(shop) == dict.fromkeys(sorted(asked), "published")
    assert outdated(shop, DAYS) == []
    land(shop, 3, Row(1, 3))
    assert backfilled(shop) == {day(1): "published", day(3): "published"}, "who had the key is known again"
    assert published(shop) == {1: 3, 2: 1, 3: 2}


def test_a_day_is_not_settled_by_claims_that_another_tool_has_changed(shop: Shop) -> None:
    CLAIMS_CHANGED["a key is changed"](shop.home / "lake/claims/orders")
    land(shop, 3, Row(1, 3))
    assert built(shop, 3) == {day(1): "published", day(3): "published"}
    assert published(shop) == {1: 3, 2: 1, 3: 2}


def test_the_first_build_after_the_scope_has_changed_takes_in_every_day(tmp_path: Path) -> None:
    shop = key_shop(tmp_path)
    partition = shop.edit_contract("keyScope, value: table", "keyScope, value: partition")
    land(partition, 1, Row(1, 1), Row(2, 1))
    land(partition, 2, Row(1, 2), Row(3, 3))
    partition.refine(DAYS)
    assert partition.rows("silver").height == 4
    table = partition.edit_contract("keyScope, value: partition", "keyScope, value: table")
    assert outdated(table, DAYS) == [day(1), day(2), day(3)]
    assert built(table, 3) == {day(number): "published" for number in DAYS}
    assert published(table) == {1: 2, 2: 1, 3: 3}


def test_the_same_bronze_gives_the_same_bytes_whatever_was_built_before(shop: Shop, tmp_path: Path) -> None:
    land(shop, 3, Row(1, 2), Row(3, 1))
    shop.refine([2])
    shop.refine([1])
    other = key_shop(tmp_path / "other")
    for path in sorted((shop.home / "landing/orders").iterdir()):
        other.drop_text("orders", path.name, path.read_text())
    other.ingest([1, 2, 3])
    other.refine(DAYS)
    assert other.digests("silver") == shop.digests("silver")
    assert published(shop) == {1: 2, 2: 1, 3: 1}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_any_life_of_keys_is_as_ten_lines_of_python_say_whenever_it_is_caught_up(tmp_path: Path, seed: int) -> None:
    """Files land anew and in the place of others, and some days are built: sooner or later all that are due."""
    shop, landed, chance = key_shop(tmp_path, PATIENT, NO_COUNT), Landed(), random.Random(seed)
    for left in reversed(range(chance.randint(2, 10))):
        arrival, name = chance.randint(1, 4), chance.choice(["_a", "_b"])
        rows = [Row(chance.randint(1, 8), chance.choice(DAYS), chance.random() < 0.8) for _ in range(chance.randint(1, 6))]
        landed.files[arrival, name] = tuple(rows)
        land(shop, arrival, *rows, name=name)
        shop.refine(sorted(chance.sample(DAYS, chance.randint(1, len(DAYS)))))
        published(shop)  # no key is there twice, at any version
        if not left or chance.random() < 0.5:
            backfilled(shop)
            assert outdated(shop, DAYS) == []
            assert published(shop) == landed.truth()
    everything = shop.refine(DAYS, force=True)
    assert_sums(shop, landed, [one for one in everything.values() if int(one.key[-2:]) in landed.sums()])


def test_under_another_key_every_day_is_settled_anew(shop: Shop) -> None:
    land(shop, 3, Row(1, 2))
    backfilled(shop)
    state, number = "- {name: state, logicalType: string,", "physicalType: INTEGER, required: true"
    both = shop.edit_contract(state, f"{state} required: true, primaryKey: true,")
    states = both.edit_contract(f"{number}, primaryKey: true", number)
    assert outdated(states, DAYS) == [day(1), day(2)]
    keyed = Keyed(["order_date", "colour"], lambda rows: published_keys(rows, states.orders))
    there = Standing.read(states.home / "lake", "orders", states.table("silver"), 1, keyed)
    assert (there.unknown, there.rows.height) == ({day(1), day(2)}, 0), "no row that is published has a colour"
    keyed = Keyed(["order_date", "state"], lambda rows: published_keys(rows, states.orders))
    known = Standing.read(states.home / "lake", "orders", states.table("silver"), 1, keyed)
    assert known.rows.select("_partition", "key").sort("_partition").rows() == [(day(1), "open"), (day(2), "open"), (day(2), "open")]
