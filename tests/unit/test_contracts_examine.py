"""Examining contracts: every fault of every file, whatever the files say, and never a crash."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema.validators import validator_for
from typer.testing import CliRunner

from assay.cli.main import app
from assay.contracts.documents.document import Document
from assay.contracts.documents.json_schema import _schema, standard_faults
from assay.contracts.documents.supported import FORMATS
from assay.contracts.reading.examine import examine, examined
from assay.gold.trial import gold_trial
from assay.ingest.formats.readers import READERS
from assay.project_root import CHECKOUT
from sales import FIXTURES, SALES, findings_of, write_sales

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = FIXTURES / "odcs_examples"
PRODUCT = CHECKOUT / "platform/flights/contracts"


def said(path: Path) -> dict[int, str]:
    """What an examination says of a file, by line."""
    found: dict[int, str] = {}
    for finding in examine([path]):
        assert finding.file == path
        found[finding.line] = f"{found.get(finding.line, '')} {finding.complaint}. {finding.hint}".strip()
    return found


def test_good_contracts_have_no_findings() -> None:
    for folder in (PRODUCT, FIXTURES / "contracts"):
        good, findings = examined([folder], gold_trial)
        assert findings == []
        assert list(good) == sorted(folder.rglob("*.odcs.yaml"))


def test_all_faults_of_a_file_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    changes = (
        ("status: active", "statuss: active"), ("{property: unit, value: EUR}", "{property: unt, value: EUR}"), ("keep: 4", "keep: four"),
        ("metric: rowCount", "metric: rowCont"), ("AVG({property})", "AVG(pric)"), ("value: till_known", "valu: till_known"),
        ("Europe/Berlin", "Europe/Berln"), ("value: 36, unit: h", "value: 36, unit: hrs"), ("{method: tokenize}", "{method: tokenise}"),
    )  # fmt: skip
    found = findings_of(tmp_path, *changes)
    named = ("statuss", "tokenise", "four", "pric", "unt", "'valu'", "value is missing", "rowCont", "Europe/Berln", "hrs")
    assert [next((name for name in named if name in finding.complaint), finding.complaint) for finding in found] == list(named)
    assert [finding.line for finding in found] == sorted(finding.line for finding in found)


def test_faults_of_several_files_are_told_together(tmp_path: Path) -> None:
    path = write_sales(tmp_path, ("keep: 4", "keep: four"))
    stores = path.with_name("stores.odcs.yaml")
    stores.write_text(stores.read_text().replace("till, logicalType: integer", "till, logicalType: intger"))
    assert {finding.file.name for finding in examine([tmp_path])} == {"sales.odcs.yaml", "stores.odcs.yaml"}
    assert {finding.file.name for finding in examine([path])} == {"sales.odcs.yaml"}


@pytest.mark.parametrize(
    "content", ["", "- 1\n", "a: [1", "a: 1\na: 2\n", "schema: 3\n", "schema: [3, {properties: 4}]\nteam: 5\n", "\x00"]
)
def test_a_file_that_is_no_contract_has_findings_and_no_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.odcs.yaml").write_text(content)
    assert examine([tmp_path])


def test_a_file_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    assert [str(one) for one in examine([tmp_path / "no.odcs.yaml"])] == [
        f"{tmp_path}/no.odcs.yaml:1: cannot be read: No such file or directory."
    ]


def pieces(node: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place, *(one for key, value in inner for one in pieces(value, (*place, key)))]


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [None, 3, True, "x", [], {}, [1], {"x": 1}, [{"name": 1}]], ids=repr)
def test_a_value_of_another_shape_anywhere_never_crashes_an_examination(tmp_path: Path, wrong: Any) -> None:
    body = yaml.safe_load(SALES)
    places = random.Random(repr(wrong)).sample(pieces(body)[1:], 12)
    for place in places:
        changed = copy.deepcopy(body)
        holder = changed
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = wrong
        path = write_sales(tmp_path)
        path.write_text(yaml.safe_dump(changed, sort_keys=False))
        examine([path])


@pytest.mark.slow
def test_unknown_fields_are_those_that_the_schema_forbids(tmp_path: Path) -> None:
    body = yaml.safe_load(SALES)
    validator = validator_for(_schema())(_schema())
    free = {"customProperties", "arguments", "description"}  # what these hold the schema leaves open, at least in part
    for place in pieces(body)[::3]:
        holder: Any = copy.deepcopy(body)
        changed = holder
        for step in place:
            holder = holder[step]
        if not isinstance(holder, dict) or free & set(place):
            continue
        holder["unheardOf"] = 1
        path = tmp_path / "x.odcs.yaml"
        path.write_text(yaml.safe_dump(changed, sort_keys=False))
        unknown = [one for one in standard_faults(Document.load(path)) if "'unheardOf'" in one.complaint]
        assert bool(unknown) is not validator.is_valid(Document.load(path).body), place


def test_the_example_of_the_standard_is_told_everything_that_assay_needs() -> None:
    found = said(EXAMPLES / "full-example.odcs.yaml")
    needed = {
        30: "expected one server of type local", 32: "nothing is read from a server of type 'postgres'",
        39: "expected one schema object of physicalType file with properties, found 0",
        40: "a contract needs the custom property eventTime", 42: "published as silver.tbl, not as tbl_1",
        65: "unknown custom property 'cardinality'", 70: "published as transaction_reference_date, not as txn_ref_dt",
        78: "a partition column needs the custom property partitioning", 95: "the key column 'rcvr_id' is not required",
        101: "has the type 'varchar(18)'. Did you mean VARCHAR?", 149: "a second, encrypted column is not published",
        151: "a rule needs a name", 158: "schedule of a rule of type library is not read",
        232: "receiver_types.type_code is defined by no contract here", 240: "the logical type 'map' is not supported",
        262: "a contract needs a team member with the role owner. Write 'owner' for 'Owner'", 315: "a frequency without a schedule",
        320: "the service level 'timeOfAvailability' is not kept by Assay", 355: "unknown custom property 'refRulesetName'",
    }  # fmt: skip
    assert {line: text for line, text in needed.items() if text not in found.get(line, "")} == {}


def test_the_new_fields_of_the_standard_are_told_what_assay_needs() -> None:
    found = said(EXAMPLES / "all-new-fields.odcs.yaml")
    needed = {
        1: "a contract needs a team member with the role owner", 27: "expected one server of type local",
        35: "nothing is read from a server of type 'iceberg'", 70: "expected one schema object of physicalType table",
        71: "an object of physicalType None is not read", 121: "the logical type 'map' is not supported",
        133: "the logical type 'vector' is not supported", 143: "`deprecated` needs the custom property deprecated",
        145: "an object of physicalType None is not read", 94: "countries.code is defined by no contract here",
    }  # fmt: skip
    assert {line: (text, found.get(line)) for line, text in needed.items() if text not in found.get(line, "")} == {}


def test_what_is_known_to_be_read_is_what_there_is_a_reader_for() -> None:
    assert set(FORMATS) == set(READERS)


def test_the_command_tells_all_faults_and_fails(tmp_path: Path) -> None:
    path = write_sales(tmp_path, ("keep: 4", "keep: four"), ("value: 36, unit: h", "value: 36, unit: hrs"))
    done = CliRunner().invoke(app, ["contracts", "check", str(tmp_path)])
    assert done.exit_code == 1
    assert f"{path}:66: " in done.output
    assert "Did you mean hr?" in done.output
    assert f"{path.with_name('stores.odcs.yaml')}: good: stores 1.0.0, 2 columns, 3 rules" in done.output
    assert "2 faults in 1 of 2 contracts" in done.output
