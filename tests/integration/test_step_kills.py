"""Workers that ingest and refine without end are killed at any instant while a reader looks on: the sum of rows closes at every look."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from order_shop import Shop, look

from orders import write_contracts

PROGRAM = Path(__file__).with_name("order_shop.py")
KILLS, WORKERS, SEED = 24, 3, 20240101
NUMBERS = ["1", "2", "3", "4"]
LONGEST_LIFE_SECONDS = 1.5


def start(shop: Shop, seed: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[1])}
    command = [sys.executable, str(PROGRAM), str(shop.home), str(shop.contracts_folder), str(seed), *NUMBERS]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


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


def kill(worker: subprocess.Popen[str]) -> int:
    """Kill it; returns how many rounds it had finished."""
    assert worker.poll() is None, "a worker ended by itself: its traceback is above"
    worker.kill()
    said, _ = worker.communicate(timeout=60)
    return said.count("done")


@pytest.mark.slow
def test_killed_steps_show_no_reader_a_sum_that_does_not_close(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    shop, chance = Shop(tmp_path / "home", write_contracts(tmp_path / "contracts")).open(), random.Random(SEED)
    workers = [start(shop, SEED + number) for number in range(WORKERS)]
    looks = rounds = 0
    try:
        for number in range(4 * KILLS):  # on a slow machine many are killed before they have published anything
            if number >= KILLS and min(looks, published(shop)) > KILLS / 2:
                break
            worker = workers.pop(0)
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            looks += look_until(shop, time.monotonic() + chance.uniform(0.2, LONGEST_LIFE_SECONDS))
            rounds += kill(worker)
            workers.append(start(shop, SEED + WORKERS + number))
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    days = [int(one) for one in NUMBERS]
    for day in days:
        shop.drop(day, [{"number": "1", "day": f"2024-01-{day:02d}", "note": "01-00"}])
    shop.ingest(days)
    shop.refine(days)
    assert look(shop) == len(days)
    assert shop.stray() == 0
    print(f"{number} kills, {rounds} rounds were finished, {published(shop)} versions of silver, the reader looked {looks} times")
    assert min(looks, published(shop)) > KILLS / 2, "too little happened to prove anything"
