"""Old files of bronze go last: as long as something that was made from one is left, an erasure can still find whose it is."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ageing import aged
from assay.erasure.person_search import search
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.slices import WHOLE, Partition, Slice
from assay.maintenance.cleaning import Cleaning, Survey
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import Settings
from assay.steps import Run
from people import MEMBER, PAYMENT, csv_of, people
from sales import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ADA, BOB, DAY = "ada.planted@secret.example", "bob.other@secret.example", "2024-01-01"
TABLES = ("bronze/payments", "silver/payments")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Ada was in a file that was then sent again without her: she is in old files only."""
    run = Run(tmp_path / "lake", tmp_path / "landing", people(tmp_path / "contracts"), "test", keys=KEYS)
    members = run.contracts["members"]
    path = run.landing / f"members/members_{DAY}.csv"
    path.parent.mkdir(parents=True)
    path.write_text(csv_of(MEMBER, [{"email": ADA}, {"email": BOB}]))
    list(ingest(run, members, Slice(bronze_spec(members), (WHOLE,))))
    list(refine_partitions(run, members, Slice(silver_spec(members), (WHOLE,))))
    land(run, ADA, BOB)
    aged(run.lake, 31)
    land(run, BOB)
    return run


def land(run: Run, *who: str, **said: str) -> None:
    path = run.landing / f"payments/payments_{DAY}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(csv_of(PAYMENT, [{"payment": str(number), "payer": one, **said} for number, one in enumerate(who, 1)]))
    payments, key = run.contracts["payments"], (Partition(DAY, (DAY,)),)
    list(ingest(run, payments, Slice(bronze_spec(payments), key)))
    list(refine_partitions(run, payments, Slice(silver_spec(payments), key)))


def clean(run: Run, is_outdated: Callable[..., bool] = lambda *_: False) -> dict[str, Cleaning]:
    settings = Settings(run.lake.parent, run.lake.parent / "dbt")
    found = {one.name: one for one in Survey(settings, datetime.now(UTC), timedelta(days=7), is_outdated).cleanings()}
    for one in found.values():
        one.carry_out(settings.lake)
    return found


def places(run: Run) -> int:
    return len(search(run.lake, run.contracts["payments"], "customer", ADA).places)


def test_an_old_file_of_bronze_stays_until_what_was_made_from_it_is_gone(run: Run) -> None:
    aged(run.lake / "bronze/payments", 20)  # silver was made again only now
    found = clean(run)
    assert [len(found[name].removals) for name in TABLES] == [0, 0]
    assert "1 old files stay" in found["bronze/payments"].told
    assert places(run) == 1, "an erasure learns of the day that an old file of silver has of hers"
    aged(run.lake, 30)
    found = clean(run)
    assert [len(found[name].removals) for name in TABLES] == [1, 1], "all at once, when all is old enough"
    assert places(run) == 0


def test_it_stays_while_what_it_has_fed_waits_to_be_made_again(run: Run) -> None:
    aged(run.lake, 30)
    found = clean(run, lambda name, _: name == "bronze/payments")
    assert [len(found[name].removals) for name in TABLES] == [0, 1]
    assert places(run) == 1
    assert len(clean(run)["bronze/payments"].removals) == 1


@pytest.mark.slow
def test_it_stays_while_a_rejected_row_of_its_content_is_kept(run: Run) -> None:
    land(run, ADA, BOB, amount="-1")
    land(run, BOB)
    kept = [path for layer in ("quarantine", "claims") for path in (run.lake / layer / "payments").rglob("part-*.parquet")]
    assert kept, "rejected rows of an attempt that was refused"
    aged(run.lake, 30)
    aged(run.lake / "quarantine/payments", 1)
    found = clean(run)
    assert len(found["bronze/payments"].removals) == 2
    assert "1 old files stay" in found["bronze/payments"].told
    assert places(run) > 0
    for path in kept:
        os.truncate(path, path.stat().st_size // 2)
    assert not clean(run)["bronze/payments"].removals, "of rows that cannot be read nobody knows"
    for path in kept:
        path.unlink(missing_ok=True)
    assert len(clean(run)["bronze/payments"].removals) == 1
    assert places(run) == 0
