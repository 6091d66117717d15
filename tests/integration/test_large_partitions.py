"""Partitions too large to be held: they are refined in batches, and nothing of one can be told from a partition that was held."""

from __future__ import annotations

import errno
import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from order_shop import Shop, day

from assay.errors import AssayError
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.slices import WHOLE, Slice
from assay.lake.streaming_writer import Growing
from assay.refine import batched
from assay.refine.bronze_batches import pieces_of
from assay.refine.step import refine_partitions, silver_spec
from assay.steps import Status
from orders import ORDERS, write_contracts
from sales import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.lake.snapshots import Snapshot
    from assay.refine.kernel import Judged
    from assay.steps import Outcome, Run

FEW = 400  # bytes: some rows
NUMBER = "- {name: number, logicalType: integer, physicalType: INTEGER, required: true, primaryKey: true}"
CUSTOMER = "      - name: customer\n        logicalType: string\n"
MASKED = "classification: personal, customProperties: [{property: masking, value: {method: METHOD}}]"
LIMIT = "      - property: rejectedShare\n        value: {mustBeLessThan: 0.6}\n"
RULE = "      - {name: some_rows, type: library, metric: rowCount, mustBeGreaterThan: 0, description: A day has orders.}\n"
PROMISES = """\
      - {name: twins, metric: duplicateValues, arguments: {properties: [customer, note]}, mustBeLessThan: 2, severity: warning, description: A.}
      - name: dear
        type: sql
        query: SELECT AVG(amount) FROM ${object} WHERE state = 'open'
        mustBeLessThan: 400
        description: Orders are cheap.
"""
VARIANTS = {
    "all may be rejected": [(LIMIT, "")],
    "a key of two columns": [(CUSTOMER, CUSTOMER + "        required: true\n        primaryKey: true\n        primaryKeyPosition: 1\n")],
    "no key": [(", primaryKey: true", "")],
    "a key that is masked": [
        (NUMBER, NUMBER.replace("integer, physicalType: INTEGER", "string")[:-1] + ", " + MASKED.replace("METHOD", "tokenize") + "}")
    ],
    "promises": [(RULE, RULE + PROMISES)],
}
Row = dict[str, str | None]


class Keyed(Shop):
    """A shop that has the keys for masking."""

    def run(self, *, force: bool = False) -> Run:
        return replace(super().run(force=force), keys=KEYS)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The partitions that were refined in batches, once for each batch."""
    found, add = list[str](), batched._Refining.add

    def counting(self: batched._Refining, judged: Judged) -> None:
        found.append(self.aside.key)
        add(self, judged)

    monkeypatch.setattr(batched._Refining, "add", counting)
    return found


def shops(folder: Path, orders: str = ORDERS) -> tuple[Shop, Shop]:
    """Two shops of one contract: where days are held, and where they will be refined in batches."""
    contracts = write_contracts(folder / "contracts", orders)
    return Keyed(folder / "held", contracts).open(), Keyed(folder / "batched", contracts).open()


def some(chance: random.Random, rows: int, numbers: int, bad: float) -> list[Row]:
    """Rows of two days, some of them twice or more often, some with a fault of any kind."""
    faults: list[Row] = [
        {"number": "x"}, {"number": None}, {"amount": "-1"}, {"amount": "1001"}, {"customer": "eve"}, {"customer": "Ada"}, {"state": "lost"},
        {"placed": "yesterday"}, {"gift": "perhaps"}, {"note": "far too long"}, {"state": "paid", "amount": None}, {"day": "soon"},
        {"amount": "-5", "state": "lost", "gift": "perhaps"},
    ]  # fmt: skip
    found: list[Row] = []
    for _ in range(rows):
        row: Row = {
            "day": day(chance.choice([1, 1, 1, 2])),
            "number": str(chance.randrange(numbers)),
            "amount": str(chance.choice([1, 600])),
        }
        row |= {"note": chance.choice([None, "hello", "ééé"]), "customer": chance.choice(["ada", "bob"])}
        found.append(row | (chance.choice(faults) if chance.random() < bad else {}))
    return found


def both(pair: tuple[Shop, Shop], arrivals: Mapping[int, Sequence[Row]], *, force: bool = False) -> dict[str, Outcome]:
    """Let the same rows land in both shops, refine them, and compare all that can be seen. Returns the outcomes."""
    done = []
    for shop, batch in zip(pair, (pair[0].batch_bytes, FEW), strict=True):
        for arrival, rows in arrivals.items():
            shop.drop(arrival, rows)
        shop.ingest([*arrivals])
        done.append(replace(shop, batch_bytes=batch).refine([1, 2], force=force))
    held, batched = done
    assert [told(one) for one in batched.values()] == [told(one) for one in held.values()]
    assert seen(pair[1]) == seen(pair[0])
    return batched


def told(outcome: Outcome) -> list[Any]:
    return [outcome.key, outcome.status, outcome.rows, outcome.facts, outcome.broken, [*outcome.broken], outcome.refusal]


def seen(shop: Shop) -> list[Any]:
    """The digests of files, what the logs say of each publication, the fingerprints; not the number that each publication has by itself."""
    silver, quarantine = shop.table("silver"), shop.table("quarantine")
    tokens = silver.tokens("assay:") if silver else {}
    mine = {name: value for name, value in tokens.items() if not name.startswith(("publication/", "files/"))}
    aside = sorted((values[0], digest) for values, digest in shop.digests("quarantine"))
    return [shop.digests("silver"), aside, mine, notes(silver), notes(quarantine)]


def notes(table: Snapshot | None) -> list[Any]:
    said = [entry["assay.partitions"] for entry in (table.history() if table else ()) if "assay.partitions" in entry]
    return [(key.partition("@")[0], note) for one in said for key, note in json.loads(one).items()]


@pytest.mark.parametrize("seed", range(2))
def test_a_day_in_batches_is_as_one_that_was_held(tmp_path: Path, batches: list[str], seed: int) -> None:
    chance, pair = random.Random(seed), shops(tmp_path)
    done = both(pair, {1: some(chance, 120, 40, 0.3), 2: some(chance, 60, 40, 0.9)})
    assert {*batches} == {day(1), day(2)}
    assert len(batches) > 10
    assert {one.status for one in done.values()} == {Status.PUBLISHED}
    both(pair, {2: some(chance, 80, 200, 0.1)})  # sent again: rows come back, others are newly held
    both(pair, {1: some(chance, 90, 3, 0.5), 3: some(chance, 50, 3, 0)}, force=True)
    done = both(pair, {number: some(chance, 60, 40, 1) for number in (1, 2, 3)})
    assert {one.status for one in done.values()} == {Status.REFUSED}


@pytest.mark.parametrize("variant", VARIANTS)
def test_whatever_the_contract_says(tmp_path: Path, batches: list[str], variant: str) -> None:
    orders = ORDERS
    for old, new in VARIANTS[variant]:
        assert orders.count(old) == 1
        orders = orders.replace(old, new)
    chance, pair = random.Random(variant), shops(tmp_path, orders)
    both(pair, {1: some(chance, 100, 40, 0.2), 2: some(chance, 60, 40, 0.3)})
    assert len(batches) > 10
    both(pair, {1: some(chance, 60, 40, 1), 2: some(chance, 60, 40, 1)})


def test_a_whole_table_in_batches_is_as_one_that_was_held(tmp_path: Path, batches: list[str]) -> None:
    pair = shops(tmp_path)
    for shop, batch in zip(pair, (pair[0].batch_bytes, FEW), strict=True):
        shop.drop_text(
            "customers", f"customers_{day(1)}.csv", "customer\n" + "".join(f"c{number % 300}\n" for number in range(900)) + '""\n'
        )
        run, customers = replace(shop.run(force=True), batch_bytes=batch), shop.contracts["customers"]
        list(ingest(run, customers, Slice(bronze_spec(customers), (WHOLE,))))
        (done,) = refine_partitions(run, customers, Slice(silver_spec(customers), (WHOLE,)))
        assert (done.rows, done.facts["quarantined"], done.facts["duplicates"]) == (300, 1, 600)
    assert len(batches) > 10
    held, batched = ([file.digest for file in tables.files] for tables in (shop.table("silver", "customers") for shop in pair) if tables)
    assert held == batched


def test_a_full_disk_under_a_large_day_leaves_what_was_published(
    tmp_path: Path, batches: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, (_, shop) = random.Random(1), shops(tmp_path)
    shop.drop(1, some(chance, 100, 40, 0.2))
    shop.ingest([1])
    shop = replace(shop, batch_bytes=FEW)
    shop.refine([1])
    before, files = shop.versions(), sorted((shop.home / "lake").rglob("*part-*"))

    def full(self: Growing, frame: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Growing, "add", full)
    with pytest.raises(OSError, match="No space left"):
        shop.refine([1], force=True)
    assert batches
    assert (shop.versions(), sorted((shop.home / "lake").rglob("*part-*"))) == (before, files)


def test_a_lost_row_is_told_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, (_, shop) = random.Random(1), shops(tmp_path)
    shop.drop(1, some(chance, 100, 40, 0.2))
    shop.ingest([1])
    monkeypatch.setattr(batched, "pieces_of", lambda *told: [*pieces_of(*told)][1:])
    with pytest.raises(AssayError, match="the rows of '2024-01-01' do not add up"):
        replace(shop, batch_bytes=FEW).refine([1])
    assert not [*(shop.home / "lake/silver/orders").rglob("*part-*")]
