"""Some lives in each run of the tests; many on demand: `make lives`. What a life is: `living.py`."""

from __future__ import annotations

import pytest
from living import draw_life, live

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(5))
def test_every_row_of_a_life_meets_the_fate_that_the_documents_say(seed: int) -> None:
    live(draw_life(seed))
