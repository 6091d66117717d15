"""The ingest and refine steps on real tables: what a file, a correction, a contract or a crash changes, and what it leaves as it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from order_shop import Shop, day, days

from assay.errors import TableMissing
from assay.ingest import reading
from assay.ingest import step as ingest_step
from assay.lake import audited
from assay.lake.publisher import Provenance, current_tokens
from assay.lake.quarantine.store import Quarantine
from assay.refine import step as refine_step
from assay.refine.inputs import Inputs
from assay.refine.step import silver_spec
from assay.steps import Status
from orders import csv_text, write_contracts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.lake.staged import Staging

MIXED = [
    {"number": "1"}, {"number": "2", "amount": "-1"}, {"number": "3"}, {"number": "3"}, {"number": "4", "customer": "eve"},
]  # fmt: skip
KILLED_BETWEEN = """
import os, signal, sys
from pathlib import Path
from assay.lake import audited
from order_shop import Shop
audited.publish = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
Shop(Path(sys.argv[1]), Path(sys.argv[2])).refine([1])
"""


class Crash(Exception):
    """Stands in for a process that ends."""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    home = tmp_path_factory.mktemp("shop") / "home"
    return Shop(home, write_contracts(home / "contracts")).open()


@pytest.fixture
def shop(opened: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(opened.home, tmp_path / "home")
    return Shop(tmp_path / "home", tmp_path / "home/contracts")


def on(number: int, rows: Sequence[Mapping[str, str | None]]) -> list[dict[str, str | None]]:
    return [{**row, "day": day(number)} for row in rows]


def due(shop: Shop, numbers: Sequence[int]) -> set[str]:
    """The silver partitions that would be built again now."""
    slice_ = days(silver_spec(shop.orders), numbers)
    inputs, current = Inputs.pin(shop.run(), shop.orders), current_tokens(shop.table("silver"), slice_.keys)
    return {part.key for part in slice_.partitions if inputs.files(part) and inputs.fingerprint(part) != current[part.key]}


def test_rows_are_published_held_and_deduplicated_and_all_accounted_for(shop: Shop) -> None:
    shop.drop(1, MIXED)
    assert shop.ingest([1])[day(1)].rows == 5
    done = shop.refine([1])[day(1)]
    assert {name: done.facts[name] for name in ("landed", "published", "quarantined", "duplicates")} == {
        "landed": 5, "published": 2, "quarantined": 2, "duplicates": 1,
    }  # fmt: skip
    assert done.broken == {"amount_minimum": 1, "customer_known": 1}
    assert sorted(shop.visible_quarantine()["rule"]) == ["amount_minimum", "customer_known"]
    assert shop.stray() == 0


def test_the_same_files_again_change_nothing(shop: Shop) -> None:
    shop.drop(1, MIXED)
    shop.ingest([1])
    shop.refine([1])
    before = shop.versions()
    assert shop.ingest([1])[day(1)].status is Status.UNCHANGED
    assert shop.refine([1])[day(1)].status is Status.UNCHANGED
    assert shop.versions() == before


def test_force_gives_the_same_files_again(shop: Shop) -> None:
    for number in (1, 2):
        shop.drop(number, on(number, MIXED))
    shop.ingest([1, 2])
    shop.refine([1, 2])
    before, held = {layer: shop.digests(layer) for layer in ("bronze", "silver")}, shop.visible_quarantine().drop("run_id", "_publication")
    assert {outcome.status for outcome in shop.ingest([1, 2], force=True).values()} == {Status.PUBLISHED}
    assert {outcome.status for outcome in shop.refine([2, 1], force=True).values()} == {Status.PUBLISHED}
    assert {layer: shop.digests(layer) for layer in ("bronze", "silver")} == before
    assert (
        shop.visible_quarantine()
        .drop("run_id", "_publication")
        .sort("source_file", "source_row")
        .equals(held.sort("source_file", "source_row"))
    )


def test_the_size_of_the_chunks_changes_no_byte(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):
        shop.drop(number, on(number, MIXED))
    shop.ingest([1, 2, 3])
    shop.refine([1, 2, 3])
    before = {layer: shop.digests(layer) for layer in ("bronze", "silver")}
    monkeypatch.setattr(reading, "AT_ONCE", 0)
    monkeypatch.setattr(refine_step, "CHUNK_ROWS", 1)
    for module in (ingest_step, refine_step):
        monkeypatch.setattr(module, "COMMIT_BYTES", 1)
    versions = shop.versions()
    shop.ingest([1, 2, 3], force=True)
    shop.refine([1, 2, 3], force=True)
    assert {layer: shop.digests(layer) for layer in ("bronze", "silver")} == before
    assert shop.versions()["bronze"] == (versions["bronze"] or 0) + 3


def test_an_arrival_without_files_is_refused_by_name(shop: Shop) -> None:
    assert shop.ingest([1])[day(1)].refusal == "No file has landed for 2024-01-01: orders/orders_{arrival:yyyy-MM-dd}*.csv* names none."


def test_refining_before_anything_was_ingested_says_what_is_missing(shop: Shop) -> None:
    with pytest.raises(TableMissing, match="Tried to read bronze/orders"):
        shop.refine([1])


def test_an_unreadable_file_refuses_its_arrival_by_name_and_the_others_are_published(shop: Shop) -> None:
    for number in (1, 2):
        shop.drop(number, on(number, MIXED))
    shop.ingest([1, 2])
    before = shop.rows("bronze").filter(pl.col("_source_file") == f"orders/orders_{day(1)}.csv")
    shop.drop_text("orders", f"orders_{day(1)}_more.csv", csv_text([]) + "1\n")
    shop.drop(2, on(2, [{"number": "9"}]))
    done = shop.ingest([1, 2])
    assert done[day(1)].status is Status.REFUSED
    assert f"orders/orders_{day(1)}_more.csv; line 2: expected 8 values, found 1" in str(done[day(1)].refusal)
    assert done[day(2)].status is Status.PUBLISHED
    after = shop.rows("bronze")
    assert after.filter(pl.col("_source_file") == f"orders/orders_{day(1)}.csv").equals(before)
    assert after.filter(pl.col("_source_file") == f"orders/orders_{day(2)}.csv")["number"].to_list() == ["9"]


def test_a_content_that_lands_twice_in_an_arrival_is_read_once(shop: Shop) -> None:
    shop.drop(1, MIXED)
    shop.drop(1, MIXED, name="_again")
    assert shop.ingest([1])[day(1)].rows == len(MIXED)


def test_a_file_with_only_a_header_is_an_arrival_without_rows(shop: Shop) -> None:
    shop.drop(1, [])
    shop.drop(2, on(2, [{"number": "1"}]))
    assert {key: outcome.rows for key, outcome in shop.ingest([1, 2]).items()} == {day(1): 0, day(2): 1}


def test_rows_without_an_event_date_are_held_under_their_arrival_and_the_sum_closes(shop: Shop) -> None:
    shop.drop(1, [*MIXED, {"number": "6", "day": "soon"}, {"number": "7", "day": "2031-01-01"}, {"number": "8", "day": None}])
    done = shop.ingest([1])[day(1)]
    assert (done.rows, done.broken) == (8, {"event_time_before_end": 1, "event_time_readable": 2})
    shop.refine([1])
    held = shop.visible_quarantine().filter(pl.col("_partition") == f"arrival/{day(1)}")
    assert [json.loads(raw)["number"] for raw in held.sort("source_row")["raw"]] == ["6", "7", "8"]
    assert "`day` gives no yyyy-MM-dd. Found soon." in held.sort("source_row")["reason"][0]
    assert shop.stray() == 0


def test_a_corrected_file_takes_its_rows_out_of_the_quarantine_of_its_arrival(shop: Shop) -> None:
    shop.drop(1, [{"number": "1", "day": "soon"}])
    shop.ingest([1])
    assert shop.visible_quarantine().height == 1
    shop.drop(1, [{"number": "1"}])
    shop.ingest([1])
    assert shop.visible_quarantine().is_empty()


def test_a_late_row_reopens_exactly_the_partitions_that_it_touches(shop: Shop) -> None:
    for number in range(1, 6):
        shop.drop(number, on(number, [{"number": "1"}]))
    shop.ingest(range(1, 6))
    shop.refine(range(1, 6))
    assert due(shop, range(1, 6)) == set()
    shop.drop(6, [*on(6, [{"number": "1"}]), *on(2, [{"number": "2"}]), {"number": "3", "day": "soon"}])
    shop.ingest([6])
    assert due(shop, range(1, 8)) == {day(2), day(6)}
    done = shop.refine(range(1, 7))
    assert {key for key, outcome in done.items() if outcome.status is Status.PUBLISHED} == {day(2), day(6)}
    assert shop.rows("silver").group_by("order_date").len().sort("order_date")["len"].to_list() == [1, 2, 1, 1, 1, 1]
    assert shop.stray() == 0


def test_a_late_correction_replaces_the_row_and_a_bad_one_does_not(shop: Shop) -> None:
    shop.drop(1, [{"number": "1", "amount": "10"}, {"number": "2", "amount": "20"}])
    shop.drop(2, on(1, [{"number": "1", "amount": "11"}, {"number": "2", "amount": "-20"}]))
    shop.ingest([1, 2])
    shop.refine([1])
    assert shop.rows("silver").sort("number")["amount"].to_list() == [11, 20]
    assert shop.stray() == 0


def test_a_row_is_held_until_the_table_that_it_refers_to_has_it(shop: Shop) -> None:
    shop.drop(1, [{"number": "1"}, {"number": "2"}, {"number": "3", "customer": "eve"}])
    shop.ingest([1])
    shop.refine([1])
    assert shop.visible_quarantine()["rule"].to_list() == ["customer_known"]
    Shop(shop.home, shop.contracts_folder, known=("ada", "bob", "eve")).open()
    assert due(shop, [1]) == {day(1)}
    shop.refine([1])
    assert shop.visible_quarantine().is_empty()
    assert shop.rows("silver")["customer"].to_list() == ["ada", "ada", "eve"]


def test_a_changed_rule_makes_silver_due_and_not_bronze(shop: Shop) -> None:
    shop.drop(1, MIXED)
    shop.ingest([1])
    shop.refine([1])
    changed = shop.edit_contract("maximum: 1000", "maximum: 5")
    assert changed.ingest([1])[day(1)].status is Status.UNCHANGED
    assert due(changed, [1]) == {day(1)}


def test_a_changed_description_makes_nothing_due(shop: Shop) -> None:
    shop.drop(1, MIXED)
    shop.ingest([1])
    shop.refine([1])
    changed = shop.edit_contract("Who ordered.", "The customer.").edit_contract("version: 1.0.0", "version: 1.0.1")
    assert changed.ingest([1])[day(1)].status is Status.UNCHANGED
    assert due(changed, [1]) == set()


def test_a_partition_that_breaks_its_contract_keeps_its_last_good_version_and_the_others_are_published(shop: Shop) -> None:
    for number in (1, 2):
        shop.drop(number, on(number, MIXED))
    shop.ingest([1, 2])
    shop.refine([1, 2])
    before = shop.rows("silver").filter(pl.col("order_date").cast(pl.String) == day(1))
    held = shop.visible_quarantine().filter(pl.col("_partition") == day(1))
    shop.drop(1, [{"number": str(number), "amount": "-1"} for number in range(5)])
    shop.drop(2, on(2, [{"number": "7"}]))
    shop.ingest([1, 2])
    done = shop.refine([1, 2])
    assert "rejectedShare: 5 of 5 rows" in str(done[day(1)].refusal) or "some_rows" in str(done[day(1)].refusal)
    assert done[day(2)].status is Status.PUBLISHED
    after = shop.rows("silver")
    assert after.filter(pl.col("order_date").cast(pl.String) == day(1)).equals(before)
    assert after.filter(pl.col("order_date").cast(pl.String) == day(2))["number"].to_list() == [7]
    assert shop.visible_quarantine().equals(held)


def publish_that(event: Any) -> Any:
    """A `publish` of silver that first lets something happen."""
    real = audited.publish

    def publish(root: Path, staging: Staging, *arguments: Any, **named: Any) -> Any:
        if staging.slice.spec.name.startswith("silver/"):
            event()
        return real(root, staging, *arguments, **named)

    return publish


def crash() -> None:
    raise Crash


def test_a_crash_between_the_two_commits_shows_nothing_and_the_rerun_agrees(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.drop(1, MIXED)
    shop.ingest([1])
    shop.refine([1])
    silver, held = shop.rows("silver"), shop.visible_quarantine()
    shop.drop(1, [{"number": "1"}, {"number": "2", "amount": "-2"}, {"number": "3"}])
    shop.ingest([1])
    with monkeypatch.context() as patch, pytest.raises(Crash):  # noqa: PT012  # the patch belongs to the call
        patch.setattr(audited, "publish", publish_that(crash))
        shop.refine([1])
    assert shop.rows("silver").equals(silver)
    assert shop.visible_quarantine().equals(held)
    shop.refine([1])
    assert shop.stray() == 0
    assert json.loads(shop.visible_quarantine()["raw"][0])["amount"] == "-2"


def test_a_killed_process_between_the_two_commits_shows_nothing_and_the_rerun_agrees(shop: Shop) -> None:
    shop.drop(1, MIXED)
    shop.ingest([1])
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{here.parent}"}
    command = [sys.executable, "-c", KILLED_BETWEEN, str(shop.home), str(shop.contracts_folder)]
    assert subprocess.run(command, check=False, env=environment).returncode == -signal.SIGKILL
    assert shop.versions()["quarantine"] is not None
    assert shop.versions()["silver"] is None
    assert shop.visible_quarantine().is_empty()
    shop.refine([1])
    assert shop.visible_quarantine().height == 2
    assert shop.stray() == 0


def test_a_writer_that_is_overtaken_does_not_take_away_what_the_winner_held(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both begin from the same version and store what they reject; the second dies before its commit, then the first commits."""
    shop.drop(1, MIXED)
    shop.ingest([1])

    def other_writer() -> None:
        shop.drop(1, [{"number": "1"}, {"number": "2"}, {"number": "3", "amount": "-3"}])
        shop.ingest([1])
        with monkeypatch.context() as patch, pytest.raises(Crash):  # noqa: PT012  # the patch belongs to the call
            patch.setattr(audited, "publish", publish_that(crash))
            shop.refine([1])

    with monkeypatch.context() as patch:
        patch.setattr(audited, "publish", publish_that(other_writer))
        shop.refine([1])
    assert sorted(shop.visible_quarantine()["rule"]) == ["amount_minimum", "customer_known"]
    assert shop.rows("silver").height + shop.visible_quarantine().height + 1 == len(MIXED)


def test_publications_that_nobody_can_see_any_more_are_cleared(shop: Shop) -> None:
    for amount in ("-1", "-2", "-3", "-4"):
        shop.drop(1, [{"number": "1"}, {"number": "2"}, {"number": "3", "amount": amount}])
        shop.ingest([1])
        shop.refine([1])
    snapshot = shop.table("quarantine")
    assert snapshot is not None
    assert snapshot.rows == 2, "the one that is seen, and the one before, for a reader that has begun"
    assert [json.loads(raw)["amount"] for raw in shop.visible_quarantine()["raw"]] == ["-4"]


def test_what_was_stored_again_meanwhile_is_not_cleared(shop: Shop) -> None:
    """An attempt found a publication outdated, and was slow to say so: since then another attempt has stored and published it."""
    shop.drop(1, MIXED)
    shop.ingest([1])
    shop.refine([1])
    snapshot = shop.table("quarantine")
    assert snapshot is not None
    seen_before = snapshot.files
    shop.refine([1], force=True)
    Quarantine(shop.home / "lake", "orders").clear(seen_before, Provenance())
    assert shop.visible_quarantine().height == 2
