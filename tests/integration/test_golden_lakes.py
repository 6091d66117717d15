"""Each golden lake, with the code of today: it shows what it showed, nothing of it is due but by changed code, and it is gone on with.

What to do when a test here fails stands in `tests/golden/README.md`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from golden_lake import FOLDER, SEEN, Golden, contents
from people_world import found_in

from assay.lake.format import FORMAT
from assay.lake.log import LOG
from assay.lake.snapshots import open_snapshot, table_names
from assay.lake.tokens import format_of
from assay.project_root import CHECKOUT
from orders import csv_text

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

ARCHIVES = {path.name.partition(".")[0]: path for path in sorted(FOLDER.glob("format-*.tar.xz"))}
ADA, BOB, CID = "ada@golden.example", "bob@golden.example", "cid@golden.example"

# What a release makes again, or otherwise, for another reason than changed code, by table: a line of CHANGELOG.md that says so.
REMADE = {"silver/payments": "Partitions of datasets that refer to a masked column are made again once."}


@pytest.fixture(scope="module", params=ARCHIVES)
def golden(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Golden:
    opened = Golden.opened(ARCHIVES[request.param], tmp_path_factory.mktemp(request.param))
    opened.run("contracts", "compile")
    return opened


def test_there_is_a_golden_lake_of_each_version_of_the_format() -> None:
    assert [*ARCHIVES] == [f"format-{version}" for version in range(1, FORMAT + 1)], "make one: .venv/bin/python tests/golden/make.py"


def test_what_is_made_again_is_told_in_the_changelog() -> None:
    told = " ".join((CHECKOUT / "CHANGELOG.md").read_text().split())
    assert [table for table, line in REMADE.items() if line not in told] == []


def test_it_tells_nothing_of_the_machine_and_its_people_that_it_was_made_by(golden: Golden) -> None:
    (keys,) = (golden.home / "masking.keys").read_text().splitlines()[:1]
    assert keys == "# Keys of the tests only."
    folder, here = golden.home.parent, ("/tmp/", "/home/", "/root", "/work", str(CHECKOUT))
    assert found_in(folder / "home", here) == {}
    assert not [word for word in here if word in (folder / SEEN).read_text()]


def test_it_shows_what_it_showed(golden: Golden) -> None:
    seen, now = golden.seen, golden.look()
    for name, table in seen["rows"].items():
        assert now["rows"][name] == table, f"{name}: an old lake shows other rows"
    assert now == {name: seen[name] for name in now}
    lake = golden.home / "lake"
    held = {
        one["dataset"]: one["rows"] for one in json.loads(golden.ask("quarantine", "list", "--format", "json")) if one["fate"] == "held"
    }
    assert held.keys() == {"orders", "payments"}
    assert all(name in golden.ask("tables") for name in table_names(lake))
    assert "orders: landed 7 = published 4 + held 1" in golden.ask("summary")
    assert "are as they were committed" in golden.ask("check-lake", "--deep")


def test_nothing_of_it_is_due_unless_code_has_changed(golden: Golden) -> None:
    seen = golden.seen["due"]
    due = golden.due(of_its_code=True)
    more = {table: keys for table, keys in due.items() if keys != seen.get(table) and table not in REMADE}
    assert more == {}, f"would be made again in every lake, for another reason than code: see {FOLDER.name}/README.md"
    assert due.keys() >= seen.keys()
    with mock.patch("assay.ingest.step.landing_terms", return_value=["other terms"]):
        assert golden.due(of_its_code=True)["bronze/payments"] == ["2024-01-01", "2024-01-02", "2024-01-03", "2024-02-01"]


@pytest.fixture(scope="module")
def rebuilt(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Golden:
    """What the code of today has made again of it, from landing to gold, as if all of it had changed."""
    copy = Golden(golden.copy_to(tmp_path_factory.mktemp("rebuilt") / "copy").home)
    copy.run("backfill", "--force", code=1)  # one day is refused, as it was
    return copy


def test_what_todays_code_makes_of_it_are_the_same_rows_in_the_same_files(rebuilt: Golden) -> None:
    seen, now = rebuilt.seen, rebuilt.look()
    other_rows = [name for name, rows in contents(seen).items() if contents(now)[name] != rows and name.replace(".", "/") not in REMADE]
    assert other_rows == [], f"have other rows: see {FOLDER.name}/README.md"
    other_files = [name for name, files in seen["files"].items() if now["files"][name] != files and name not in REMADE]
    assert other_files == [], f"have other files of the same rows: see {FOLDER.name}/README.md"
    assert now["sums"] == seen["sums"]
    assert rebuilt.due() == seen["due"]
    assert "payments: 3 ingested, 1 archived" in rebuilt.ask("landing"), "the files that it has, and one whose rows only bronze has"


def test_it_is_gone_on_with(rebuilt: Golden, tmp_path: Path) -> None:
    golden = Golden(rebuilt.copy_to(tmp_path / "copy").home)
    golden.payments("2024-01-02", [{"payer": BOB, "amount": "7"}])  # corrected
    golden.payments("2024-01-03", [{"payer": ADA, "amount": "3"}])  # refused until now
    golden.payments("2024-02-02", [{"payer": BOB, "amount": "8"}, {"payer": CID}])  # new, with one who was erased
    golden.land("orders", "2024-01-04", csv_text([{"day": "2024-01-04", "number": "5"}]))  # a key that moves
    golden.run("backfill")
    paid = golden.rows("silver/payments").sort("payment_date", "payment").select("payment_date", "amount").rows()
    days = ["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-03", "2024-02-01", "2024-02-02"]
    assert [(str(day), amount) for day, amount in paid] == [*zip(days, [11, 10, 7, 3, 10, 8], strict=True)]
    assert golden.rows("gold/paid_by_town").height == len(days)
    ordered = golden.rows("silver/orders").sort("number").select("number", "order_date").rows()
    assert {number: str(day) for number, day in ordered} == {1: "2024-01-02", 2: "2024-01-03", 3: "2024-01-01", 5: "2024-01-04"}
    golden.run("quarantine", "restore", "payments", "--decision", "1", "--reason", "after all", "--by", "a steward", "--yes")
    assert "discarded 0" in golden.look()["sums"]["payments"][0]
    golden.run("erase", "--subject", "customer", "--by", "an office", "--yes", stdin=ADA)
    golden.run("backfill")
    look = golden.look()
    assert all(closes for _, closes in look["sums"].values()), look["sums"]
    assert [row[:3] for row in look["rows"]["erasures.requests"]["rows"]] == [["1", "done", "customer"], ["2", "done", "customer"]]
    lake = golden.home / "lake"
    assert found_in(lake, [ADA, CID]) == {}
    assert golden.rows("silver/payments").height == 3
    assert golden.due() == {}
    assert {format_of(lake / name / LOG, open_snapshot(lake, name).version) for name in table_names(lake)} == {FORMAT}
