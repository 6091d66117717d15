"""Lives of keys: orders whose day is corrected again and again, in files of any order, against ten lines of plain Python.

Used by `test_table_keys.py` and `test_key_kills.py`; started as a program it moves keys and runs both steps until it is killed.
"""

from __future__ import annotations

import csv
import os
import random
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl
from order_shop import Shop, day, visible

from assay.errors import Superseded
from assay.lake.publisher import current_tokens
from assay.lake.quarantine.store import ARRIVALS
from assay.refine.accounts import Accounts
from assay.refine.inputs import Inputs
from assay.refine.step import silver_spec
from orders import ORDERS, write_contracts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assay.contracts.model.contract import Contract
    from assay.steps import Outcome

SCOPE = "      - property: rejectedShare\n"
TABLE_KEY = (SCOPE, f"      - {{property: keyScope, value: table}}\n{SCOPE}")
PATIENT = (f"{SCOPE}        value: {{mustBeLessThan: 0.6}}\n", "")
NO_COUNT = (
    "      - {name: some_rows, type: library, metric: rowCount, mustBeGreaterThan: 0, description: A day has orders.}\n",
    "",
)  # fmt: skip


def contract_text(*changes: tuple[str, str]) -> str:
    """The contract of orders with a key that counts in the whole table, after replacing pieces of its text."""
    text = ORDERS
    for old, new in (TABLE_KEY, *changes):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def key_shop(folder: Path, *changes: tuple[str, str]) -> Shop:
    """A shop whose orders have one row of a number in all days."""
    return Shop(folder / "home", write_contracts(folder / "contracts", contract_text(*changes))).open()


@dataclass(frozen=True)
class Row:
    """A row that landed: the order's number, the day it says, and whether the contract takes it."""

    number: int
    day: int
    good: bool = True

    def text(self) -> dict[str, str | None]:
        return {"day": day(self.day), "number": str(self.number), "amount": "10" if self.good else "-1"}


@dataclass
class Landed:
    """What has landed, by arrival and file name: the oracle's view of the world."""

    files: dict[tuple[int, str], tuple[Row, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, shop: Shop) -> Landed:
        """What lies in the landing folder now."""
        files: dict[tuple[int, str], tuple[Row, ...]] = {}
        for path in (shop.home / "landing/orders").glob("[!.]*.csv"):
            rows = csv.DictReader(path.read_text().splitlines())
            found = tuple(Row(int(row["number"]), int(row["day"][-2:]), row["amount"] == "10") for row in rows)
            files[int(path.stem.split("_")[1][-2:]), path.stem] = found
        return cls(files)

    def truth(self) -> dict[int, int]:
        """The day of each number that is published: that of its last good row, by arrival, file and row."""
        return {row.number: row.day for _, rows in sorted(self.files.items()) for row in rows if row.good}

    def sums(self) -> dict[int, tuple[int, int, int, int]]:
        """Landed, published, quarantined and duplicates of each day."""
        found: dict[int, Counter[str]] = defaultdict(Counter)
        for rows in self.files.values():
            for row in rows:
                found[row.day]["landed"] += 1
                found[row.day]["bad"] += not row.good
        kept = Counter(self.truth().values())
        return {day: (n["landed"], kept[day], n["bad"], n["landed"] - kept[day] - n["bad"]) for day, n in found.items()}


def published(shop: Shop) -> dict[int, int]:
    """The day of each published number. Raises AssertionError if one is there twice."""
    rows = shop.rows("silver").select("number", pl.col("order_date").dt.day()).rows()
    assert len({number for number, _ in rows}) == len(rows), f"a key is there twice: {sorted(rows)}"
    return {number: int(at) for number, at in rows}


def outdated(shop: Shop, numbers: Sequence[int], contract: Contract | None = None) -> list[str]:
    """The days that the plan would build, as it tells them."""
    from order_shop import days

    contract = contract or shop.orders
    slice_, inputs = days(silver_spec(contract), numbers), Inputs.pin(shop.run(), contract)
    current = current_tokens(inputs.published, slice_.keys)
    stands = Accounts.beside(inputs.published, shop.home / "lake", contract).standing(slice_, inputs, current)
    return [p.key for p in slice_.partitions if (current[p.key] is not None or inputs.files(p)) and inputs.fingerprint(p) != stands[p.key]]


def assert_sums(shop: Shop, landed: Landed, done: Iterable[Outcome]) -> None:
    """What the outcomes say of days is what the oracle counts."""
    sums = landed.sums()
    for one in done:
        facts = one.facts
        found = (facts["landed"], facts["published"], facts["quarantined"], facts["duplicates"])
        assert found == sums[int(one.key[-2:])], one
    held = Counter(visible({"": shop.table("silver"), ARRIVALS: None}, shop.table("quarantine"))["_partition"])
    assert {key: n for key, n in held.items() if n} == {day(at): bad for at, (_, _, bad, _) in sums.items() if bad}


def one_step(shop: Shop, chance: random.Random, arrivals: Sequence[int], event_days: Sequence[int]) -> None:
    """Land a file in which numbers have moved, and build some days, whatever anybody else does."""
    arrival = chance.choice(list(arrivals))
    rows = [Row(chance.randint(1, 8), chance.choice(list(event_days)), chance.random() < 0.8) for _ in range(chance.randint(1, 6))]
    with suppress(Superseded):
        shop.drop(arrival, [row.text() for row in rows], f"_{chance.randint(1, 2)}")
        shop.ingest([arrival])
        shop.refine(sorted(chance.sample(list(event_days), chance.randint(1, len(event_days)))))


def move_forever(shop: Shop, seed: int, *spans: Sequence[int]) -> None:
    """Move numbers between these arrivals and event days. What a step takes here and now is said first."""
    chance = random.Random(seed)
    with TemporaryDirectory() as scratch:  # so that a kill meets work and not imports
        other = Shop(Path(scratch), shop.contracts_folder).open()
        one_step(other, chance, *spans)
        began = time.monotonic()
        one_step(other, chance, *spans)
        os.write(1, f"ready {time.monotonic() - began}\n".encode())
    while True:
        one_step(shop, chance, *spans)
        os.write(1, b"done\n")
