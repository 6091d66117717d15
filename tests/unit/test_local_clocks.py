"""Local clocks: a time whose text has no zone is read as the contract says whose clocks it tells, on the days too on which these change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from assay.contracts.documents.document import Finding
from assay.contracts.model.fingerprint import published_terms
from assay.contracts.reading.examine import examine
from drafted import FILE, contract_of, draft_of, refined_of, table

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.inference.draft import Draft

SAID = "defaultTimezone: Etc/UTC"


def drafted(zone: str) -> Draft:
    """A draft of a table of times without zone, after its reader has named the zone."""
    draft = draft_of(table(row_id=[f"r{n:05d}" for n in range(28)], seen=[f"2024-02-{day:02d} 10:30" for day in range(1, 29)]), file=FILE)
    assert draft.text.count(SAID) == 1
    return type(draft)(draft.text.replace(SAID, f"defaultTimezone: {zone}"), draft.path, draft.guesses, draft.personal, draft.refused)


@pytest.mark.parametrize(
    ("zone", "text", "instant"),
    [
        ("Etc/UTC", "2024-03-10 02:30", datetime(2024, 3, 10, 2, 30, tzinfo=UTC)),
        ("America/New_York", "2024-01-10 02:30", datetime(2024, 1, 10, 7, 30, tzinfo=UTC)),
        ("America/New_York", "2024-11-03 01:30", datetime(2024, 11, 3, 5, 30, tzinfo=UTC)),
        ("Asia/Kolkata", "2024-03-10 02:30", datetime(2024, 3, 9, 21, 0, tzinfo=UTC)),
        ("Europe/Berlin", "2024-07-01 00:00", datetime(2024, 6, 30, 22, 0, tzinfo=UTC)),
    ],
)
def test_a_text_without_zone_is_an_instant_of_the_zone_that_the_contract_names(
    zone: str, text: str, instant: datetime, tmp_path: Path
) -> None:
    refined = refined_of(drafted(zone), table(row_id=["r00001"], seen=[text]), tmp_path)
    assert refined.published["seen"].to_list() == [instant]


def test_a_time_that_no_clock_showed_is_held(tmp_path: Path) -> None:
    refined = refined_of(drafted("America/New_York"), table(row_id=["r00001"], seen=["2024-03-10 02:30"]), tmp_path)
    assert refined.published.is_empty()
    assert refined.rejected["rule"].to_list() == ["seen_type"]


def test_another_zone_is_another_meaning(tmp_path: Path) -> None:
    plain, berlin = (contract_of(drafted(zone), tmp_path) for zone in ("Etc/UTC", "Europe/Berlin"))
    assert published_terms(plain) != published_terms(berlin)


@pytest.mark.parametrize(
    ("zone", "complaint"), [("Europe/Berlim", "unknown time zone 'Europe/Berlim'"), ("UTC+2", "unknown time zone 'UTC\\+2'")]
)
def test_a_zone_that_nobody_knows_is_named(zone: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.odcs.yaml"
    path.write_text(drafted(zone).text)
    (found,) = examine([path])
    assert isinstance(found, Finding)
    assert complaint.replace("\\", "") in found.complaint
