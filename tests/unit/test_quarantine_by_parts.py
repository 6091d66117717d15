"""What a publication changes in quarantine, compared part by part, is what is told of rows that are compared at once."""

from __future__ import annotations

import random

import polars as pl
import pytest

from assay.lake.quarantine.changes import CHANGES, noted, noted_by_parts

KEY = "2024-01-01"
PLACES = [(f"{name}.csv", row) for name, rows in (("a", 3), ("b", 900), ("c", 40), ("d", 1), ("e", 70)) for row in range(1, rows + 1)]
SCHEMA = {"_partition": pl.String, "rule": pl.String, "source_file": pl.String, "source_row": pl.Int64, "source_hash": pl.String}


def held(chance: random.Random, share: float, hashed: str) -> pl.DataFrame:
    """Some of the places in their order, each with the first rule that it breaks."""
    found = [(KEY, chance.choice("pqr"), *place, hashed) for place in PLACES if chance.random() < share]
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [20, 100, 10_000])
def test_in_parts_or_at_once(seed: int, rows: int) -> None:
    chance = random.Random(seed)
    before, after = held(chance, chance.choice([0, 0.1, 0.9]), "old"), held(chance, chance.choice([0, 0.1, 0.9]), "new")
    now = held(chance, 0.5, "old").vstack(held(chance, 0.1, "new")).unique(["source_file", "source_row"], keep="first")
    asked = list[int]()

    def landed(left: pl.DataFrame) -> pl.DataFrame:
        asked.append(left.height)
        return left.select("_partition", "source_file", "source_row").join(now, on=["_partition", "source_file", "source_row"])

    at_once = noted(before, after, landed, {KEY: 1})
    whole = len(asked)
    in_parts = noted_by_parts(before.lazy(), after.lazy(), landed, {KEY: 1}, rows)
    assert in_parts == at_once
    assert [*in_parts.get(KEY, {}).get("held", {})] == [*at_once.get(KEY, {}).get("held", {})]
    assert all(one <= 4 * rows for one in asked[whole:])
    assert {*at_once.get(KEY, {})} <= {"held", *CHANGES}
