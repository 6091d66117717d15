"""Workers that ingest and refine without end are killed at any instant while a reader looks on: the sum of rows closes at every look."""

from __future__ import annotations

import random
import time
from signal import SIGKILL
from typing import TYPE_CHECKING

import pytest
from order_shop import Shop, look, work_forever

from nursery import Child
from orders import write_contracts

if TYPE_CHECKING:
    from pathlib import Path

KILLS, WORKERS, SEED = 24, 3, 20240101
DAYS = [1, 2, 3, 4]
LONGEST_LIFE = 2.0  # in rounds, as the worker has measured one: a machine may be slow


def look_until(shop: Shop, moment: float) -> int:
    looks = 0
    while time.monotonic() < moment:
        looks += bool(look(shop))
        time.sleep(0.01)
    return looks


def published(shop: Shop) -> int:
    """The versions of silver so far."""
    table = shop.table("silver")
    return table.version if table else 0


@pytest.mark.slow
def test_killed_steps_show_no_reader_a_sum_that_does_not_close(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    shop, chance = Shop(tmp_path / "home", write_contracts(tmp_path / "contracts")).open(), random.Random(SEED)
    workers = [Child.start(work_forever, shop, SEED + number, DAYS) for number in range(WORKERS)]
    looks = rounds = 0
    try:
        for number in range(4 * KILLS):  # on a slow machine many are killed before they have published anything
            if number >= KILLS and min(looks, published(shop)) > KILLS / 2:
                break
            worker = workers.pop(0)
            said, _, seconds = worker.stdout.readline().partition(" ")
            assert said == "ready"
            looks += look_until(shop, time.monotonic() + chance.uniform(0.3, LONGEST_LIFE) * float(seconds))
            rounds += worker.kill().count("done")
            workers.append(Child.start(work_forever, shop, SEED + WORKERS + number, DAYS))
    finally:
        for worker in workers:
            worker.end(SIGKILL)
    for day in DAYS:
        shop.drop(day, [{"number": "1", "day": f"2024-01-{day:02d}", "note": "01-00"}])
    shop.ingest(DAYS)
    shop.refine(DAYS)
    assert look(shop) == len(DAYS)
    assert shop.stray() == 0
    print(f"{number} kills, {rounds} rounds were finished, {published(shop)} versions of silver, the reader looked {looks} times")
    assert min(looks, published(shop)) > KILLS / 2, "too little happened to prove anything"
