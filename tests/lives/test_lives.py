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
