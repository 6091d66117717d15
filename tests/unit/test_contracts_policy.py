"""The policy bites: each rule of it, at the line where something lacks, with what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from assay.cli.main import app
from assay.contracts.reading.policy import POLICY, policed
from assay.gold.policy import POLICY as GOLD_POLICY
from assay.gold.policy import policed_models

ITEMS = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:test:items
name: items
version: 1.0.0
status: active
team: {name: shop, members: [{username: shop@example.org, role: owner}]}
servers:
  - {server: landing, type: local, path: "items/items_{arrival:yyyy-MM-dd}.csv", format: csv}
schema:
  - name: items_landing
    physicalType: file
    properties:
      - {name: day, logicalType: string}
      - {name: item, logicalType: string}
      - {name: buyer, logicalType: string, classification: personal}
      - {name: note, logicalType: string, classification: internal}
  - name: items
    physicalType: table
    description: What was sold.
    dataGranularityDescription: one row per item
    relationships:
      - from: items.item
        to: goods.item
        customProperties:
          - {property: description, value: The item is known.}
    properties:
      - {name: sold_on, logicalType: date, required: true, partitioned: true, classification: public, description: The day.}
      - {name: item, logicalType: string, required: true, classification: public, description: The item.}
      - name: buyer
        logicalType: string
        classification: personal
        description: Who bought it.
        customProperties:
          - {property: masking, value: {method: tokenize}}
      - name: initial
        logicalType: string
        classification: personal
        description: The first letter of who bought it.
        transformLogic: LEFT(buyer, 1)
        customProperties:
          - {property: masking, value: {method: tokenize}}
    quality:
      - {name: some, metric: rowCount, mustBeGreaterThan: 0, description: A day has items.}
    customProperties:
      - property: eventTime
        value: {expression: day, format: yyyy-MM-dd, timeZone: UTC}
      - property: partitioning
        value: {grain: day, start: 2024-01-01}
"""
GOODS = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:test:goods
name: goods
version: 1.0.0
status: active
team: {name: shop, members: [{username: shop@example.org, role: owner}]}
servers:
  - {server: landing, type: local, path: "goods/goods_{arrival:yyyy-MM-dd}.csv", format: csv}
schema:
  - name: goods_landing
    physicalType: file
    properties: [{name: item, logicalType: string}]
  - name: goods
    physicalType: table
    description: What is for sale.
    dataGranularityDescription: one row per item
    properties:
      - {name: item, logicalType: string, required: true, primaryKey: true, classification: public, description: The item.}
    customProperties:
      - {property: eventTime, value: none, description: What is for sale has no events.}
"""


def write(folder: Path, old: str = "", new: str = "", goods: str = GOODS) -> Path:
    assert not old or ITEMS.count(old) == 1, old
    (folder / "items.odcs.yaml").write_text(ITEMS.replace(old, new) if old else ITEMS)
    (folder / "goods.odcs.yaml").write_text(goods)
    return folder


def test_what_keeps_the_policy_has_no_findings(tmp_path: Path) -> None:
    kept, findings = policed([write(tmp_path)])
    assert findings == []
    assert [path.name for path in kept] == ["goods.odcs.yaml", "items.odcs.yaml"]


@pytest.mark.parametrize(
    ("old", "new", "line", "complaint"),
    [
        pytest.param("    description: What was sold.\n", "", 18, "the dataset has no description", id="dataset"),
        pytest.param("    dataGranularityDescription: one row per item\n", "", 18, "nothing says what one row is", id="grain"),
        pytest.param(", description: The day.", "", 28, "the column 'sold_on' has no description", id="column"),
        pytest.param("classification: public, description: The item.", "description: The item.", 29, "has no classification", id="published"),
        pytest.param(", classification: internal", "", 17, "nothing classifies the landing column 'note'", id="landed"),
        pytest.param(
            "personal\n        description: The first letter of who bought it.\n        transformLogic: LEFT(buyer, 1)\n        customProperties:\n"
            "          - {property: masking, value: {method: tokenize}}\n",
            "public\n        description: The first letter of who bought it.\n        transformLogic: LEFT(buyer, 1)\n",
            36, "the public column 'initial' is made from 'buyer', which is personal", id="laundered",
        ),
        pytest.param("- {property: description, value: The item is known.}", "- {property: name, value: known}", 23, "the relationship has no description", id="relationship"),
        pytest.param(", description: A day has items.", "", 44, "a rule needs a description", id="rule"),
        pytest.param("role: owner", "role: steward", 7, "a contract needs a team member with the role owner", id="owner"),
        pytest.param(
            "      - property: eventTime\n        value: {expression: day, format: yyyy-MM-dd, timeZone: UTC}\n", "", 18,
            "a contract needs the custom property eventTime", id="no-event-time",
        ),
    ],
)  # fmt: skip
def test_each_rule_of_the_policy_names_the_line_where_something_lacks(
    tmp_path: Path, old: str, new: str, line: int, complaint: str
) -> None:
    _, findings = policed([write(tmp_path, old, new)])
    found = [finding for finding in findings if complaint in finding.complaint]
    assert [(finding.file.name, finding.line) for finding in found] == [("items.odcs.yaml", line)], findings
    assert {finding.file.name for finding in findings} == {"items.odcs.yaml"}


def test_a_dataset_without_events_says_why(tmp_path: Path) -> None:
    folder = write(tmp_path, goods=GOODS.replace(", description: What is for sale has no events.", ""))
    assert ["eventTime is none, and no description says why" in str(one) for one in policed([folder])[1]] == [True]


def test_every_breach_is_told_at_once_and_the_command_fails(tmp_path: Path) -> None:
    folder = write(tmp_path, ", classification: internal", "", GOODS.replace("classification: public, description: The item.", ""))
    done = CliRunner().invoke(app, ["contracts", "policy", str(folder)])
    assert done.exit_code == 1
    assert f"{folder}/items.odcs.yaml:17: " in done.output
    assert "One of public, internal, personal, restricted." in done.output
    assert "the policy is broken 4 times, in 2 files" in done.output


MODEL: dict[str, Any] = {
    "name": "turnover",
    "description": "Turnover by day. Grain: one row per day.",
    "config": {"meta": {"owner": {"name": "Shop", "email": "shop@example.org"}}},
    "columns": [{"name": "day", "description": "The day."}, {"name": "turnover", "description": "Sum of prices, EUR."}],
}
SOURCES = "sources:\n  - name: silver\n    tables:\n      - name: goods\n      - name: items\n"


def project(folder: Path, *, enforced: bool = True, patched: bool = True, **changes: Any) -> tuple[Path, Path]:
    """A dbt project of one model, and the manifest that dbt makes of it, as far as the policy reads it."""
    described = {**MODEL, **changes}
    (folder / "models").mkdir()
    (folder / "models/turnover.yml").write_text(yaml.safe_dump({"models": [described]}, sort_keys=False))
    (folder / "models/sources.yml").write_text(SOURCES)
    node = {
        "resource_type": "model", "name": "turnover", "original_file_path": "models/turnover.sql", "description": described["description"],
        "patch_path": "shop://models/turnover.yml" if patched else None,
        "config": {"contract": {"enforced": enforced}, "meta": described["config"].get("meta", {})},
        "columns": {column["name"]: {"description": column.get("description", "")} for column in described["columns"]},
    }  # fmt: skip
    sources = {name: {"name": name, "source_name": "silver", "original_file_path": "models/sources.yml"} for name in ("goods", "items")}
    (folder / "manifest.json").write_text(json.dumps({"nodes": {"model.turnover": node}, "sources": sources}))
    return folder, folder / "manifest.json"


def test_a_model_that_keeps_the_policy_has_no_findings(tmp_path: Path) -> None:
    assert policed_models(*project(tmp_path), {"items", "goods"}) == (["turnover"], [])


@pytest.mark.parametrize(
    ("changes", "file", "line", "complaint"),
    [
        pytest.param({"config": {}}, "turnover.yml", 4, "the model has no owner (name and email)", id="owner"),
        pytest.param({"config": {"meta": {"owner": {"name": "Shop"}}}}, "turnover.yml", 6, "no owner (email)", id="owner-without-address"),
        pytest.param({"description": " "}, "turnover.yml", 3, "the model has no description", id="description"),
        pytest.param({"enforced": False}, "turnover.yml", 4, "no contract is enforced", id="contract"),
        pytest.param(
            {"columns": [{"name": "day", "description": "The day."}, {"name": "turnover"}]}, "turnover.yml", 12,
            "the column 'turnover' has no description", id="column",
        ),
        pytest.param({"columns": []}, "turnover.yml", 9, "the model names no column", id="no-columns"),
        pytest.param({"patched": False, "description": ""}, "turnover.sql", 1, "the model has no description", id="not-described-at-all"),
    ],
)  # fmt: skip
def test_each_rule_for_models_names_the_line_where_something_lacks(
    tmp_path: Path, changes: dict[str, Any], file: str, line: int, complaint: str
) -> None:
    kept, findings = policed_models(*project(tmp_path, **changes), {"items", "goods"})
    assert kept == []
    assert [(finding.file.name, finding.line) for finding in findings] == [(file, line)], findings
    assert complaint in findings[0].complaint
    assert findings[0].hint


def test_what_a_model_reads_has_a_contract(tmp_path: Path) -> None:
    _, findings = policed_models(*project(tmp_path), {"items"})
    assert [(finding.file.name, finding.line) for finding in findings] == [("sources.yml", 4)]
    assert "silver.goods has no contract" in findings[0].complaint


def test_the_documentation_has_a_line_for_every_rule() -> None:
    page = (Path(__file__).parents[2] / "docs/contracts.md").read_text()
    named = re.findall(r"^\| `(\w+)` \|", page[page.index("## The policy") :].partition("\n## ")[0], re.MULTILINE)
    assert named == [rule.__name__ for rule in (*POLICY, *GOLD_POLICY)] + ["sources_have_contracts"]
