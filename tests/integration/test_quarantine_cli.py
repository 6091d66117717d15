"""`assay quarantine ..` as people type it: what it prints, and what it changes."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

import command_line
from assay.lake.quarantine.reader import Fate, View

if TYPE_CHECKING:
    from small_world import World

    from command_line import Done

HELD = 78  # flights of three days to airports that are not in the airports table


def assay(world: World, *arguments: str) -> Done:
    return command_line.assay("quarantine", *arguments, environment=command_line.shell(world.home))


def good(world: World, *arguments: str) -> str:
    done = assay(world, *arguments)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_list_counts_by_dataset_and_rule_and_the_sum_closes(built_world: World) -> None:
    (row,) = json.loads(good(built_world, "list", "--format", "json"))
    assert {name: row[name] for name in ("dataset", "rule", "fate", "rows", "partitions", "first_partition", "last_partition")} == {
        "dataset": "flights", "rule": "dest_known", "fate": "held", "rows": HELD, "partitions": 3, "first_partition": "2013-01-01",
        "last_partition": "2013-01-03",
    }  # fmt: skip
    assert row["first_run"] == row["last_run"]
    assert row["first_run_at"].endswith("+00:00")
    assert row["contract"] == "1.2.0"
    shown = good(built_world, "list")
    assert f"flights: landed {HELD + 2621:,} = published 2,621 + held {HELD} + discarded 0 + duplicates 0" in shown


def test_list_can_be_narrowed(built_world: World) -> None:
    (row,) = json.loads(good(built_world, "list", "--dataset", "flights", "--partition", "2013-01-02", "--format", "json"))
    assert (row["partitions"], row["first_partition"]) == (1, "2013-01-02")
    assert json.loads(good(built_world, "list", "--rule", "carrier_known", "--format", "json")) == []


def test_show_tells_reason_origin_and_run_and_hides_what_landed(built_world: World) -> None:
    rows = json.loads(good(built_world, "show", "flights", "--partition", "2013-01-01", "--limit", "2", "--format", "json"))
    assert len(rows) == 2
    assert rows[0]["source_file"] == "flights/flights_2013-01-01.csv"
    assert "Found " in rows[0]["reason"]
    assert set(json.loads(rows[0]["raw"]).values()) <= {"***", None}
    assert "***" not in good(built_world, "show", "flights", "--limit", "2"), "a table leaves the landed row out"


def test_show_raw_shows_the_row_as_it_landed(built_world: World) -> None:
    (row,) = csv.DictReader(io.StringIO(good(built_world, "show", "flights", "--limit", "1", "--raw", "--format", "csv")))
    landed = json.loads(row["raw"])
    lines = (built_world.settings.landing / row["source_file"]).read_text().splitlines()
    assert ",".join(landed.values()) == lines[int(row["source_row"])]


def test_discard_and_restore_leave_a_trail(world: World) -> None:
    out = good(world, "discard", "flights", "--partition", "2013-01-02", "--reason", "test flights", "--by", "ada", "--yes")
    assert "held 52 + discarded 26" in out
    again = assay(world, "discard", "flights", "--partition", "2013-01-02", "--reason", "again", "--yes")
    assert (again.returncode, again.stdout) == (1, "")
    assert "no such row to discard" in again.stderr
    (row, *_) = json.loads(good(world, "show", "flights", "--discarded", "--format", "json"))
    assert (row["decision"], row["decided_by"], row["because"]) == (1, "ada", "test flights")
    assert f"held {HELD} + discarded 0" in good(world, "restore", "flights", "--decision", "1", "--by", "bob", "--yes")
    told = json.loads(good(world, "history", "flights", "--partition", "2013-01-02", "--format", "json"))
    assert [(event["what"], event["by"]) for event in told] == [("published", ""), ("discard", "ada"), ("restore", "bob")]
    assert told[1]["rows"].startswith("decided 26 (flights/flights_2013-01-02.csv row ")


def test_one_row_can_be_discarded_by_its_place(world: World) -> None:
    row = View.open(world.settings.lake, "flights").rows(Fate.HELD).row(0, named=True)
    place = ("--source-file", row["source_file"], "--source-row", str(row["source_row"]))
    assert f"held {HELD - 1} + discarded 1" in good(world, "discard", "flights", *place, "--reason", "one", "--yes")


def test_nothing_is_decided_without_a_yes(world: World) -> None:
    done = assay(world, "discard", "flights", "--rule", "dest_known", "--reason", "test flights")
    assert done.returncode == 1
    assert "Go on?" in done.stdout
    assert View.open(world.settings.lake, "flights").decisions is None


def test_replay_says_by_rule_what_came_back_and_that_nothing_has_changed(world: World) -> None:
    out = good(world, "replay", "flights", "--rule", "dest_known", "--from", "2013-01-01", "--to", "2013-01-02")
    assert "silver/flights 2013-01-01 to 2013-01-02" in out
    assert "0 came back, 52 still held, 0 newly held, +0 rows published. Nothing has changed." in out
    assert "nothing to replay" in good(world, "replay", "flights", "--partition", "2013-02-01")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "nothing"), "there is no such dataset. Known: "),
        (("list", "--dataset", "nothing"), "there is no such dataset"),
        (("list", "--rule", "dest_knwn"), "'dest_knwn'; it is no rule of any dataset. Did you mean dest_known?"),
        (("show", "flights", "--rule", "dest_knwn"), "it is no rule of flights. Did you mean dest_known?"),
        (("show", "airlines", "--rule", "dest_known"), "it is no rule of airlines"),
        (("list", "--partition", "2013-02-30"), "'2013-02-30'; it is no partition of any dataset"),
        (("show", "flights", "--partition", "2014-05-01"), "it is no partition of flights"),
        (("show", "flights", "--partition", "arrival/2013-1-1"), "it is no partition of flights"),
        (("history", "flights", "--partition", "yesterday"), "it is no partition of flights"),
        (("replay", "flights", "--rule", "dest_knwn"), "it is no rule of flights"),
        (("replay", "flights", "--partition", "20130101"), "it is no partition of flights"),
        (("show", "flights", "--refused", "--discarded"), "not both"),
        (("discard", "flights", "--reason", "all"), "Say which rows"),
        (("discard", "flights", "--rule", "dest_known"), "--reason"),
        (("restore", "flights"), "Say which rows"),
        (("replay", "flights", "--from", "2013-01-01"), "both"),
        (("replay", "flights", "--from", "2013-01-03", "--to", "2013-01-01"), "not after"),
    ],
)
def test_a_wrong_call_says_what_to_do(built_world: World, arguments: tuple[str, ...], complaint: str) -> None:
    done = assay(built_world, *arguments)
    assert done.returncode != 0
    assert complaint in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_a_dataset_of_which_nothing_was_ever_rejected_is_no_wrong_call(built_world: World) -> None:
    for command in ("show", "history", "replay"):
        assert "airlines: no row was ever rejected." in good(built_world, command, "airlines")


@pytest.mark.parametrize(
    "choice",
    [
        ("--rule", "event_time_readable"),
        ("--rule", "carrier_known"),
        ("--partition", "2013-02-01"),
        ("--partition", "arrival/2013-01-01"),
        ("--rule", "dest_known", "--discarded"),
    ],
    ids=" ".join,
)
def test_a_choice_that_no_row_meets_now_is_no_wrong_call(built_world: World, choice: tuple[str, ...]) -> None:
    assert good(built_world, "show", "flights", *choice) == "No such row.\n"


@pytest.mark.parametrize("command", ["list", "show", "replay", "discard", "restore", "history"])
def test_help_of_every_command_has_an_example(built_world: World, command: str) -> None:
    assert f"Example: assay quarantine {command}" in " ".join(good(built_world, command, "--help").split())
