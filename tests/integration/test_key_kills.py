"""Writers that move keys between days are killed at any instant, and overtake each other: no reader ever sees a key twice."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from signal import SIGKILL
from typing import TYPE_CHECKING

import pytest
from key_lives import NO_COUNT, PATIENT, Landed, Row, assert_sums, key_shop, move_forever, outdated, published
from order_shop import Shop, day

from assay.errors import Superseded
from assay.steps import Status
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARRIVALS, DAYS = [1, 2, 3, 4], [1, 2, 3]
KILLS, WORKERS, SEED = 16, 2, 20240301
LONGEST_LIFE = 3.0  # in steps, as the worker has measured one: a machine may be slow


def start(shop: Shop, seed: int) -> Child:
    return Child.start(move_forever, shop, seed, ARRIVALS, DAYS)


def looked(shop: Shop, until: float) -> int:
    """How often a reader looked; each time no key was there twice."""
    looks = 0
    while time.monotonic() < until:
        if shop.table("silver"):
            published(shop)
            looks += 1
        time.sleep(0.01)
    return looks


def settled(shop: Shop) -> None:
    """Bring everything up to date; then silver is what the oracle says of the files that lie there."""
    shop.ingest([number for number in ARRIVALS if list((shop.home / "landing/orders").glob(f"orders_{day(number)}*.csv"))])
    for _ in range(2):
        if due := outdated(shop, DAYS):
            assert {one.status for one in shop.refine([int(key[-2:]) for key in due]).values()} <= {Status.PUBLISHED, Status.UNCHANGED}
    assert outdated(shop, DAYS) == []
    landed = Landed.of(shop)
    assert published(shop) == landed.truth()
    again = shop.refine(DAYS, force=True)
    assert_sums(shop, landed, [one for one in again.values() if int(one.key[-2:]) in landed.sums()])


@pytest.mark.slow
def test_writers_that_are_killed_never_show_a_key_twice_and_lose_none(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    shop, chance = key_shop(tmp_path, PATIENT, NO_COUNT), random.Random(SEED)
    workers, looks, rounds = [start(shop, SEED + number) for number in range(WORKERS)], 0, 0
    try:
        for number in range(4 * KILLS):  # on a slow machine many are killed before they have published anything
            table = shop.table("silver")
            if number >= KILLS and looks > KILLS and table and table.version > KILLS / 2:
                break
            worker = workers.pop(0)
            said, _, step = worker.stdout.readline().partition(" ")
            assert said == "ready"
            looks += looked(shop, time.monotonic() + chance.uniform(0.1, LONGEST_LIFE) * float(step))
            rounds += worker.kill().count("done")
            workers.append(start(shop, SEED + WORKERS + number))
    finally:
        for worker in workers:
            worker.end(SIGKILL)
    table = shop.table("silver")
    assert table is not None
    print(f"{number} kills, {rounds} rounds were finished, {table.version} versions of silver, the reader looked {looks} times")
    assert min(looks, 2 * table.version) > KILLS, "too little happened to prove anything"
    settled(shop)


def at_once(*works: Callable[[], object]) -> int:
    """Run them in threads that start together; how many were overtaken."""
    barrier, overtaken = threading.Barrier(len(works)), list[int]()

    def work(one: Callable[[], object]) -> None:
        barrier.wait()
        try:
            one()
        except Superseded:
            overtaken.append(1)

    threads = [threading.Thread(target=work, args=(one,)) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(overtaken)


def test_of_two_builds_that_give_a_new_key_to_two_days_one_is_overtaken(tmp_path: Path) -> None:
    shop = key_shop(tmp_path, PATIENT, NO_COUNT)
    for attempt in range(5):
        shop.drop(1, [Row(attempt, 1).text()], f"_{attempt}")
        shop.drop(2, [Row(attempt, 2).text()], f"_{attempt}")
        shop.ingest([1, 2])
        overtaken = at_once(lambda: shop.refine([1]), lambda: shop.refine([2]))
        published(shop)
        assert overtaken <= 1
        with suppress(Superseded):
            settled(shop)
        assert published(shop) == dict.fromkeys(range(attempt + 1), 2)


def test_a_build_whose_view_of_the_table_is_old_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.refine import global_keys

    shop = key_shop(tmp_path, PATIENT, NO_COUNT)
    shop.drop(1, [Row(1, 1).text()])
    shop.drop(2, [Row(1, 2).text()])
    shop.ingest([1, 2])
    read = global_keys.Standing.read

    def overtaken(*arguments: object) -> global_keys.Standing:
        found = read(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        shop.refine([2])  # another writer, which knows nothing of the first day
        return found

    monkeypatch.setattr(global_keys.Standing, "read", overtaken)
    with pytest.raises(Superseded, match="another run has published it since"):
        shop.refine([1])
    assert published(shop) == {1: 2}
    settled(shop)
