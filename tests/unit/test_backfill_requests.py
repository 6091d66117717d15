"""A backfill's runs: each counts the partitions of its own range, however many others of the asset are due beside it."""

from __future__ import annotations

from collections import Counter

import dagster as dg

from assay.orchestration.backfill import NOT_STARTED, Ran, requests
from assay.orchestration.due import Due
from assay.steps import Status

MONTHS = dg.MonthlyPartitionsDefinition("2024-01-01", end_date="2025-01-01")
SILVER = dg.AssetKey(["silver", "orders"])


def test_a_run_counts_its_own_range_where_the_due_partitions_have_gaps() -> None:
    due = Due(SILVER, MONTHS, dict.fromkeys(("2024-01-01", "2024-03-01", "2024-04-01", "2024-09-01"), 1))
    assert [(one.first, one.last, one.partitions) for one in requests([due])] == [
        ("2024-01-01", "2024-01-01", 1), ("2024-03-01", "2024-04-01", 2), ("2024-09-01", "2024-09-01", 1),
    ]  # fmt: skip


def test_assets_that_share_a_run_are_counted_together() -> None:
    both = [Due(key, MONTHS, dict.fromkeys(("2024-01-01", "2024-05-01"), 1)) for key in (SILVER, dg.AssetKey(["silver", "returns"]))]
    assert [one.partitions for one in requests(both)] == [2, 2]


def test_nothing_is_not_done_after_a_run_that_published_its_range() -> None:
    request, _ = requests([Due(SILVER, MONTHS, dict.fromkeys(("2024-01-01", "2024-05-01"), 1))])
    assert Ran(request, "12345678", 0.5, None, Counter({Status.PUBLISHED: 1})).said == "1 published in 0.5 s (run 12345678)"


def test_what_could_not_be_planned_is_said_and_counts_nothing() -> None:
    (request,) = requests([Due(dg.AssetKey(["bronze", "sales"]), None, {"all": 1})])
    assert Ran(request, NOT_STARTED, 0.0, "Permission denied.", {}).said == "bronze/sales could not be planned"
    assert Ran(request, "0123456789", 1.0, "It failed.", {}).said == "1 not done in 1.0 s (run 01234567)"


def test_a_note_on_an_asset_is_said_once_however_many_runs_it_takes() -> None:
    gaps = dict.fromkeys(("2024-01-01", "2024-03-01", "2024-05-01"), 1)
    assert [one.notes for one in requests([Due(SILVER, MONTHS, gaps, note="changed")])] == [("changed",), (), ()]
