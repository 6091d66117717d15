"""Nobody in the model waits without end: whoever would says for whom, and at which point."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import lake_machine
import lake_writers
import pytest
from lake_draws import Begins, Until, Work
from lake_machine import LakeMachine
from lake_product import SALES
from lake_writers import Kind, WaitsForEver, Writer, point, points, wait_for

from assay.lake.workplaces import deleting, proving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[LakeMachine]:
    monkeypatch.setattr(lake_machine, "note", lambda _: None)  # hypothesis takes notes of its own lives only
    made = LakeMachine()
    yield made
    made.teardown()


def test_who_waits_for_two_that_wait_themselves_comes_to_an_end(lake: LakeMachine) -> None:
    """Maintenance waits for an erasure, which waits for a run; when the run has ended the erasure has to go on before maintenance can."""
    lake._land("land", SALES, "sales_2024-01-30_a", (("2024-01-30", "1", "ada.planted@example.org", "10"),))
    assert not [one.failure for one in lake.world.backfill(lake.world.planner()) if one.failure]
    run = lake._start(SALES, Work(Begins.INGEST, None, True, 0, has_place=True))
    erasure, maintenance = (lake._start(SALES, Work(kind, None, False, 0)) for kind in (Begins.ERASE, Begins.MAINTAIN))
    for writer, what in ((erasure, "those at work"), (maintenance, "deleting.lock")):
        while not writer.waits:
            lake._resume(writer, Until.END)
        assert writer.at == (Kind.WAIT, what)
    lake._finish(maintenance)
    assert run.done
    assert [one.error for one in (erasure, maintenance)] == [None, None]


def test_writers_that_wait_for_each_other_are_named(lake: LakeMachine) -> None:
    def wait(what: str) -> None:
        while True:
            wait_for(what)

    lake.writers += [one := Writer("one", lambda: wait("the other")), other := Writer("other", lambda: wait("the one"))]
    with pytest.raises(WaitsForEver, match=r"one stands at wait for the other.*other stands at wait for the one"):
        lake._finish(one)
    lake.writers.clear()
    one.end()
    other.end()


def test_a_lock_that_a_writer_holds_who_stands_still_is_not_waited_for_by_nobody(tmp_path: Path) -> None:
    def hold() -> None:
        with proving(tmp_path):
            point(Kind.COMMIT, "bronze/sales")

    with points():
        (holder := Writer("holder", hold)).resume()
        told = r"deleting\.lock, and nobody.*holder stands at commit bronze/sales and holds deleting"
        with pytest.raises(WaitsForEver, match=told), deleting(tmp_path):
            pass
        holder.end()
        with deleting(tmp_path):
            pass


def test_a_segment_without_an_end_says_where_it_is_and_is_left_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_writers, "LONGEST_SECONDS", 0.2)
    never = threading.Event()

    def hang_here() -> None:
        never.wait()

    with points():
        writer = Writer("writer", hang_here)
        with pytest.raises(WaitsForEver, match=r"(?s)writer came to no point within 0.2 s after its beginning.*hang_here"):
            writer.resume()
        writer.end()
    never.set()
