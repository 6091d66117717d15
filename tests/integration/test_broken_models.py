"""A file that dbt cannot parse, or would only refuse in a build, costs the models that it concerns: the others are published."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from calendar_products import Calendars, totals

from assay.cli.checking import check_contracts
from assay.gold.dbt_runner import DbtFailed
from assay.gold.parsed import parse_project, parse_sound
from assay.gold.unparsable_files import write_view
from assay.orchestration.build import assemble
from assay.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

SELECT = "select * from {{ ref('%s') }}"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Calendars:
    """Readings that have landed and a good model, beside one of each kind that dbt cannot parse or build."""
    product = Calendars(tmp_path_factory.mktemp("broken")).readings("meter", end="2024-02-01")
    for name in ("good", "unclosed", "macroless", "parentless", "round", "about", "twice", "garbled", "misjudged", "untested", "on_top"):
        product.model(name, ["meter"])
    product.land("meter", "2024-01-05", [("2024-01-05T08:00:00Z", 5)])
    product.world.compile()
    models = product.world.dbt_project / "models/gold"
    (models / "unclosed.sql").write_text("select 1\n\n{% if target.name\n")
    (models / "macroless.sql").write_text("select\n{{ no_such_macro(1) }}\n")
    (models / "parentless.sql").write_text(SELECT % "nowhere")
    (models / "round.sql").write_text(SELECT % "about")
    (models / "about.sql").write_text(SELECT % "round")
    (models / "older").mkdir()
    shutil.copy(models / "twice.sql", models / "older/twice.sql")
    (models / "garbled.yml").write_text(f"{(models / 'garbled.yml').read_text()}\n  : : [\n")
    misjudged = (models / "misjudged.yml").read_text()
    (models / "misjudged.yml").write_text(misjudged.replace("event_time: moment", "event_time: '{% moment'", 1))
    (models / "on_top.sql").write_text(SELECT % "unclosed")
    (models.parent.parent / "tests").mkdir()
    (models.parent.parent / "tests/untested_adds_up.sql").write_text(f"{SELECT % 'untested'} where {{{{ nothing(")
    return product


def test_each_broken_model_is_left_out_with_file_line_and_reason_and_the_good_one_is_published(product: Calendars) -> None:
    left = {one.name: one.why for one in assemble(product.world.settings, product.contracts).left_out}
    said = {
        "unclosed": "models/gold/unclosed.sql:3: unexpected end of template, expected 'end of statement block'",
        "macroless": "models/gold/macroless.sql:2: 'no_such_macro' is undefined: no macro has this name.",
        "parentless": "models/gold/parentless.sql:1: Model 'model.assay.parentless' (models/gold/parentless.sql) depends on a node named 'nowhere'",
        "round": "models/gold/round.sql:1: Models read each other in a circle: ",
        "about": "models/gold/about.sql:1: Models read each other in a circle: ",
        "twice": 'models/gold/older/twice.sql:1: dbt found two models with the name "twice".',
        "garbled": "models/gold/garbled.yml:",
        "misjudged": "models/gold/misjudged.yml:",
        "untested": "tests/untested_adds_up.sql:1: unexpected 'end of template'",
        "on_top": "it reads gold/unclosed, which is not there or left out.",
    }
    assert set(left) == {f"model {name}" for name in said}
    assert {name: why[: len(said[name])] for name, why in ((name[6:], why) for name, why in left.items())} == said
    assert set(product.backfill_sound().values()) == {None}
    assert totals(product.world, "gold/good") == {"2024-01-01": 5}


def test_the_check_and_the_tick_name_what_is_left_out(product: Calendars, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(product.world.home, product.world.dbt_project, product.contracts)
    assert not check_contracts(settings, [])
    assert "model unclosed is left out: models/gold/unclosed.sql:3: unexpected end of template" in capsys.readouterr().err
    product.backfill_sound()
    assembly = assemble(settings, product.contracts)
    sensor = next(one for one in assembly.definitions.sensors or () if one.name == "arrivals")
    with dg.DagsterInstance.ephemeral() as instance:
        tick = sensor(dg.build_sensor_context(instance, definitions=assembly.definitions))  # type: ignore[operator]  # a sensor by decorator
    assert isinstance(tick, dg.SensorResult | dg.SkipReason)
    assert "model unclosed is left out: models/gold/unclosed.sql:3" in str(
        tick.skip_message if isinstance(tick, dg.SkipReason) else tick.skip_reason
    )


def test_the_project_itself_is_only_read_and_whoever_needs_all_of_it_is_told(product: Calendars) -> None:
    project = product.world.dbt_project
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and "target" not in path.parts}
    with pytest.raises(DbtFailed, match=r"models/gold/unclosed\.sql:3: unexpected end of template"):
        parse_project(project)
    assert before == {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and "target" not in path.parts}
    assert [path.name for path in (project / "target").iterdir()] == ["assay"]
    assert not [path for path in (project / "target/assay").iterdir() if "." in path.name or path.name.startswith("view")]


def test_a_fault_that_no_message_places_is_found_by_halves(tmp_path: Path) -> None:
    product = Calendars(tmp_path).readings("meter", end="2024-02-01")
    for name in ("one", "two", "three"):
        product.model(name, ["meter"])
    product.world.compile()
    project = product.world.dbt_project
    (project / "models/gold/two.sql").write_bytes(b"select 1 -- \xff\xfe")
    (project / "macros/open.sql").write_text("{% macro open() %} never closed")
    found = {fault.file: (fault.models, fault.why) for fault in parse_sound(project).faults}
    assert found == {
        "models/gold/two.sql": (("two",), "'utf-8' codec can't decode byte 0xff in position 12: invalid start byte."),
        "macros/open.sql": ((), "Reached EOF without finding a close tag for macro (searched from line 1)."),
    }


def test_settings_of_the_project_that_cannot_be_read_leave_out_gold_as_a_whole(tmp_path: Path) -> None:
    product = Calendars(tmp_path).readings("meter", end="2024-02-01").model("sums", ["meter"])
    settings = product.world.dbt_project / "dbt_project.yml"
    settings.write_text(f"{settings.read_text()}\n : [\n")
    left = assemble(product.world.settings, product.contracts).left_out
    assert [one.name for one in left] == ["the dbt project"]
    assert "did not find expected key" in left[0].why


def test_words_that_dbt_takes_for_jinja_are_words_in_a_contract(tmp_path: Path) -> None:
    words = "Readings {% as {{ they }} {# came"
    product = Calendars(tmp_path).readings("meter", end="2024-02-01").model("sums", ["meter"])
    for path in product.contracts.rglob("*.yaml"):
        path.write_text(path.read_text().replace("description: Readings.", f'description: "{words}"').replace("Sums.", f'"{words}"'))
    product.world.compile()
    assembly = assemble(product.world.settings, product.contracts)
    assert assembly.left_out == ()
    assert words in str(assembly.definitions.resolve_asset_graph().get(dg.AssetKey(["gold", "sums"])).description)


def test_of_two_models_of_one_name_the_copy_has_one_shell(tmp_path: Path) -> None:
    project, view = tmp_path / "project", tmp_path / "view"
    files = ["models/a/x.sql", "models/b/x.sql", "models/y.sql"]
    for file in files:
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_text("select 1")
    write_view(project, view, files, {"models/a/x.sql", "models/b/x.sql"})
    assert sorted(path.name for path in view.rglob("*.sql")) == ["x.sql", "y.sql"]
    assert (view / "models/y.sql").is_symlink()
