"""Service levels, the dataset's life and the words for people: read from standard fields, and never silently ignored."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from assay.contracts.model.about import Channel, Lifecycle, Member
from sales import assert_named, findings_of, sales_contract

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract

LATENCY = "{property: latency, value: 36, unit: h, element: sales.sale_date}"
RETENTION = "{property: retention, value: 2, unit: y}"
FREQUENCY = '{property: frequency, value: 1, unit: d, scheduler: cron, schedule: "0 6 * * mon-fri"}'


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return sales_contract(tmp_path_factory.mktemp("contracts"))


def test_service_levels_are_read(sales: Contract) -> None:
    assert sales.schedule == "0 6 * * mon-fri"
    assert (sales.freshness, sales.freshness_column) == (timedelta(hours=36), "sale_date")
    assert sales.retention == timedelta(days=732)
    assert sales.lifecycle == Lifecycle(date(2024, 1, 1), date(2032, 5, 12), date(2033, 1, 1))


def test_what_is_not_said_is_not_made_up(tmp_path: Path) -> None:
    lines = [f"  - {item}\n" for item in (LATENCY, RETENTION, FREQUENCY)]
    days = {"generalAvailability": "2024-01-01", "endOfSupport": "2032-05-12T09:30:10-08:00", "endOfLife": "2033-01-01"}
    lines += [f'  - {{property: {name}, value: "{day}"}}\n' for name, day in days.items()]
    bare = sales_contract(tmp_path, ("slaProperties:\n", ""), *((line, "") for line in lines))
    assert (bare.schedule, bare.freshness, bare.freshness_column, bare.retention, bare.lifecycle) == (None, None, None, None, Lifecycle())


@pytest.mark.parametrize(
    ("said", "freshness"),
    [
        ("{property: latency, value: 90, unit: m}", timedelta(minutes=90)),
        ("{property: LATENCY, value: 1.5, unit: days}", timedelta(hours=36)),
        ("{property: ly, value: 2, unit: w}", timedelta(weeks=2)), ("{property: latency, value: 5, unit: s}", timedelta(seconds=5)),
    ],
)  # fmt: skip
def test_freshness_has_the_units_and_short_forms_of_the_standard(tmp_path: Path, said: str, freshness: timedelta) -> None:
    contract = sales_contract(tmp_path, (LATENCY, said))
    assert (contract.freshness, contract.freshness_column) == (freshness, None)


def test_months_of_retention_are_never_too_short(tmp_path: Path) -> None:
    assert sales_contract(tmp_path, (RETENTION, "{property: retention, value: 3, unit: months}")).retention == timedelta(days=93)


def test_the_words_for_people_are_kept(sales: Contract) -> None:
    about = sales.about
    assert (about.purpose, about.usage, about.limitations) == ("What was sold, and where.", "Turnover by store.", "Returns are missing.")
    assert (about.tags, about.team) == (("retail", "daily"), "retail-data")
    assert about.members == (Member("owner@example.org", "owner", "Ada", "", "2024-01-01"), Member("helper@example.org", "steward"))
    assert about.support == (Channel("#sales", "https://chat.example.org/sales", "slack", "issues", "Ask here."),)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("property: latency", "property: latncy", r"the service level 'latncy' is not kept by Assay\. Did you mean latency\?"),
        ("property: latency", "property: throughput", "the service level 'throughput' is not kept by Assay"),
        ("property: retention", "property: latency", "latency is there twice"),
        ("value: 36, unit: h", "value: 36, unit: hrs", r"unknown unit 'hrs'\. Did you mean hr\?"),
        ("value: 36, unit: h", "value: 36", "unknown unit None"),
        ("value: 36, unit: h", "value: soon, unit: h", "'soon' is no number above 0"),
        ("value: 2, unit: y", "value: 2, unit: m", "unknown unit 'm'"),
        ("value: 2, unit: y", "value: 2, unit: y, schedule: '@daily'", "schedule of retention is not read"),
        ("value: 2, unit: y", "value: 2, valueExt: 3, unit: y", "valueExt of retention is not read"),
        ("sales.sale_date", "sales.sale_dat", r"'sale_dat' is no column of sales\. Did you mean sale_date\?"),
        ("sales.sale_date", "sale.sale_date", r"'sale' is not the dataset of this contract\. Did you mean sales\?"),
        ("sales.sale_date", "sales.price", "price does not tell how old a row is"),
        ("scheduler: cron", "scheduler: crn", r"unknown scheduler 'crn'\. Did you mean cron\?"),
        (', schedule: "0 6 * * mon-fri"', "", "a frequency without a schedule has no deadline"),
        ("0 6 * * mon-fri", "0 6 * * mon-fry", "the schedule .* is no cron expression: 'mon-fry' is no day of the week"),
        ('generalAvailability, value: "2024-01-01"', 'generalAvailability, value: "2024-31-01"', "'2024-31-01' is no date"),
        ('endOfLife, value: "2033-01-01"', 'endOfLife, value: "2030-01-01"', "endOfLife is before endOfSupport"),
        ("status: active", "status: activ", r"the status 'activ' is not supported\. Did you mean active\?"),
        ("apiVersion: v3.2.0", "apiVersion: v3.0.2", r"the apiVersion 'v3\.0\.2' is not supported"),
        ("  purpose: What", "  purpos: What", r"the standard knows no field 'purpos' here\. Did you mean purpose\?"),
        ("tags: [retail, daily]", "tag: [retail, daily]", r"the standard knows no field 'tag' here\. Did you mean tags\?"),
        ("tags: [retail, daily]", "slaDefaultElement: x", "slaDefaultElement is not read"),
        ("tags: [retail, daily]", "customProperties: [{property: colour, value: red}]", "unknown custom property 'colour'. Say `vendor`"),
        ("role: steward", "rol: steward", r"the standard knows no field 'rol' here\. Did you mean role\?"),
        ("tool: slack", "tol: slack", r"the standard knows no field 'tol' here\. Did you mean tool\?"),
    ],
)
def test_a_mistake_in_the_head_is_named_with_its_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert_named(tmp_path, old, new, complaint)


def test_a_schedule_needs_something_that_is_due(tmp_path: Path) -> None:
    changes = ("      - property: arrival\n        value: {grain: day, start: 2024-01-01}\n", "")
    assert "a schedule needs the custom property arrival" in str(findings_of(tmp_path, changes)[0])


def test_a_table_is_published_under_its_own_name(tmp_path: Path) -> None:
    assert_named(tmp_path, "physicalName: silver.sales", "physicalName: silver.sale", "published as silver.sales, not as silver.sale")


def test_a_role_that_is_nearly_the_owner_is_named(tmp_path: Path) -> None:
    said = str(findings_of(tmp_path, ("role: owner, name: Ada", "role: Owner, name: Ada"))[0])
    assert "a contract needs a team member with the role owner. Write 'owner' for 'Owner'." in said


@pytest.mark.parametrize("element", ["", ", element: sales.sale_date"])
def test_a_month_does_not_tell_how_old_its_newest_row_is(tmp_path: Path, element: str) -> None:
    months = (
        "value: {grain: day, start: 2024-01-01}\n      - property: arrival",
        "value: {grain: month, start: 2024-01-01}\n      - property: arrival",
    )
    (finding,) = findings_of(tmp_path, months, (", element: sales.sale_date", element))
    assert "months do not tell how old the newest row is" in finding.complaint
    assert finding.hint == "Name an element: born."
