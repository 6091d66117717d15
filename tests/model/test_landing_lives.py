"""Whatever is done to files and folders in landing, who has looked before plans as who begins: by the bytes that lie there."""

from __future__ import annotations

from random import Random

import pytest
from landing_lives import live


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_the_plan_of_bronze_is_what_the_bytes_in_landing_say(seed: int) -> None:
    assert live(Random(seed), 20).looks.keys() == {True, False}
