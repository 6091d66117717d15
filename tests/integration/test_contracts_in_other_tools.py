"""The contracts in the field's own tool, `datacontract-cli`, the newest one: it lints them, tests the published tables by them, and what its
importers write is read.

Its pins conflict with ours, so it gets an environment of its own; without the package registry the tests are skipped.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from assay.cli.product import find_product
from assay.contracts.reading.examine import examine
from assay.settings import load_settings

if TYPE_CHECKING:
    from small_world import World

pytestmark = pytest.mark.slow

LOOK = """
import json, sys
from datacontract.data_contract import DataContract
for way, path in json.load(sys.stdin):
    run = getattr(DataContract(data_contract_file=path), way)()
    print(json.dumps([way, path, run.result, [[check.result, check.name, check.reason] for check in run.checks]], default=str))
"""


@pytest.fixture(scope="module")
def other_tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the newest datacontract-cli."""
    folder = tmp_path_factory.mktemp("other") / "venv"
    uv = Path(sys.prefix) / "bin/uv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    command = [uv, "pip", "install", "--quiet", "--python", folder / "bin/python", "datacontract-cli[csv,duckdb,parquet]>=1.2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"datacontract-cli cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    return folder / "bin/python"


def looked_at(python: Path, asked: list[tuple[str, Path]]) -> list[tuple[str, str, str, list[list[Any]]]]:
    """What the tool says of each contract: way, path, result and its checks."""
    told = json.dumps([(way, str(path)) for way, path in asked])
    done = subprocess.run([python, "-c", LOOK], input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def contracts() -> list[Path]:
    return sorted(find_product(load_settings({})).contracts.rglob("*.odcs.yaml"))


def test_it_finds_no_fault_in_any_contract(other_tool: Path) -> None:
    found = looked_at(other_tool, [("lint", path) for path in contracts()])
    assert len(found) == len(contracts())
    assert [(path, checks) for _, path, result, checks in found if result != "passed"] == []


def published(path: Path, lake: Path, folder: Path) -> Path | None:
    """The contract of what is published, as a consumer gives it to the tool: the table alone, and where its files are."""
    document = yaml.safe_load(path.read_text())
    document["schema"] = [item for item in document["schema"] if item["physicalType"] == "table"]
    (table,) = document["schema"]
    home = next((found for layer in ("silver", "gold") if (found := lake / layer / table["name"]).exists()), None)
    if home is None or document["status"] == "deprecated":
        return None  # an older version is a view of its table
    files = f"{home}/**/*.parquet" if list(home.glob("*=*")) else f"{home}/*.parquet"
    document["servers"] = [{"server": "lake", "type": "local", "path": files, "format": "parquet"}]
    target = folder / path.name
    target.write_text(yaml.safe_dump(document, sort_keys=False))
    return target


def test_it_finds_every_published_table_as_promised(other_tool: Path, built_world: World, tmp_path: Path) -> None:
    """Rules in another engine's words are left to that engine; nothing that the tool can check fails."""
    asked = [("test", made) for path in contracts() if (made := published(path, built_world.settings.lake, tmp_path))]
    assert len(asked) > 5
    for _, path, _, checks in looked_at(other_tool, asked):
        assert [one for one in checks if one[0] in ("failed", "error")] == [], path
        assert sum(one[0] == "passed" for one in checks) > 5, path


SOURCES = {
    "csv": ("orders.csv", "id,day,amount\n1,2024-01-01,2.5\n2,2024-01-02,3.5\n"),
    "sql": ("orders.sql", "CREATE TABLE orders (id BIGINT PRIMARY KEY, day DATE NOT NULL, amount DECIMAL(10,2), note VARCHAR(20));"),
    "jsonschema": (
        "orders.json",
        (
            '{"$schema": "http://json-schema.org/draft-07/schema#", "title": "orders", "type": "object",'
            ' "properties": {"id": {"type": "integer", "minimum": 1}, "note": {"type": "string", "maxLength": 20}}}'
        ),
    ),
}
LACKING = re.compile(
    r"team member|schema object of physicalType|custom property|no \{arrival|server|physicalType|cannot be stored as|has the type|is not checked"
)


@pytest.mark.parametrize("importer", SOURCES)
def test_what_its_importers_write_is_read_and_what_it_lacks_is_named(other_tool: Path, tmp_path: Path, importer: str) -> None:
    name, content = SOURCES[importer]
    (tmp_path / name).write_text(content)
    target, tool = tmp_path / "orders.odcs.yaml", other_tool.with_name("datacontract")
    dialect = ["--dialect", "postgres"] if importer == "sql" else []
    command = [tool, "import", importer, "--source", tmp_path / name, *dialect, "--output", target]
    subprocess.run(command, check=True, capture_output=True)
    findings = examine([target])
    assert any("eventTime" in one.complaint for one in findings)
    assert [one for one in findings if not LACKING.search(one.complaint)] == []
