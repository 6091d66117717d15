"""Stewards who are killed at any instant: a decision is there with all of its rows, or it is not there at all."""

from __future__ import annotations

import random
import time
from signal import SIGKILL
from typing import TYPE_CHECKING

import polars as pl
import pytest
from decision_shop import decide_forever
from order_shop import Shop

from assay.lake.quarantine.decisions import decisions_of
from assay.lake.quarantine.reader import Fate, View
from nursery import Child
from orders import write_contracts

if TYPE_CHECKING:
    from pathlib import Path

KILLS, STEWARDS, SEED = 16, 2, 20240201
LONGEST_LIFE = 8.0  # in decisions, as the steward has measured one: a machine may be slow
REJECTED = {"amount_minimum": 7, "customer_known": 5, "note_length": 3}


def look(lake: Path) -> None:
    """Each rule's rows are all held or all discarded, because every decision is about a whole rule; none is lost and none is twice."""
    view = View.open(lake, "orders")
    found = {fate: dict(view.rows(fate)["rule"].value_counts().iter_rows()) for fate in (Fate.HELD, Fate.DISCARDED)}
    for rule, rows in REJECTED.items():
        assert sorted(found[fate].get(rule, 0) for fate in found) == [0, rows], f"{rule}: {found}"


@pytest.mark.slow
def test_killed_stewards_leave_whole_decisions_only(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    shop = Shop(tmp_path / "home", write_contracts(tmp_path / "contracts")).open()
    shop.drop(1, [{"number": str(number), "amount": "-1"} for number in range(7)])
    shop.drop(2, [{"number": str(number), "customer": "eve"} for number in range(100, 105)])
    shop.drop(3, [*({"number": str(n), "note": "x"} for n in range(200, 203)), *({"number": str(n)} for n in range(300, 350))])
    shop.ingest([1, 2, 3])
    shop.refine([1])
    lake, chance = shop.home / "lake", random.Random(SEED)
    stewards, done, looks = [Child.start(decide_forever, lake, SEED + number) for number in range(STEWARDS)], 0, 0
    try:
        for number in range(4 * KILLS):  # on a slow machine many are killed before they have decided anything
            if number >= KILLS and done > KILLS / 2:
                break
            steward = stewards.pop(0)
            said, _, seconds = steward.stdout.readline().partition(" ")
            assert said == "ready"
            until = time.monotonic() + chance.uniform(0, LONGEST_LIFE) * float(seconds)
            while time.monotonic() < until:
                look(lake)
                looks += 1
            done += steward.kill().count("done")
            stewards.append(Child.start(decide_forever, lake, SEED + STEWARDS + number))
    finally:
        for steward in stewards:
            steward.end(SIGKILL)
    look(lake)
    snapshot = decisions_of(lake, "orders")
    assert snapshot is not None
    numbers = snapshot.scan(columns=["decision", "rule"]).collect()
    assert numbers["decision"].unique().sort().to_list() == list(range(1, numbers["decision"].max() + 1))  # type: ignore[operator]
    sizes = numbers.group_by("decision").agg(pl.col("rule").first(), pl.len().alias("rows"))
    assert all(rows == REJECTED[rule] for _, rule, rows in sizes.iter_rows())
    print(f"{number} kills, {sizes.height} decisions of which {done} were acknowledged, {looks} looks")
    assert sizes.height >= done > KILLS / 2, "too little happened to prove anything"
