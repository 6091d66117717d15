"""Drafted promises: nulls, bounds, enumerations and patterns hold for what was seen, leave room for more, and say why they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from assay.contracts.model.contract import Kind
from drafted import contract_of, draft_of, judged, one_column, published, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def nulls_of(**columns: Sequence[str | None]) -> list[str]:
    import yaml

    body = yaml.safe_load(draft_of(table(**columns)).text)
    return list(body["servers"][0]["customProperties"][0]["value"])


@pytest.mark.parametrize(
    ("values", "nulls"),
    [
        (["1", "2", "", "3"] * 5, [""]),
        (["1", "2", "NA", "3"] * 5, ["", "NA"]),
        (["2024-01-01", "-", "2024-01-02"] * 5, ["", "-"]),
        (["red", "NULL", "\\N", "blue"] * 5, ["", "NULL", "\\N"]),
        (["red", "?", "blue"] * 5, ["", "?"]),
        (["1", "   ", "2"] * 5, ["", "   "]),
        (["DE", "NA", "FR"] * 5, [""]),
        (["none", "some", "all"] * 5, [""]),
        (["+", "-"] * 5, [""]),
    ],
    ids=["empty", "NA", "a dash", "sure words", "a sign", "blanks", "Namibia", "a word among words", "signs"],
)
def test_a_text_means_absent_where_the_rest_of_the_column_says_so(values: list[str], nulls: list[str]) -> None:
    assert nulls_of(column=values) == nulls


def test_a_column_is_required_if_no_row_lacks_it(tmp_path: Path) -> None:
    properties = published(table(row_id=["1", "2", "3"], score=["1", "NA", "3"], note=["a", None, "c"]), tmp_path)
    assert {name for name, item in properties.items() if item.get("required")} == {"row_id"}


@pytest.mark.parametrize(
    ("name", "values", "minimum", "maximum"),
    [
        ("visits", ["3", "80"], 0, 200),
        ("degrees", ["-12.5", "30.5"], -50, 100),
        ("ratio", ["0.003", "0.004"], 0, 0.01),
        ("loss", ["-8", "-3"], -20, None),
        ("latitude", ["48.1", "52.5"], -90, 90),
        ("humidity_pct", ["10", "99"], 0, 100),
        ("percent", ["10", "120"], 0, 500),
        ("account_id", ["7", "900"], 0, None),
        ("mass", ["1e300", "2e300"], None, None),
        ("mass", ["1e-30", "2e-30"], None, None),
        ("mass", ["0.000001", "0.000002"], 0, 0.000005),
        ("seen", ["2024-02-29", "2023-01-15"], "2010-01-01", None),
        ("seen", ["2024-02-29 10:00", "2023-01-15 10:00"], "2010-01-01", None),
    ],
)
def test_bounds_are_wider_than_what_was_seen_and_time_has_no_end(
    name: str, values: list[str], minimum: Any, maximum: Any, tmp_path: Path
) -> None:
    options = one_column(name, values * 10, tmp_path).get("logicalTypeOptions", {})
    assert (options.get("minimum"), options.get("maximum")) == (minimum, maximum)


@pytest.mark.parametrize(("values", "maximum"), [(range(1, 61), None), ([*range(1, 60), 59], 200), ([*range(1, 60), 90], 200)])
def test_numbers_that_count_the_rows_have_no_maximum(values: Sequence[int], maximum: int | None, tmp_path: Path) -> None:
    options = one_column("row_count", list(map(str, values)), tmp_path)["logicalTypeOptions"]
    assert (options["minimum"], options.get("maximum")) == (0, maximum)


def test_a_key_has_no_maximum_whatever_it_is_called(tmp_path: Path) -> None:
    frame = table(shop=["a", "b", "c"] * 20, year=[str(2000 + number // 3) for number in range(60)])
    contract = contract_of(draft_of(frame), tmp_path)
    assert contract.key == ("shop", "year")
    assert [rule for rule in contract.rules if rule.kind is Kind.MAXIMUM] == []


def test_few_values_that_come_often_are_an_enumeration(tmp_path: Path) -> None:
    item = one_column("state", ["open", "paid", "yes"] * 10, tmp_path)
    assert item["enum"] == [{"value": "open"}, {"value": "paid"}, {"value": "yes"}]


@pytest.mark.parametrize(
    "values",
    [["open", "paid"] * 20 + ["lost"], [f"word {number}" for number in range(30)] * 5, ["same"] * 50, ["a", "b", "c", "d"] * 2],
    ids=["a value that came once", "many values", "one value", "few rows"],
)
def test_what_may_well_go_on_is_no_enumeration(values: list[str], tmp_path: Path) -> None:
    assert "enum" not in one_column("state", values, tmp_path)


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ([f"{a}{b}X" for a in "ABCDE" for b in "FGHIJ"], "^[A-Z]{3}$"),
        ([f"AB-{number}" for number in range(95, 125)], "^[A-Z]{2}\\-[0-9]{2,3}$"),
        ([f"0{number}" for number in range(1000, 1030)], "^[0-9]{5}$"),
        ([f"550e8400-e29b-41d4-a716-4466554400{number}" for number in range(10, 40)],
         "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
        ([f"name{'x' * number}" for number in range(1, 30)], None),
        ([f"two words {number}" for number in range(30)], None),
        ([f"AB-{number}" for number in range(95, 125)] + ["ab"], None),
    ],
    ids=["letters", "sign", "leading zeros", "uuid", "words", "blanks", "one that differs"],
)  # fmt: skip
def test_codes_of_one_form_are_a_pattern(values: list[str], pattern: str | None, tmp_path: Path) -> None:
    assert one_column("sku", values, tmp_path).get("logicalTypeOptions", {}).get("pattern") == pattern


def test_what_the_rules_allow_is_what_the_engine_publishes(tmp_path: Path) -> None:
    frame = table(
        order_no=[f"AB-{number}" for number in range(60)], state=["open", "paid", "it's #1"] * 20, amount=["1.50", "NA", "-7.25"] * 20,
        **{"Unit Price (€)": ["3.10", " 4.20", ""] * 20, "order": ["yes", "no", "N/A"] * 20, "Über: weiß?": ["a\nb", "c", '"'] * 20},
    )  # fmt: skip
    draft = draft_of(frame)
    assert draft.refused == {}
    assert judged(draft, frame, tmp_path) == (60, 60, 0)
