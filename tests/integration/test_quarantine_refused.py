"""The rows of a refused partition: kept apart where the person on call finds them, and gone once the partition is published."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from order_shop import Shop, day

from assay.lake.quarantine.history import history
from assay.lake.quarantine.reader import Fate, View
from assay.steps import Status
from orders import write_contracts

BAD = [{"number": str(number), "amount": "-1"} for number in range(5)]
GOOD = [{"number": "1"}, {"number": "2"}]
KILLED_BEFORE_CLEARING = """
import os, signal, sys
from pathlib import Path
from assay.lake.quarantine.store import Quarantine
from order_shop import Shop
Quarantine.clear = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
Shop(Path(sys.argv[1]), Path(sys.argv[2])).refine([1])
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "home", write_contracts(tmp_path / "contracts")).open()


def build(shop: Shop, rows: list[dict[str, str]]) -> Status:
    shop.drop(1, rows)
    shop.ingest([1])
    return shop.refine([1])[day(1)].status


def refused(shop: Shop) -> list[int]:
    """The source rows of what is refused now."""
    return View.open(shop.home / "lake", "orders").rows(Fate.REFUSED)["source_row"].to_list()


def test_the_rows_of_a_refused_partition_can_be_seen_and_are_not_in_quarantine(shop: Shop) -> None:
    assert build(shop, [*GOOD, *BAD]) is Status.REFUSED
    view = View.open(shop.home / "lake", "orders")
    rows = view.rows(Fate.REFUSED)
    assert rows["source_row"].to_list() == [3, 4, 5, 6, 7]
    assert set(rows["_partition"]) == {day(1)}
    assert "amount_minimum" in rows["reason"][0]
    assert view.count(Fate.REFUSED) == 5
    assert view.count(Fate.HELD) == 0
    assert shop.visible_quarantine().is_empty(), "nothing was published, so there is nothing to close the sum with"


def test_the_rows_that_stay_published_keep_their_own_quarantine(shop: Shop) -> None:
    build(shop, [*GOOD, *GOOD, *GOOD, *GOOD, {"number": "9", "amount": "-1"}])
    held = shop.visible_quarantine()
    assert build(shop, BAD) is Status.REFUSED
    assert shop.visible_quarantine().equals(held)
    assert held.height == 1
    assert len(refused(shop)) == 5
    assert shop.stray() != 0, "bronze has moved on; silver and its quarantine have not"


def test_the_newest_refused_attempt_replaces_the_one_before(shop: Shop) -> None:
    build(shop, BAD)
    build(shop, BAD[:2])
    assert refused(shop) == [1, 2]


def test_the_same_refusal_again_shows_the_same_rows(shop: Shop) -> None:
    build(shop, BAD)
    assert shop.refine([1])[day(1)].status is Status.REFUSED
    assert refused(shop) == [1, 2, 3, 4, 5]


def test_a_refusal_without_bad_rows_leaves_none_of_the_attempt_before(shop: Shop) -> None:
    build(shop, BAD)
    build(shop, [])
    assert shop.refine([1])[day(1)].status is Status.REFUSED, "a day has orders"
    assert refused(shop) == []


def test_publishing_the_partition_takes_its_refused_rows_away(shop: Shop) -> None:
    build(shop, BAD)
    assert build(shop, GOOD) is Status.PUBLISHED
    assert refused(shop) == []
    snapshot = shop.table("quarantine")
    assert snapshot is not None
    assert snapshot.files == [], "they are removed, not only hidden"


def test_a_process_killed_right_after_publishing_shows_no_refused_rows(shop: Shop) -> None:
    """Hiding them is the same commit that publishes; removing the files comes later and may be lost."""
    build(shop, BAD)
    shop.drop(1, GOOD)
    shop.ingest([1])
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", KILLED_BEFORE_CLEARING, str(shop.home), str(shop.contracts_folder)]
    assert subprocess.run(command, check=False, env=environment).returncode == -signal.SIGKILL
    assert shop.rows("silver").height == 2
    snapshot = shop.table("quarantine")
    assert snapshot is not None
    assert snapshot.rows == 5, "the files are still there"
    assert refused(shop) == []
    shop.refine([1], force=True)
    assert shop.table("quarantine").files == []  # type: ignore[union-attr]


def test_history_tells_when_and_why_a_partition_was_refused(shop: Shop) -> None:
    build(shop, BAD)
    build(shop, GOOD)
    told = history(View.open(shop.home / "lake", "orders"))
    (event,) = [one for one in told if one.kind == "refused"]
    assert (event.partition, event.after) == (day(1), {"amount_minimum": 5})
    assert "rejectedShare" in event.because or "some_rows" in event.because
    assert event.run_id.startswith("run ")


def test_one_refused_partition_of_a_range_is_shown_and_the_others_are_published(shop: Shop) -> None:
    for number, rows in ((1, BAD), (2, GOOD)):
        shop.drop(number, [{**row, "day": day(number)} for row in rows])
    shop.ingest([1, 2])
    done = shop.refine([1, 2])
    assert {key: outcome.status for key, outcome in done.items()} == {day(1): Status.REFUSED, day(2): Status.PUBLISHED}
    assert len(refused(shop)) == 5
    shop.refine([2], force=True)
    assert len(refused(shop)) == 5, "only its own publication takes them away"
