"""An erasure follows what the removed rows have fed: sums in which nobody's name stands are made again, or there is no receipt."""

from __future__ import annotations

from typing import Any

import pytest
from payers_till import ADA, BOB, Till
from small_world import edit

from assay.contracts.reading.odcs import load_contracts
from assay.erasure.person_search import search
from assay.erasure.proving import NotErased
from assay.erasure.removing import remove_from_bronze
from assay.errors import Fenced
from assay.gold import step
from assay.lake.erasures import BEGUN, DONE, raise_fence
from assay.lake.snapshots import open_snapshot, table_names
from assay.orchestration import erasing
from people import PAYMENT, csv_of

pytestmark = pytest.mark.slow

RELATION = """\
        relationships:
          - to: members.email
            customProperties:
              - {property: name, value: payer_known}
"""


def test_months_that_held_nobody_else_are_published_empty_and_the_receipt_says_what_was_followed(till: Till) -> None:
    done = till.erase()
    assert till.sums() == ({"2024-02-01": 24, "2024-03-01": 32},) * 2
    assert done.detail["downstream"] == {
        "silver/members": ["all"],
        "silver/payments": ["2024-01-31", "2024-02-03"],
        "gold/sums": ["2024-01-01", "2024-02-01"],
        "gold/again": ["2024-01-01", "2024-02-01"],
    }
    assert done.detail["rows"] == {"members": 1, "payments": 3}
    again = till.erase()
    assert again.detail["rows"] == {"members": 0, "payments": 0}
    assert [one["rows"] for one in again.detail["earlier"]] == [done.detail["rows"]], "the receipt of the rows is kept"
    assert till.states() == [DONE]


def test_a_sum_that_cannot_be_made_again_is_named_and_there_is_no_receipt_until_it_is(till: Till) -> None:
    model = till.product.world.dbt_project / "models/gold/sums.sql"
    written, before = model.read_text(), till.sums()
    model.write_text("select nonsense from {{ nowhere() }}")  # left out, with what reads it
    with pytest.raises(NotErased, match=r"gold/again 2024-01-01 and 2 more \(no model .*gold/sums 2024-01-01 and 2 more"):
        till.erase()
    assert till.states() == [BEGUN]
    assert till.sums() == before
    model.write_text(written)
    assert till.erase().state == DONE
    assert till.sums() == ({"2024-02-01": 24, "2024-03-01": 32},) * 2


def test_what_a_failed_run_leaves_as_it_was_is_named_with_the_failure(till: Till) -> None:
    contract = till.product.contracts / "gold/again.odcs.yaml"
    rule = "    quality:\n      - {name: dear, type: custom, engine: assay, implementation: total > 100, description: Dear.}\n"
    edit(contract, "    customProperties:\n", f"{rule}    customProperties:\n")
    till.product.world.compile()
    with pytest.raises(NotErased, match=r"(?s)^gold/again 2024-01-01 and 1 more: fed by .*'dear'"):
        till.erase()
    assert till.states() == [BEGUN]


def test_while_a_table_of_raw_rows_has_no_sound_contract_nothing_is_removed(till: Till) -> None:
    contract = till.product.contracts / "members.odcs.yaml"
    edit(contract, "logicalType: date", "logicalType: dayte")
    edit(till.product.contracts / "payments.odcs.yaml", RELATION, "")
    before = till.product.world.versions()
    with pytest.raises(NotErased, match="no sound contract says whom bronze/members"):
        till.erase()
    assert till.product.world.versions() == before
    assert till.states() == []


def test_a_table_that_waits_for_its_new_calendar_is_named_and_goes_on_once_it_was_replaced(till: Till) -> None:
    days = "value: {grain: day, start: 2024-01-01, end: 2024-04-01}\n      - property: arrival"
    edit(till.product.contracts / "payments.odcs.yaml", days, days.replace("day, start: 2024-01", "month, start: 2024-02"))
    with pytest.raises(NotErased, match=r"silver/payments \(its partitions are not those of a calendar of months"):
        till.erase()
    assert till.states() == [BEGUN]
    assert set(till.product.backfill().values()) == {None}
    assert till.erase().detail["downstream"]["silver/payments"] == ["2024-01-01", "2024-02-01"]
    assert till.sums() == ({"2024-02-01": 24, "2024-03-01": 32},) * 2


@pytest.mark.parametrize("when", ["before it removes rows", "before it rebuilds"])
def test_another_erasure_in_the_middle_of_one_undoes_nothing(till: Till, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """One of the two may be told to run again; who has a receipt is gone for good."""
    began = iter([True])

    def other(*arguments: Any) -> Any:
        if next(began, False):
            assert till.erase(BOB).state == DONE
        return remove_from_bronze(*arguments) if arguments else None

    if when == "before it removes rows":
        monkeypatch.setattr(erasing, "remove_from_bronze", other)
        with pytest.raises(Fenced, match="before an erasure had begun") as told:
            till.erase()
        assert "What it has removed stays removed" in str(told.value), "one of its datasets may be clean already"
        assert "Nothing was changed" not in str(told.value)
        assert till.states() == [BEGUN, DONE]
        assert till.erase().state == DONE
    else:
        assert till.erase(meanwhile=other).state == DONE
    assert till.states() == [DONE, DONE]
    lake, contracts = till.settings.lake, load_contracts(till.product.contracts)
    for dataset in ("payments", "members"):
        assert open_snapshot(lake, f"bronze/{dataset}").rows == 0
        assert open_snapshot(lake, f"silver/{dataset}").rows == 0
        assert not any(search(lake, contracts[dataset], "customer", who).places for who in (ADA, BOB))
    assert till.sums() == ({}, {})


def test_a_build_of_gold_that_was_paused_before_the_fence_begins_again(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    real, refused = step.publish, list[str]()

    def fenced(*arguments: Any, **named: Any) -> Any:
        if refused:
            return real(*arguments, **named)
        raise_fence(till.settings.lake, table_names(till.settings.lake))
        try:
            return real(*arguments, **named)
        except Fenced as error:
            refused.append(error.message)
            raise

    till.land("payments", "2024-03-06", csv_of(PAYMENT, [{"day": "2024-03-06", "payment": "1", "payer": BOB, "amount": "64"}]))
    monkeypatch.setattr(step, "publish", fenced)
    assert set(till.product.backfill().values()) == {None}
    assert refused == ["Tried to publish to gold/sums what was read before an erasure had begun."]
    assert till.sums() == ({"2024-01-01": 3, "2024-02-01": 28, "2024-03-01": 96},) * 2
