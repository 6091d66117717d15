"""Some lives in each run of the tests; many on demand: `make lives`. What a life is: `living.py`."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from events import Land, Life, Wait
from living import draw_life, live
from products import DAY, MONTH, Calendar, Dataset, Product

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(5))
def test_every_row_of_a_life_meets_the_fate_that_the_documents_say(seed: int) -> None:
    live(draw_life(seed))


def test_a_file_dated_ahead_does_not_hold_up_a_month_that_is_published_before_it_is_over() -> None:
    """Found by seed 921: the month waited for a file of tomorrow, and a mistaken date would have frozen it for weeks."""
    start = date(2024, 11, 1)
    sales = Dataset("sales", "Asia/Kathmandu", Calendar(MONTH, start), Calendar(DAY, start), current=True)
    today = Land("sales", date(2024, 11, 12), "", (("1", "2024-11-11", "7", "paid", ""),))
    ahead = Land("sales", date(2024, 11, 28), "", (("2", "2024-11-28", "7", "paid", ""),))
    live(Life(Product((sales,)), datetime(2024, 11, 12, 12, 1, tzinfo=UTC), (ahead, today, Wait(24 * 20))))


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York"])
def test_the_month_of_now_is_in_gold_with_the_days_that_are_over_and_grows_until_it_is(zone: str) -> None:
    start = date(2024, 11, 1)
    sales = Dataset("sales", zone, Calendar(DAY, start), Calendar(DAY, start))
    visits = Dataset("visits", zone, Calendar(MONTH, start), Calendar(DAY, start))
    events = [
        Land(name, date(2024, 11, day), "", ((str(day), f"2024-11-{day:02d}", "7", "paid", ""),))
        for day in (11, 12, 30)
        for name in ("sales", "visits")
    ]
    product = Product((sales, visits), gold=(("sales",), ("sales", "visits")))
    first, second, last = events[:2], events[2:4], events[4:]
    live(Life(product, datetime(2024, 11, 12, 12, 1, tzinfo=UTC), (*first, Wait(24), *second, Wait(24), *last, Wait(24 * 20))))
