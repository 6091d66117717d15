"""`docs/defaults.md` against the code: whatever overrides a default of another library stands there, and what stands there is overridden."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from assay.project_root import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (CHECKOUT / "docs/defaults.md").read_text()
PLATFORM = CHECKOUT / "platform"
SOURCES = {str(path.relative_to(CHECKOUT)): path.read_text() for path in sorted(PLATFORM.rglob("*.py"))}
CODE = "\n".join(SOURCES.values())
YAML = {name: (CHECKOUT / name).read_text() for name in ("dbt_project/dbt_project.yml", "dbt_project/profiles.yml")}
INSTANCE = (PLATFORM / "assay/orchestration/dagster.yaml").read_text()
NAMED = {name for row in re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)}

# what is no override: names, and where things lie
PLACES = {"name", "version", "config-version", "profile", "model-paths", "macro-paths", "target-path", "clean-targets"}
OF_A_PROFILE = {"target", "type", "path", "schema", "module", "alias", "lake", "pins"}


def leaves(found: Any, above: str = "") -> Iterator[str]:
    """The settings of a YAML file, as dotted paths."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from leaves(value, f"{above}.{name}" if above else str(name))
    elif isinstance(found, list):
        for value in found:
            yield from leaves(value, above)
    else:
        yield above


def matches(pattern: str, text: str = CODE) -> set[str]:
    return {name for found in re.findall(pattern, text) for name in ([found] if isinstance(found, str) else found) if name}


@cache
def overrides() -> dict[str, set[str]]:
    """What the code sets, by where it is found."""
    duckdb_configs = {name for said in matches(r"duckdb\.connect\([^)]*config=\{([^}]*)\}") for name in re.findall(r'"(\w+)":', said)}
    project, profile = (yaml.safe_load(text) for text in YAML.values())
    of_models = {one.replace("models.assay.gold.", "").replace("data_tests.assay.", "").replace("+", "") for one in leaves(project)}
    of_profiles = {part for one in leaves(profile["assay"]["outputs"]) for part in one.split(".")[1:]} - {
        "config_options",
        "settings",
        "config",
    }
    runner = SOURCES["platform/assay/gold/dbt_runner.py"]
    parquet = matches(r"ParquetWriter\(([^\n]*)\)")
    return {
        "dagster.yaml": {*leaves(yaml.safe_load(INSTANCE))},
        "DuckDB: SET": matches(r"[\"']SET (\w+) ?="),
        "DuckDB: config": duckdb_configs | matches(r"duckdb\.connect\([^)]*\b(read_only)="),
        "SQLite": matches(r'execute\(f?"PRAGMA (\w+) ?= ') | matches(r'exec_driver_sql\("PRAGMA (\w+) ?='),
        "Delta: properties": matches(r"[\"'](delta\.[\w.]+)"),
        "dbt_project.yml": of_models - PLACES,
        "profiles.yml": of_profiles - OF_A_PROFILE,
        "dbt's flags": matches(r'"(--[\w-]+)"', runner) - {"--select", "--target", "--vars"},
        "Parquet": {name for call in parquet for name in re.findall(r"(\w+)=", call)}
        | matches(r'"(\w+)":', matches(r"OPTIONS: dict\[str, Any\] = (\{[^}]*\})").pop())
        | matches(r"write_table\([^\n]*\b(row_group_size)="),
        "Dagster: environment": matches(r"[\"'](DAGSTER_\w+)[\"']") - {"DAGSTER_HOME"},
        "Dagster: states": matches(r"default_status=dg\.(\w+\.RUNNING)"),
        "Dagster: its server": {
            *matches(r'"(--[\w-]+)"', SOURCES["platform/assay/cli/serving.py"] + SOURCES["platform/assay/cli/serving_children.py"])
        }
        & {"--inject-env-vars-from-instance", "--log-level", "--dagster-log-level"},
        "Polars": matches(r'collect\(engine="(\w+)"\)') | matches(r"\b(missing_columns)="),
    }


@pytest.mark.parametrize("where", overrides())
def test_every_default_that_is_overridden_stands_on_the_page(where: str) -> None:
    found = overrides()[where]
    assert found, f"nothing was found any more of {where}: look at how this test looks for it"
    assert sorted(found - NAMED) == [], f"{where}: overridden, and not on docs/defaults.md"


def test_what_stands_on_the_page_is_overridden() -> None:
    known = {name for found in overrides().values() for name in found}
    never_set = {name for name in NAMED if name.startswith("delta.")} | {"max_commit_retries"}  # the page says that they are not, and why
    text = CODE + INSTANCE + "".join(YAML.values())
    assert sorted(name for name in NAMED - known - never_set if name not in text) == []


def test_the_page_says_the_values_that_the_instance_has() -> None:
    instance = yaml.safe_load(INSTANCE)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
    for names, _, here, _ in rows:
        paths = re.findall(r"`([^`]+)`", names)
        values = [value_of(instance, path) for path in paths]
        if None in values or "event_log_storage" in names:
            continue
        assert [one.strip("`") for one in here.split(", ")] == [str(value).lower() for value in values], names


def value_of(found: Any, path: str) -> Any:
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def test_every_row_says_why() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows if len(row) != 4 or len(row[3]) < 5] == []
    assert len(rows) > 60
