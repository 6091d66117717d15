"""What a stranger's contract may ask of the reader: each bound is named with its line, and the contracts beside it are read as ever."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import pytest

from assay.contracts.documents import document
from assay.contracts.language import bounds
from assay.contracts.patterns.parser import parse_pattern
from assay.contracts.patterns.pattern import NotAPattern
from assay.contracts.reading.odcs import sound_product
from assay.ingest.landing import landed
from orders import ORDERS
from sales import SALES, findings_of, sales_contract, write_sales

if TYPE_CHECKING:
    from pathlib import Path

NAMED = "- name: sales\n    physicalName: silver.sales\n    physicalType: table\n"
REPEATED = "a0: &a0 [x, x, x, x]\n" + "".join(f"a{at}: &a{at} [*a{at - 1}, *a{at - 1}, *a{at - 1}, *a{at - 1}]\n" for at in range(1, 12))
DEEP = "".join(f"{' ' * level}a:\n" for level in range(1, 60))
BEYOND = [
    (REPEATED, "it has more than 100,000 values, with those that aliases repeat"),
    ("x: &x [*x]\n", r"the alias \*x stands within what it means"),
    ("x: *x\n", "found undefined alias"),
    (f"x: {'[' * 60}{']' * 60}\n", "values are nested more than 50 deep"),
    (f"x:\n{DEEP}", "values are nested more than 50 deep"),
    (f"x: {'9' * 5_000}\n", "a number has more than 400 digits"),
    (f"x: 0.{'9' * 5_000}\n", "a number has more than 400 digits"),
    ("x: 1.0e+999999\n", "a number with a power of ten beyond 400"),
    ("x: !!int many\n", "a value is not what its tag says"),
    ("x: !!timestamp 2024-99-99\n", "a value is not what its tag says"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "complaint"), BEYOND, ids=[one[1][:40] for one in BEYOND])
def test_a_contract_beyond_bounds_is_named_and_the_others_are_read(tmp_path: Path, more: str, complaint: str) -> None:
    write_sales(tmp_path).write_text(f"{SALES}\n{more}")
    product, findings = sound_product(tmp_path)
    assert list(product.datasets) == ["stores"]
    assert len(findings) == 1, findings
    assert findings[0].file.name == "sales.odcs.yaml"
    assert re.search(complaint, str(findings[0])), findings


def test_a_file_larger_than_a_contract_is_not_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MOST_BYTES", 6_000)
    write_sales(tmp_path).write_text(f"{SALES}\n# {'long ' * 1_000}\n")
    product, findings = sound_product(tmp_path)
    assert (list(product.datasets), str(findings[0])[-150:].count("6,000 bytes")) == (["stores"], 1)


def test_a_pipe_that_is_called_like_a_contract_is_not_waited_for(tmp_path: Path) -> None:
    write_sales(tmp_path)
    os.mkfifo(tmp_path / "pipe.odcs.yaml")
    product, findings = sound_product(tmp_path)
    assert sorted(product.datasets) == ["sales", "stores"]
    assert str(findings[0]).endswith("pipe.odcs.yaml:1: cannot be read: it is no file.")


def test_an_empty_mapping_is_no_contract_and_stops_no_other(tmp_path: Path) -> None:
    write_sales(tmp_path).write_text("{}\n")
    product, findings = sound_product(tmp_path)
    assert list(product.datasets) == ["stores"]
    assert str(findings[0]).endswith("sales.odcs.yaml:1: the mapping is empty.")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("property: eventTime", "property: {a: {b: 1}}", "is not of type 'string'"),
        ("transformSourceObjects: [iban]", "transformSourceObjects: [[]]", "is not of type 'string'"),
        ("mustBeBetween: [0, 6]", f"mustBeBetween: [0, {'9' * 399}]", "are no two numbers"),
    ],
)
def test_a_value_of_another_kind_is_a_fault_and_no_traceback(tmp_path: Path, old: str, new: str, why: str) -> None:
    said = [str(one) for one in findings_of(tmp_path, (old, new))]
    assert any(why in one for one in said), said


def test_a_value_said_twice_is_found_among_thousands_without_comparing_each_with_each(tmp_path: Path) -> None:
    note = "      - name: note\n        logicalType: string\n        deprecated: true\n"
    many = ", ".join(f"{{value: v{number}}}" for number in range(3_000))
    begun = time.process_time()
    assert findings_of(tmp_path / "once", (note, f"{note}        enum: [{many}]\n")) == []
    (said,) = findings_of(tmp_path / "twice", (note, f"{note}        enum: [{many}, {{value: v7}}]\n"))
    assert time.process_time() - begun < 10  # each with each: twenty
    assert "{'value': 'v7'} stands there twice" in str(said)


def test_what_people_write_keeps_all_bounds() -> None:
    text = f"words: 2024 {'was a long year ' * 100}\nshared: &one {{a: 1}}\nagain: [*one, *one]\nnumber: {'9' * 300}.5\n"
    assert bounds.beyond_bounds(text, document.LOADER) is None
    assert bounds.beyond_bounds(ORDERS, document.LOADER) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("''", "it has no name"),
        ("..", r"'\.\.' is no name of an asset"),
        ("../orders", r"'\.\./orders' is no name of an asset.*such as orders"),
        ("a/b", "'a/b' is no name of an asset"),
        ("it's", '"it\'s" is no name of an asset'),
        ("_delta_log", "'_delta_log' is hidden from engines"),
        ("a" * 101, "a name of 101 letters is no name of a folder"),
    ],
)
def test_a_dataset_has_a_name_that_is_one_everywhere(tmp_path: Path, name: str, why: str) -> None:
    said = " ".join(str(one) for one in findings_of(tmp_path, (NAMED, f"- name: {name}\n    physicalType: table\n")))
    assert re.search(why, said), said


PATH = "sales/sales_{arrival:yyyy-MM-dd}.csv"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../{arrival:yyyy-MM-dd}.csv", "leads out of the landing folder"),
        ("sales/../../{arrival:yyyy-MM-dd}.csv", "leads out of the landing folder"),
        ("/var/sales_{arrival:yyyy-MM-dd}.csv", "leads out of the landing folder"),
        ("~/sales_{arrival:yyyy-MM-dd}.csv", "leads out of the landing folder"),
        ("sales//s_{arrival:yyyy-MM-dd}.csv", "has a part that is no name"),
        ("./sales_{arrival:yyyy-MM-dd}.csv", "has a part that is no name"),
        ('"sales\\0_{arrival:yyyy-MM-dd}.csv"', "has a part that is no name"),
        ("s" * 300 + "_{arrival:yyyy-MM-dd}.csv", "a part of more than 255 bytes"),
        ("'{arrival:yyyy-MM-dd}/{arrival:yyyy-MM-dd}.csv'", "says its arrival twice"),
        ("'******_{arrival:yyyy-MM-dd}.csv'", "more than 5 stars"),
    ],
)
def test_files_land_below_the_landing_folder_or_the_contract_is_refused(tmp_path: Path, path: str, why: str) -> None:
    said = [str(one) for one in findings_of(tmp_path, (PATH, path))]
    assert len(said) == 1, said
    assert why in said[0]


def test_a_path_of_folders_and_stars_is_read_as_ever(tmp_path: Path) -> None:
    contract = sales_contract(tmp_path / "contracts", (PATH, "'*/sales/{arrival:yyyy-MM-dd}_*.csv'"))
    (tmp_path / "south" / "sales").mkdir(parents=True)
    (tmp_path / "south" / "sales" / "2024-01-01_a.csv").write_text("")
    assert [file.name for file in landed(tmp_path, contract.source)] == ["south/sales/2024-01-01_a.csv"]


NOTES = "{name: notes_there, metric: nullValues, mustBeLessThan: 3, description: Some sales have a note.}"


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("(" * 200 + "price > 1" + ")" * 200, "it opens more than 50 brackets within each other"),
        ("NOT " * 2_000 + "price > 1", "more than 200 of its parts stand within each other"),
        ("price > 1" + " OR price > 1" * 900, r"more than 200 of its parts .* Say IN \(\.\.\)"),
        ("price > 1" + " OR price > 1" * 2_000, "it has more than 20,000 letters"),
        ("price > " + "9" * 5_000, "a number of more than 400 digits"),
        ("price * 1e999999999 > 1", "beyond ten to the power of 400"),
        ("ABS(price" + " + price" * 2_000 + ") > 1", "has too many parts within each other|cannot be read"),
    ],
    ids=["brackets", "not", "or", "letters", "digits", "power", "sum"],
)
def test_sql_that_no_engine_can_take_is_a_fault_and_no_traceback(tmp_path: Path, sql: str, why: str) -> None:
    rule = f'{{name: n, type: custom, engine: assay, implementation: "{sql}", description: N.}}'
    said = [str(one) for one in findings_of(tmp_path, (NOTES, rule))]
    assert 1 <= len(said) <= 2, said
    assert any(re.search(why, one) for one in said), said
    assert all(len(one) < 2_000 for one in said)


def test_a_pattern_of_a_thousand_groups_is_refused() -> None:
    with pytest.raises(NotAPattern, match="too many groups within each other"):
        parse_pattern("(" * 1_000 + "a" + ")" * 1_000)
