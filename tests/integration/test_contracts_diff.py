"""`assay contracts diff` as people and CI run it: in a git repository of its own, on the product's real contracts and dbt models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.project_root import CHECKOUT

CONTRACTS = "platform/flights/contracts"
MINIMUM = ("logicalTypeOptions: {minimum: -240, maximum: 2880}", "logicalTypeOptions: {minimum: -200, maximum: 2880}")
VERSION = ("version: 1.0.0\nstatus", "version: {}\nstatus")
TEXT = (str, type(None))
CHANGE = {
    "kind": str, "title": str, "where": str, "column": TEXT, "old": object, "new": object, "note": str, "backward": bool, "forward": bool,
    "compatibility": str, "bump": str, "breaking": bool, "privacy": bool, "affects": list, "migrate": str, "downstream": list,
}  # fmt: skip
DATASET = {
    "dataset": str, "old_version": TEXT, "new_version": TEXT, "compatibility": str, "required_bump": str,
    "complaint": TEXT, "changes": list,
}  # fmt: skip
REACHED = {"kind": str, "name": str, "column": TEXT, "role": TEXT, "way": list, "unknown": str}


@dataclass
class Repository:
    """A checkout under git, whose contracts a test may edit."""

    root: Path
    dbt_project: Path

    def git(self, *arguments: str) -> None:
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", "-C", str(self.root), *who, *arguments], check=True, capture_output=True)

    def edit(self, dataset: str, *changes: tuple[str, str]) -> None:
        path = self.root / CONTRACTS / f"{dataset}.odcs.yaml"
        text = path.read_text()
        for old, new in changes:
            assert old in text, f"{path} has no {old!r}"
            text = text.replace(old, new, 1)
        path.write_text(text)

    def diff(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "GIT_", "DAGSTER_", "DBT_"))}
        places = {
            "PYTHONPATH": str(self.root / "platform"),
            "ASSAY_DBT_PROJECT": str(self.dbt_project),
            "ASSAY_HOME": str(self.root / "home"),
        }
        assay = [str(Path(sys.executable).parent / "assay"), "contracts", "diff", *arguments]
        return subprocess.run(assay, cwd=self.root, env=kept | places, capture_output=True, text=True, check=False)

    def report(self, *arguments: str) -> dict[str, Any]:
        shown = self.diff(*arguments, "--json")
        assert shown.stdout, shown.stderr
        found: dict[str, Any] = json.loads(shown.stdout)
        return found


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    root = tmp_path_factory.mktemp("repository")
    left_out = shutil.ignore_patterns("target", "logs", "__pycache__", "*.duckdb")
    for folder in ("platform", "dbt_project"):
        shutil.copytree(CHECKOUT / folder, root / folder, ignore=left_out)
    shutil.copy(CHECKOUT / "workspace.yaml", root)
    for contract in (root / CONTRACTS).glob("*.yaml"):
        text = contract.read_text()
        contract.write_text(text.replace(text[text.index("\nversion: ") : text.index("\nstatus")], "\nversion: 1.0.0"))
    repository = Repository(root, root / "dbt_project")
    (root / ".gitignore").write_text("target/\nhome/\n__pycache__/\n")
    for arguments in (("init",), ("add", "."), ("commit", "-m", "The first contracts.")):
        repository.git(*arguments)
    return repository


@pytest.fixture
def repository(committed: Repository, tmp_path: Path) -> Repository:
    """A copy; the dbt project is shared, so that it is parsed and rendered once."""
    root = tmp_path / "repository"
    shutil.copytree(committed.root, root, ignore=shutil.ignore_patterns("target", "dbt_project"))
    return Repository(root, committed.dbt_project)


def test_nothing_has_changed(repository: Repository) -> None:
    shown = repository.diff("HEAD")
    assert (shown.returncode, shown.stdout) == (0, "No contract has changed.\n"), shown.stderr


def test_a_breaking_change_without_a_new_version_fails_and_names_what_breaks(repository: Repository) -> None:
    repository.edit("flights", ("{property: unit, value: min}", "{property: unit, value: s}"))
    shown = repository.diff("HEAD")
    assert shown.returncode == 1, shown.stderr
    for said in (
        "flights 1.0.0 -> 1.0.0: major, compatibility none",
        "BREAKING  column dep_delay_minutes: unit changed: min -> s",
        "Add a column of the new form under a new name",
        "reaches gold/departures_weather: dep_delay_minutes (identity)",
        "departed_on_time (condition)",
        "reaches gold/carrier_ranking_7d: carrier_rank (condition, through gold/carrier_punctuality_daily.departed_on_time)",
        "NOT ENOUGH: the changes need a major version after 1.0.0: 2.0.0 or higher, not 1.0.0.",
    ):
        assert said in shown.stdout
    assert "Traceback" not in shown.stderr


def test_the_version_that_was_asked_for_is_enough(repository: Repository) -> None:
    repository.edit("flights", MINIMUM, (VERSION[0], VERSION[1].format("2.0.0")))
    shown = repository.diff("HEAD", "--no-lineage")
    assert shown.returncode == 0, shown.stdout
    assert "What breaks downstream is not known: it was not asked for." in shown.stdout


def test_a_commit_is_compared_with_the_working_tree_and_not_with_the_index(repository: Repository) -> None:
    repository.edit("flights", MINIMUM)
    repository.git("commit", "-am", "Stricter.")
    repository.git("tag", "stricter")
    assert repository.diff("stricter").stdout == "No contract has changed.\n"
    assert [one["dataset"] for one in repository.report("HEAD~1")["datasets"]] == ["flights"]


def test_json_has_the_fields_that_were_promised_and_no_others(repository: Repository) -> None:
    repository.edit(
        "flights", MINIMUM, ("New York day of the scheduled departure.", "The day."), ("minLength: 2, maxLength: 2", "minLength: 1")
    )
    repository.edit("airlines", ("Full name.", "Its name."))
    report = repository.report("HEAD")
    assert {name: type(value) for name, value in report.items()} == {
        "format": int, "enough": bool, "downstream_unknown": type(None), "datasets": list,
    }  # fmt: skip
    assert (report["format"], report["enough"]) == (1, False)
    assert [one["dataset"] for one in report["datasets"]] == ["airlines", "flights"]
    for dataset in report["datasets"]:
        assert_fields(dataset, DATASET)
        for change in dataset["changes"]:
            assert_fields(change, CHANGE)
            for reached in change["downstream"]:
                assert_fields(reached, REACHED)
    changes = {change["where"]: change for change in report["datasets"][1]["changes"]}
    assert changes["column flight_date"]["downstream"] == []
    assert {reached["name"] for reached in changes["rule carrier_length"]["downstream"]} >= {"gold/carrier_punctuality_daily"}
    assert changes["rule carrier_length"]["old"] == [2, 2]


def assert_fields(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for name, kind in wanted.items():
        assert isinstance(found[name], kind), f"{name} is {found[name]!r}"


def test_a_column_that_other_contracts_look_into_names_their_rules(repository: Repository) -> None:
    repository.edit("airlines", ("classification: public", "classification: restricted"))
    (dataset,) = repository.report("HEAD")["datasets"]
    reached = {(one["kind"], one["name"]) for change in dataset["changes"] for one in change["downstream"]}
    assert ("rule", "flights.carrier_known") in reached
    assert ("test", "carrier_punctuality_daily_carrier_is_known") in reached


def test_two_files_and_two_folders_are_compared(repository: Repository, tmp_path: Path) -> None:
    shutil.copytree(repository.root / CONTRACTS, tmp_path / "old")
    repository.edit("flights", MINIMUM)
    files = [str(folder / "flights.odcs.yaml") for folder in (tmp_path / "old", repository.root / CONTRACTS)]
    by_file, by_folder = repository.report(*files), repository.report(str(tmp_path / "old"), str(repository.root / CONTRACTS))
    assert by_file == by_folder == repository.report("HEAD")
    assert repository.diff(files[0], files[0]).stdout == "No contract has changed.\n"


def test_a_dataset_that_comes_and_one_that_goes(repository: Repository) -> None:
    folder = repository.root / CONTRACTS
    text = (folder / "weather.odcs.yaml").read_text()
    (folder / "storms.odcs.yaml").write_text(text.replace("weather", "storms").replace("precipitation_inches", "rain_inches"))
    (folder / "weather.odcs.yaml").unlink()
    report = repository.report("HEAD")
    found = {one["dataset"]: one for one in report["datasets"]}
    assert [change["kind"] for change in found["storms"]["changes"]] == ["dataset_added"]
    assert found["storms"]["complaint"] is None
    assert "its end was announced" in found["weather"]["complaint"]
    assert "gold/departures_weather" in {one["name"] for one in found["weather"]["changes"][0]["downstream"]}


def test_contracts_that_were_not_there_at_the_commit_are_new(repository: Repository) -> None:
    shutil.move(repository.root / CONTRACTS, repository.root / "kept")
    repository.git("commit", "-am", "Without contracts.")
    shutil.move(repository.root / "kept", repository.root / CONTRACTS)
    report = repository.report("HEAD")
    assert report["enough"]
    assert {change["kind"] for one in report["datasets"] for change in one["changes"]} == {"dataset_added"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["nowhere"], "'nowhere'; git knows no such commit", id="unknown-ref"),
        pytest.param(["HEAD:README.md"], "git knows no such commit", id="no-commit"),
        pytest.param(["--", "--output=x"], "git knows no such commit", id="an-option-of-git"),
        pytest.param(["nothing", "here"], "not two files, and not two folders", id="no-files"),
        pytest.param([CONTRACTS, f"{CONTRACTS}/flights.odcs.yaml"], "not two files, and not two folders", id="a-folder-and-a-file"),
    ],
)
def test_a_wrong_call_is_one_sentence(repository: Repository, arguments: list[str], said: str) -> None:
    shown = repository.diff(*arguments)
    assert shown.returncode == 1
    assert said in shown.stderr
    assert "Traceback" not in shown.stderr
    assert not (repository.root / "x").exists()


def test_a_contract_that_could_not_be_read_at_the_commit_is_named_with_it(repository: Repository) -> None:
    repository.edit("flights", ("kind: DataContract", "kind: Nonsense"))
    repository.git("commit", "-am", "Broken.")
    repository.edit("flights", ("kind: Nonsense", "kind: DataContract"))
    shown = repository.diff("HEAD")
    assert shown.returncode == 1
    assert "HEAD:flights.odcs.yaml:2" in shown.stderr


def own_dbt_project(repository: Repository) -> Path:
    shutil.copytree(repository.dbt_project, repository.root / "dbt_project", ignore=shutil.ignore_patterns("target"))
    repository.dbt_project = repository.root / "dbt_project"
    return repository.dbt_project / "models/gold"


def test_a_model_that_cannot_be_traced_counts_as_a_whole(repository: Repository) -> None:
    model = own_dbt_project(repository) / "route_delays_daily.sql"
    model.write_text(model.read_text().replace("select * from final", "select columns(*) from final"))
    repository.edit("flights", MINIMUM)
    (dataset,) = repository.report("HEAD")["datasets"]
    reached = {one["name"]: one for one in dataset["changes"][0]["downstream"]}
    assert reached["gold/route_delays_daily"]["column"] is None
    assert "nobody describes" in reached["gold/route_delays_daily"]["unknown"]
    assert "cannot be traced, so all of it" in repository.diff("HEAD").stdout


def test_a_project_that_dbt_cannot_read_is_said_to_be_unknown(repository: Repository) -> None:
    (own_dbt_project(repository) / "broken.sql").write_text("select * from {{ ref('nowhere') }}")
    repository.edit("flights", MINIMUM)
    shown = repository.diff("HEAD")
    assert shown.returncode == 1
    assert "What breaks downstream is not known: Tried to parse" in shown.stdout
    assert "nowhere" in repository.report("HEAD")["downstream_unknown"]


MODEL = "carrier_punctuality_daily"
P95 = 'in minutes, interpolated between flights. Null when there is none."\n        customProperties:\n          - {{property: unit, value: {}}}'


def test_a_change_of_a_model_names_the_views_and_the_people_that_it_breaks(repository: Repository) -> None:
    repository.edit(
        f"gold/{MODEL}", ("name: departed_on_time", "name: on_time_departures"), ("and departed_on_time", "and on_time_departures")
    )
    repository.edit(f"gold/{MODEL}.v1", ("[departed_on_time]", "[on_time_departures]"))
    text = (repository.root / CONTRACTS / f"gold/{MODEL}.odcs.yaml").read_text()
    (repository.root / CONTRACTS / f"gold/{MODEL}.odcs.yaml").write_text(text.replace("departed_on_time, flights]", "flights]"))
    shown = repository.diff("HEAD").stdout
    assert f"reaches view v2/{MODEL}: departed_on_time (transformation)" in shown
    assert f"reaches consumer punctuality-board (board@example.org): transformation, through v2/{MODEL}.departed_on_time" in shown
    assert "on_time_7d (aggregation), on_time_share_7d (aggregation)" in shown
    assert f"v1/{MODEL}" not in shown, "version 1 is kept alive by its own contract"
    assert "NOT ENOUGH: the changes need a major version after 2.0.0: 3.0.0 or higher, not 2.0.0." in shown


def test_a_new_major_version_breaks_nobody_while_the_older_one_is_kept(repository: Repository) -> None:
    folder = repository.root / CONTRACTS / "gold"
    kept = (folder / f"{MODEL}.odcs.yaml").read_text()
    kept = kept.replace(
        "    customProperties:\n      - property: eventTime",
        "    customProperties:\n      - {property: deprecated, value: {since: 3.0.0, until: 2030-01-01}}\n      - property: eventTime",
    )
    repository.edit(f"gold/{MODEL}", ("version: 2.0.0", "version: 3.0.0"), (P95.format("min"), P95.format("s")))
    broken = repository.report("HEAD")["datasets"]
    (change,) = broken[0]["changes"]
    reached = {(one["kind"], one["name"]) for one in change["downstream"]}
    assert ("view", f"v2/{MODEL}") in reached
    (folder / f"{MODEL}.v2.odcs.yaml").write_text(kept.replace("version: 2.0.0\nstatus: active", "version: 2.0.0\nstatus: deprecated"))
    (dataset,) = repository.report("HEAD")["datasets"]
    assert dataset["complaint"] is None
    assert {one["kind"] for one in dataset["changes"][0]["downstream"]} & {"view", "consumer"} == set()


def test_a_change_of_what_lands_is_followed_to_views_and_their_readers(repository: Repository) -> None:
    repository.edit("flights", ("{property: unit, value: min}", "{property: unit, value: s}"))
    (dataset,) = repository.report("HEAD")["datasets"]
    reached = {(one["kind"], one["name"], one["column"]) for one in dataset["changes"][0]["downstream"]}
    assert {("view", f"v1/{MODEL}", "on_time"), ("view", f"v2/{MODEL}", "departed_on_time")} <= reached
    assert {
        ("consumer", "monthly-report (report@example.org)", None),
        ("consumer", "punctuality-board (board@example.org)", None),
    } <= reached
