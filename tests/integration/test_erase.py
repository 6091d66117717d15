"""One person is erased: from every layer and every earlier version, with proof and receipt, and their files do not bring them back."""

from __future__ import annotations

import json
import os
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING
from unittest import mock

import dagster as dg
import pytest
from people_world import People, found_in

from assay.lake.erasures import erasures
from assay.masking.keyring import read_ring
from assay.masking.tokens import encrypter, tokenizer
from assay.orchestration.clock import now
from assay.orchestration.instance import instance_of
from command_line import as_program
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

ADA, BOB, EVE = "ada.planted@secret.example", "bob.other@secret.example", "eve.third@secret.example"
ADAS_NAME, ADAS_IBAN, ADAS_REMARK = "Planted Ada Byron", "DE88370400440532019999", "Planted remark of hers"
SMALL = "      - {name: some, type: library, metric: rowCount, mustBeGreaterThan: 0, description: A day has payments.}\n"


def paid(who: str, **said: str) -> dict[str, str]:
    return {"payer": who, "remark": ADAS_REMARK if who == ADA else f"thanks from {who[:3]}", **said}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> People:
    """Ada is in every place where a row can be: published, duplicate, held, discarded, refused, undated, and in earlier versions only."""
    people = People.make(
        tmp_path_factory.mktemp("people"),
        ("    quality:\n      - name: remark_polite", f"    quality:\n{SMALL}      - name: remark_polite"),
    )
    people.run("init")
    people.members([{"email": ADA, "full_name": ADAS_NAME, "iban": ADAS_IBAN, "phone": "+49 151 9998887"}, {"email": BOB}, {"email": EVE}])
    people.payments(
        "2024-01-01",
        [paid(ADA), paid(BOB), paid(ADA, payment="1"), paid(ADA, amount="-5"), paid(BOB, amount="-6"), paid(ADA, day="someday")],
    )
    people.payments("2024-01-02", [paid(BOB), paid(EVE)])
    people.payments("2024-01-03", [paid(ADA)])  # nobody else that day
    people.payments("2024-01-04", [paid(ADA), paid(EVE)])
    people.payments("2024-01-05", [paid(ADA, amount="-1")])  # too many are rejected: refused
    people.payments("2024-02-01", [paid(EVE), paid(ADA)])
    people.run("backfill", code=1)
    people.payments("2024-01-04", [paid(EVE)])  # corrected: she is in an earlier version only
    people.run("backfill", code=1)
    people.ask("quarantine", "discard", "payments", "--rule", "amount_minimum", "--partition", "2024-01-01", "--reason", "no", "--yes")
    with dagster_of(people) as instance:  # as before errors said no values
        said = f"Could not convert string '{terms(people)[4]}' to INT32, of {ADA}"
        instance.report_runless_asset_event(dg.AssetObservation("sums", metadata={"said": said}))
    return people


def keep(people: People, path: str, since: date) -> None:
    """Let a contract keep what is from a day on."""
    contract = people.contracts / path
    days = (now().date() - since).days
    levels = f"slaProperties:\n  - {{property: retention, value: {days}, unit: d}}\nschema:\n"
    contract.write_text(contract.read_text().replace("schema:\n", levels, 1))


def test_a_person_in_what_has_expired_is_erased_from_the_files_that_are_left_of_it(people: People) -> None:
    for path in ("payments.odcs.yaml", "gold/paid_by_town.odcs.yaml"):
        keep(people, path, date(2024, 2, 1))
    people.run("contracts", "compile")
    said = people.run("maintain", "--retention", "--dry-run")
    assert "gold/paid_by_town 2024-01-01: " in said
    assert people.run("maintain", "--retention").splitlines()[:3] == said.splitlines()[:3]
    assert "decisions/payments 2024-01-01: " in said
    people.run("erase", "--subject", "customer", "--value-from", "-", "--by", "tester", "--yes", stdin=ADA + "\n")
    assert not [path for path in found_in(people.home, terms(people)) if not path.startswith("landing/")]
    assert [one.state for one in erasures(people.home / "lake")] == ["done"]
    assert people.rows("silver/payments")["payment_date"].unique().to_list() == [date(2024, 2, 1)]
    contract = people.contracts / "payments.odcs.yaml"
    contract.write_text(contract.read_text().replace(f"value: {(now().date() - date(2024, 2, 1)).days}, unit: d", "value: 1, unit: d"))
    said = people.run("maintain", "--retention", code=1)
    assert "silver/payments: all 1 partitions of it have expired: nothing of it" in said
    assert people.rows("silver/payments").height == 1
    people.run("maintain", "--retention", "--allow-empty", "silver/payments")
    assert people.rows("silver/payments").height == 0


@pytest.fixture
def people(built: People, tmp_path: Path) -> People:
    return built.copy_to(tmp_path / "copy")


def terms(people: People) -> list[str]:
    """Ada's values, and all that stands for them."""
    (key,) = read_ring(people.settings.masking_keys).keys
    tokens = [tokenizer(key, "subject:customer")(ADA), tokenizer(key, "column:members.full_name")(ADAS_NAME)]
    return [
        ADA,
        ADAS_NAME,
        ADAS_IBAN,
        ADAS_REMARK,
        *tokens,
        encrypter(key, "column:members.iban")(ADAS_IBAN),
        tokenizer(key, "column:payments.remark")(ADAS_REMARK),
    ]


@contextmanager
def dagster_of(people: People) -> Iterator[dg.DagsterInstance]:
    """The instance of a home."""
    folder = people.settings.dagster_home
    with mock.patch.dict(os.environ, DAGSTER_HOME=str(folder)), instance_of(folder) as instance:
        yield instance


def erase(people: People, value: str = ADA, code: int = 0) -> str:
    return people.run("erase", "--subject", "customer", "--value-from", "-", "--by", "tester", "--yes", stdin=value + "\n", code=code)


def state(people: People) -> dict[str, list[tuple[object, ...]]]:
    """What readers see, however it came about."""
    tables = ("bronze/members", "bronze/payments", "silver/members", "silver/payments", "gold/paid_by_town")
    found = {name: sorted(people.rows(name).rows(), key=str) for name in tables}
    columns = "rule, source_file, source_row, _partition"
    for view in ("quarantine", "discarded", "refused"):
        found[view] = json.loads(people.ask("sql", f"select {columns} from {view}.payments order by all", "--format", "json"))
    return found


def test_before_she_is_everywhere(built: People) -> None:
    found = found_in(built.home / "lake", terms(built))
    assert {path.split("/")[0] for path in found} == {"bronze", "silver", "gold"}
    assert built.rows("quarantine/payments").height >= 4


@dataclass(frozen=True)
class Erased:
    """A home from which she was erased, what was said meanwhile, and the seconds that it took to say the first line, the next, and so on."""

    people: People
    said: str
    seconds: list[float]


@pytest.fixture(scope="module")
def erased(built: People, tmp_path_factory: pytest.TempPathFactory) -> Erased:
    people = built.copy_to(tmp_path_factory.mktemp("erased") / "copy")
    erasing, said, moments = eraser(people), "", [time.monotonic()]
    while line := erasing.stdout.readline():
        said += line
        moments.append(time.monotonic())
    erasing.rest()
    assert erasing.code == 0
    return Erased(people, said, [after - before for before, after in pairwise(moments)])


def eraser(people: People) -> Child:
    """A process that erases her."""
    arguments = ("erase", "--subject", "customer", "--value-from", "-", "--by", "tester", "--yes")
    return Child.start(as_program, ADA, *arguments, environment=people.environment)


def killed(built: People, folder: Path, lines: int, seconds: float) -> People:
    """A home whose erasure was killed so many seconds after it had said so many lines; a bit earlier where it would have been done by then."""
    for attempt in range(5):
        people = built.copy_to(folder / str(attempt))
        erasing = eraser(people)
        said = [erasing.stdout.readline() for _ in range(lines)]
        time.sleep(seconds / 2**attempt)
        if erasing.code is None:
            erasing.kill()
            print(f"killed after {said}")
            return people
        assert erasing.code == 0
    pytest.fail("it was always done before it could be killed")


def test_afterwards_no_byte_of_the_home_tells_of_her(erased: Erased) -> None:
    people, said = erased.people, erased.said
    with dagster_of(people) as instance:
        (event,) = instance.fetch_observations(dg.AssetKey("sums"), limit=5).records
    assert event.asset_observation is not None
    assert event.asset_observation.metadata["said"].value == "Could not convert string '***' to INT32, of ***"
    elsewhere = {path: values for path, values in found_in(people.home, terms(people)).items() if not path.startswith("landing/")}
    assert elsewhere == {}
    assert ADA not in said


def test_everybody_else_is_still_there(erased: Erased, built: People) -> None:
    people = erased.people
    for table in ("bronze/members", "bronze/payments"):
        kept = [row for row in built.rows(table).rows() if ADA not in row]
        assert sorted(people.rows(table).rows(), key=str) == sorted(kept, key=str)
    (key,) = read_ring(people.settings.masking_keys).keys
    hers = tokenizer(key, "subject:customer")(ADA)
    for table in ("silver/members", "silver/payments", "gold/paid_by_town"):
        kept = [row for row in built.rows(table).rows() if hers not in row]
        assert sorted(people.rows(table).rows(), key=str) == sorted(kept, key=str)


def test_the_sum_of_rows_closes_and_counts_her_apart(erased: Erased) -> None:
    people = erased.people
    said = people.ask("quarantine", "list")
    assert "payments: landed 13 = published 5 + held 0 + discarded 1 + duplicates 0 + erased 7" in said, said


def test_the_receipt_tells_everything_but_who(erased: Erased) -> None:
    people, said = erased.people, erased.said
    (one,) = erasures(people.home / "lake")
    assert (one.number, one.state, one.subject, one.asked_by) == (1, "done", "customer", "tester")
    assert one.token.startswith("tok_k")
    assert one.token not in terms(people)
    assert one.detail["rows"] == {"members": 1, "payments": 8}, "those of earlier versions and of refused partitions as well"
    assert one.detail["files_removed"]["bronze/payments"] >= 4
    assert one.detail["scanned"]["found"] == 0
    assert "members/members_2024-01-01.csv" in one.detail["landing_files"]
    assert one.done_at is not None
    assert ADA not in str(one)
    shown = json.loads(people.ask("sql", "select state, token from erasures.requests", "--format", "json"))
    assert shown == [{"state": "done", "token": one.token}]
    assert one.token in said


def test_her_files_do_not_bring_her_back(erased: Erased, tmp_path: Path) -> None:
    people = erased.people.copy_to(tmp_path / "copy")
    before = state(people)
    people.run("backfill", "--force", code=1)
    assert state(people) == before
    people.payments("2024-01-02", [paid(BOB), paid(EVE), paid(ADA)])
    people.payments("2024-01-06", [paid(ADA), paid(BOB)])
    people.run("backfill", code=1)
    assert ADA not in str(people.rows("bronze/payments").rows())
    assert people.rows("silver/payments").height == 6
    elsewhere = [path for path in found_in(people.home, terms(people)) if not path.startswith("landing/")]
    assert elsewhere == []
    assert "landed 16 = published 6 + held 0 + discarded 1 + duplicates 0 + erased 9" in people.ask("quarantine", "list")


def test_doing_it_again_changes_nothing(erased: Erased, tmp_path: Path) -> None:
    people = erased.people.copy_to(tmp_path / "copy")
    before = state(people)
    erase(people)
    assert state(people) == before
    assert [(one.number, one.state) for one in erasures(people.home / "lake")] == [(1, "done")]


def test_a_mention_elsewhere_is_named_and_there_is_no_receipt(people: People) -> None:
    people.payments("2024-01-02", [paid(BOB, remark=f"for {ADA}"), paid(EVE)])
    people.run("backfill", code=1)
    said = erase(people, code=1)
    assert "can still be told from bronze/payments/_arrival_date=2024-01-02/" in said
    assert "column remark" in said
    assert ADA not in said
    assert [one.state for one in erasures(people.home / "lake")] == ["begun"]
    people.payments("2024-01-02", [paid(BOB), paid(EVE)])
    people.run("backfill", code=1)
    assert "can still be told" in erase(people, code=1), "the earlier version of a row that is not hers"


def test_a_kind_of_nobody_and_a_value_of_nobody(people: People) -> None:
    said = people.run("erase", "--subject", "drivr", "--value-from", "-", "--yes", stdin="x", code=1)
    assert "no contract has such a subject" in said
    before = state(people)
    assert "No row names this customer: nothing was removed." in erase(people, "nobody.at.all@secret.example")
    assert state(people) == before
    assert "empty, or more than one line" in people.run("erase", "--subject", "customer", "--yes", stdin="\n", code=1)


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 4, 6, 7, 8])
def test_an_erasure_that_is_killed_ends_in_the_same_way_when_it_is_run_again(
    built: People, erased: Erased, tmp_path: Path, lines: int
) -> None:
    people = killed(built, tmp_path, lines, random.Random(20240301 + lines).random() * erased.seconds[lines])
    erase(people)
    whole = erased.people
    assert state(people) == state(whole)
    assert "landed 13 = published 5 + held 0 + discarded 1 + duplicates 0 + erased 7" in people.ask("quarantine", "list")
    assert [path for path in found_in(people.home, terms(people)) if not path.startswith("landing/")] == []
    (receipt,), (other,) = erasures(people.home / "lake"), erasures(whole.home / "lake")
    assert (receipt.state, receipt.detail["rows"], receipt.detail["landing_files"]) == (
        "done",
        other.detail["rows"],
        other.detail["landing_files"],
    )
