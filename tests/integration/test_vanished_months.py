"""Gold is a function of silver: a month of which silver has nothing any more is published empty, whatever model it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from calendar_products import Calendars, totals

from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ("by_day", "both", "again", "moments", "looking_back")
LOOKING_BACK = """\
with days as (select period, sum(value) as value from {{ source('silver', 'india') }} where {{ in_reach('period') }} group by period)
select * from (
    select cast(date_trunc('month', period) as date) as month, period as moment, cast(
        sum(value) over (order by period range between interval 40 days preceding and current row) as bigint) as total
    from days
) where {{ in_window('moment') }}
"""


def everywhere(product: Calendars) -> dict[str, dict[str, int]]:
    return {name: totals(product.world, f"gold/{name}") for name in MODELS}


def two_calendars(folder: Path) -> Calendars:
    """Days in India and months in UTC, read by models of one, of both, of another model, of moments in UTC, and of 40 days before."""
    product = Calendars(folder).readings("india", zone="Asia/Kolkata", lateness="70")
    product.readings("world", grain="month", arrival="month", lateness="3")
    product.model("by_day", ["india"], quality="").model("both", ["india", "world"], quality="").model("again", ["gold/both"], quality="")
    product.model("moments", ["india"], kind="timestamp", quality="")
    reach = "      - {property: reach, value: {lookbackDays: 40}}\n"
    return product.model("looking_back", ["india"], sql=LOOKING_BACK, quality="", more=reach)


@pytest.mark.slow
def test_months_that_silver_has_lost_are_published_empty_by_every_model_and_then_there_is_nothing_to_do(tmp_path: Path) -> None:
    product = two_calendars(tmp_path)
    # 19:00 in UTC on the last of January is the first of February in India
    product.land("india", "2024-01-31", [("2024-01-31T09:00:00Z", 1), ("2024-01-31T19:00:00Z", 2)])
    product.land("india", "2024-03-05", [("2024-03-05T09:00:00Z", 4)])
    product.land("world", "2024-01-31", [("2024-01-31T09:00:00Z", 8)])
    assert set(product.backfill().values()) == {None}
    both = {"2024-01-01": 9, "2024-02-01": 2, "2024-03-01": 4}
    looking_back = {"2024-01-01": 1, "2024-02-01": 3, "2024-03-01": 7}
    by_day, moments = {"2024-01-01": 1, "2024-02-01": 2, "2024-03-01": 4}, {"2024-01-01": 3, "2024-03-01": 4}
    assert everywhere(product) == {"by_day": by_day, "both": both, "again": both, "moments": moments, "looking_back": looking_back}

    product.land("india", "2024-01-31", [("2024-03-04T09:00:00Z", 1), ("2024-03-04T10:00:00Z", 2)])
    product.land("world", "2024-01-31", [("2024-03-04T09:00:00Z", 8)])
    assert set(product.backfill().values()) == {None}
    march, both, looking_back = {"2024-03-01": 7}, {"2024-03-01": 15}, {"2024-03-01": 10}
    assert everywhere(product) == {"by_day": march, "both": both, "again": both, "moments": march, "looking_back": looking_back}
    assert product.due() == {}

    product.readings("india", zone="Asia/Kolkata", lateness="70", start="2024-05-01")
    assert set(product.backfill().values()) == {None}
    both = {"2024-03-01": 8}
    assert everywhere(product) == {"by_day": {}, "both": both, "again": both, "moments": {}, "looking_back": {}}
    table = newest(tmp_path / "home/lake", "gold/by_day")
    assert table is not None
    assert table.files == []
    assert product.due() == {}
