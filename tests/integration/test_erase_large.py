"""A person is erased from partitions too large to be held: they are read and written part by part, and end as those that were held."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from people_world import People

from assay.erasure import removing
from assay.lake import streaming_writer
from assay.lake.erasures import erasures
from assay.lake.manifest import manifest_of
from assay.lake.snapshots import open_snapshot

if TYPE_CHECKING:
    from pathlib import Path

ADA, BOB, EVE = "ada.planted@secret.example", "bob.other@secret.example", "eve.third@secret.example"


def built(folder: Path) -> People:
    people = People.make(folder)
    people.members([{"email": ADA}, {"email": BOB}, {"email": EVE}])
    rows = [{"payer": (ADA, BOB, EVE)[number % 3], "payment": str(number)} for number in range(9)]
    held = [{"payer": who, "amount": "-5", "payment": f"9{number}"} for number, who in enumerate((ADA, BOB, ADA, EVE))]
    people.payments("2024-01-01", [*rows, *held, {"payer": ADA, "day": "someday"}, {"payer": BOB, "day": "someday"}, rows[0]])
    people.payments("2024-01-02", [{"payer": ADA}, {"payer": ADA, "day": "someday"}])  # nobody else
    people.run("backfill")
    people.ask("quarantine", "discard", "payments", "--rule", "amount_minimum", "--partition", "2024-01-01", "--reason", "no", "--yes")
    return people


def erase(people: People, value: str) -> None:
    people.run("erase", "--subject", "customer", "--value-from", "-", "--by", "tester", "--yes", stdin=value + "\n")


def left(people: People) -> dict[str, object]:
    """What is in each table, what the files of bronze say has landed, and the numbers by which rows are counted."""
    lake, found = people.home / "lake", dict[str, object]()
    for layer in ("bronze", "silver", "quarantine", "decisions"):
        table = open_snapshot(lake, f"{layer}/payments")
        frame = table.scan().collect()
        of_chance = [name for name in frame.columns if name in {"_publication", "run_id", "decided_at"}]
        found[layer] = sorted(frame.drop(of_chance).rows(), key=str)
    bronze = open_snapshot(lake, "bronze/payments")
    found["landed"] = sorted((file.values, manifest_of(file.path)) for file in bronze.files)
    found["tokens"] = {key: token for key, token in bronze.tokens("assay:").items() if "landed" in key}
    found["view"] = json.loads(people.ask("sql", "select rule, source_row from quarantine.payments order by all", "--format", "json"))
    return found


@pytest.mark.slow
def test_a_large_partition_ends_as_one_that_was_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = built(tmp_path / "home")
    large = held.copy_to(tmp_path / "large")
    for who in (BOB, ADA):
        erase(held, who)
    monkeypatch.setattr(removing, "HELD_ROWS", 0)
    monkeypatch.setattr(streaming_writer, "ROW_GROUP", 2)
    monkeypatch.setattr(streaming_writer, "SMALL_BYTES", 0)
    erase(large, BOB)
    groups = [len(list_of_groups(file.path)) for file in open_snapshot(large.home / "lake", "bronze/payments").files]
    assert max(groups) > 2, "the second is erased from files of several parts"
    erase(large, ADA)
    assert left(large) == left(held)
    assert ADA not in str(left(large))
    assert [one.state for one in erasures(large.home / "lake")] == ["done", "done"]
    assert "Nothing to do" in large.run("backfill")


def list_of_groups(path: str) -> list[int]:
    import pyarrow.parquet as pq

    footer = pq.read_metadata(path)
    return [footer.row_group(number).num_rows for number in range(footer.num_row_groups)]
