"""Projects of others: which one a command works in, what `assay create` refuses, and that it leaves nothing behind when it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from assay import project_root
from assay.cli.creating import create_project
from assay.contracts.inference.draft import DraftImpossible
from assay.contracts.reading.odcs import load_product
from assay.errors import SettingsError
from assay.gold.project_files import model_files
from assay.project_root import CHECKOUT
from assay.scaffold.first_model import first_model
from assay.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "you@example.org"
READINGS = "sensor,read_on,value\n" + "".join(f"s{n % 7},2026-0{1 + n % 9}-{1 + n % 28:02},{n}.5\n" for n in range(120))


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Files of three datasets: of events by month, of things without events, and one that no contract can describe."""
    (tmp_path / "readings_2026-09-30.csv").write_text(READINGS)
    (tmp_path / "countries.csv").write_text("code,name\nDE,Germany\nFR,France\n")
    (tmp_path / "empty.csv").write_text("code,name\n")
    return tmp_path


def create(samples: Path, name: str, file: str, **more: str) -> Path:
    given = {"dataset": None, "owner": OWNER, "folder": samples, "event_time": None} | more
    return create_project(name, samples / file, **given)  # type: ignore[arg-type]  # as typed on a command line


def test_a_project_is_found_from_any_folder_within_it(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create(samples, "acme", "countries.csv")
    monkeypatch.chdir(project / "platform" / "acme")
    found = load_settings({})
    assert (found.project, found.home, found.dbt_project) == (project, project / ".assay", project / "dbt_project")
    assert yaml.safe_load(found.workspace.read_text())["load_from"][0]["python_module"]["module_name"] == "acme.definitions"


def test_outside_of_any_project_the_checkout_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({}).project == CHECKOUT
    (tmp_path / "workspace.yaml").touch()
    assert load_settings({}).project == CHECKOUT, "a workspace of some other Dagster is no project of this shape"


def test_a_named_project_is_taken_wherever_one_works(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create(samples, "acme", "countries.csv")
    monkeypatch.chdir(CHECKOUT)
    assert load_settings({"ASSAY_PROJECT": str(project)}).home == project / ".assay"
    with pytest.raises(SettingsError, match=r"ASSAY_PROJECT is .*, which is not a folder"):
        load_settings({"ASSAY_PROJECT": str(project / "README.md")})


def test_without_any_project_it_is_said_what_to_do_unless_none_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_root, "CHECKOUT", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="Tried to find the project; neither"):
        load_settings({})
    found = load_settings({"ASSAY_HOME": str(tmp_path / "home"), "ASSAY_DBT_PROJECT": str(tmp_path / "dbt")})
    assert found.project is None
    with pytest.raises(SettingsError, match="Tried to find the project"):
        _ = found.workspace


@pytest.mark.parametrize("name", ["", "Acme", "my-platform", "1st", "class", "a b", "é"])
def test_a_name_that_no_package_can_have_is_refused(samples: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="is no name of a project"):
        create(samples, name, "countries.csv")


@pytest.mark.parametrize("name", ["assay", "platform", "polars", "flights"])
def test_a_name_that_a_module_has_already_is_refused(samples: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="would hide the other"):
        create(samples, name, "countries.csv")


def test_nothing_is_left_of_a_project_that_could_not_be_made(samples: Path) -> None:
    before = sorted(samples.iterdir())
    with pytest.raises(DraftImpossible):
        create(samples, "acme", "empty.csv")
    with pytest.raises(SettingsError, match="The owner is nobody"):
        create(samples, "acme", "countries.csv", owner="nobody")
    assert sorted(samples.iterdir()) == before


def test_a_folder_with_something_in_it_is_left_alone(samples: Path) -> None:
    (samples / "acme").mkdir()
    (samples / "acme" / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match="is there already"):
        create(samples, "acme", "countries.csv")
    assert [path.name for path in (samples / "acme").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(("file", "dataset", "model"), [
    ("readings_2026-09-30.csv", "readings", "readings_by_month"), ("countries.csv", "countries", "countries_in_all"),
])  # fmt: skip
def test_the_contracts_of_a_project_have_no_fault_and_are_compiled(samples: Path, file: str, dataset: str, model: str) -> None:
    project = create(samples, "acme", file)
    product = load_product(project / "platform/acme/contracts")
    assert ([*product.datasets], [*product.models]) == ([dataset], [model])
    for path, text in model_files(project / "dbt_project", product).items():
        assert path.read_text() == text
    assert first_model(product.datasets[dataset]).sql == (project / f"dbt_project/models/gold/{model}.sql").read_text()


def test_git_leaves_out_a_sample_that_looks_personal(samples: Path) -> None:
    rows = "".join(f"{n},person{n}@example.org,DE\n" for n in range(30))
    (samples / "people_2026-09-30.csv").write_text("number,email,country\n" + rows)
    for file, private in (("people_2026-09-30.csv", True), ("countries.csv", False)):
        project = create(samples, f"of_{file[:6]}", file)
        assert ("samples/" in (project / ".gitignore").read_text().splitlines()) is private
    assert not list(project.rglob("*@@*")), "every word of the template is filled in"
