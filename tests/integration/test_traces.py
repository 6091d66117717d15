"""What work leaves behind of a person beside the tables: in private folders, in messages, in a developer's files. An erasure finds it all."""

from __future__ import annotations

import os
import signal
import traceback

import pytest
from payers_till import ADA, BOB, Till, stops_before_it_publishes
from people_world import found_in

from assay.erasure import waiting
from assay.erasure.waiting import StillAtWork
from assay.lake.erasures import BEGUN, DONE
from assay.masking.keyring import read_ring
from assay.masking.redaction import StepFailsAgain
from assay.masking.tokens import tokenizer
from assay.orchestration import erasing
from command_line import BIN, process
from nursery import Child
from people import PAYMENT, csv_of

pytestmark = pytest.mark.slow  # a real dbt builds real sums


def token_of(till: Till, who: str = ADA) -> str:
    return tokenizer(read_ring(till.settings.masking_keys).current, "subject:customer")(who)


def paid_again(till: Till) -> None:
    """A file that makes March due."""
    till.land("payments", "2024-03-06", csv_of(PAYMENT, [{"day": "2024-03-06", "payment": "1", "payer": BOB, "amount": "64"}]))


def built(till: Till) -> Child:
    """A process that has built gold and has not published it."""
    build = Child.start(stops_before_it_publishes, till.product.folder)
    while build.stdout.readline() != "built\n":
        assert build.code is None
    return build


def test_a_build_that_is_stopped_is_named_and_publishes_nothing_when_it_goes_on(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    paid_again(till)
    build = built(till)
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(StillAtWork, match=rf"a build of sums, again \(process {build.pid}\); still at work"):
        till.erase()
    assert till.states() == [BEGUN]
    build.end(signal.SIGCONT)
    assert "failed: set()" in build.rest(), "it was fenced, and began again on what is left"
    assert till.erase().state == DONE
    assert till.sums() == ({"2024-02-01": 24, "2024-03-01": 96},) * 2
    assert not [*till.settings.scratch.glob("work-*")]


def test_a_build_that_was_killed_before_it_published_leaves_nothing_after_an_erasure(till: Till) -> None:
    paid_again(till)
    built(till).kill()
    assert [*till.settings.scratch.glob("work-*/gold-*/assay.duckdb")]
    assert till.erase().state == DONE
    assert not [*till.settings.scratch.glob("work-*")]
    assert till.sums() == ({"2024-02-01": 24, "2024-03-01": 96},) * 2


def test_a_failing_model_says_no_token_to_dagster_or_to_whoever_runs_it(till: Till) -> None:
    world = till.product.world
    model = world.dbt_project / "models/gold/sums.sql"
    model.write_text(model.read_text().replace("amount from", "cast(payer as integer) as amount from"))
    (failure,) = [ran.failure for ran in world.backfill(None, None) if ran.failure]
    logs = world.instance.event_log_storage
    kept = str([logs.get_logs_for_run(one.run_id) for one in world.instance.get_runs()])
    for said in (failure, kept):
        assert "model sums failed: " in said
        assert "Conversion Error: not shown (column payer, line " in said
        assert [who for who in (ADA, BOB) if token_of(till, who) in said] == []


def test_what_a_developers_dbt_has_kept_of_her_goes_too_and_the_receipt_says_where_nobody_can_look(till: Till) -> None:
    project = till.product.world.dbt_project
    (project / "models/gold/developed.sql").write_text(
        "{{ config(materialized='table', contract={'enforced': false}) }} select * from {{ source('silver', 'payments') }}"
    )
    (project / "models/gold/broken.sql").write_text(
        "{{ config(materialized='table', contract={'enforced': false}) }} select cast(payer as integer) from {{ ref('developed') }}"
    )
    where = {"ASSAY_HOME": str(till.settings.home), "ASSAY_CONTRACTS": str(till.product.contracts), "ASSAY_DBT_PROJECT": str(project)}
    process(BIN / "dbt", "build", "--profiles-dir", ".", "-s", "developed", "broken", environment=os.environ | where, folder=project)
    for name in ("developed", "broken"):
        (project / f"models/gold/{name}.sql").unlink()
    token = token_of(till)
    assert {"target/assay.duckdb", "target/run_results.json", "logs/dbt.log"} <= {*found_in(project, [token])} | {"target/assay.duckdb"}
    assert (project / "target/assay.duckdb").exists()
    done = till.erase()
    assert not (project / "target/assay.duckdb").exists()
    assert [path for path in found_in(till.product.folder, [token, ADA]) if not path.startswith("home/landing/")] == []
    said = [line for line in till.said if line.endswith(": cleaned.")]
    assert {"dbt_project/target/assay.duckdb: cleaned.", "dbt_project/logs/dbt.log: cleaned."} <= {*said}
    scanned = done.detail["scanned"]
    assert {"the lake", "Dagster's instance below the home", "the dbt project, with target/ and logs/"} <= {*scanned["places"]}
    assert any("backups" in one for one in scanned["beyond"])


def test_an_engine_that_quotes_her_while_she_is_erased_is_not_repeated(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    def quoting(*_: object) -> None:
        raise ValueError(f"conversion failed for value: {ADA}")

    monkeypatch.setattr(erasing, "search", quoting)
    with pytest.raises(StepFailsAgain, match=r"Tried to work on erasing a customer; ValueError in test_traces\.py") as failure:
        till.erase()
    assert ADA not in "".join(traceback.format_exception(failure.value))
