"""A shop whose orders land as files: drop some, run the steps, look at what a reader sees. Also what a process does until it is killed:
rewrite arrivals and run both steps, over and over.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from assay.contracts.model.contract import EVENT_DATE
from assay.contracts.reading.odcs import load_contracts
from assay.errors import Superseded
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.quarantine.store import ARRIVALS, visible_files
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec
from assay.lake.snapshots import Snapshot, newest, open_snapshot
from assay.refine.step import refine_partitions, silver_spec
from assay.steps import BATCH_BYTES, Outcome, Run
from orders import csv_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.contracts.model.contract import Contract

FIRST = date(2024, 1, 1)
BAD_AMOUNT = "-1"
ARCHIVED_AND_FORCED = 0.2  # how often bronze is built again from itself


def day(number: int) -> str:
    """The n-th day of the shop, in ISO form."""
    return (FIRST + timedelta(days=number - 1)).isoformat()


def days(spec: TableSpec, numbers: Sequence[int]) -> Slice:
    return Slice(spec, tuple(Partition(day(number), (day(number),)) for number in numbers))


@dataclass
class Shop:
    """A home folder with the contracts of orders and customers."""

    home: Path
    contracts_folder: Path
    known: Sequence[str] = ("ada", "bob")
    batch_bytes: int = BATCH_BYTES
    contracts: dict[str, Contract] = field(init=False)

    def __post_init__(self) -> None:
        self.contracts = load_contracts(self.contracts_folder)

    @property
    def orders(self) -> Contract:
        return self.contracts["orders"]

    def run(self, *, force: bool = False) -> Run:
        return Run(
            self.home / "lake", self.home / "landing", self.contracts, f"run {os.getpid()}", force, batch_bytes=self.batch_bytes
        )  # fmt: skip

    def open(self) -> Shop:
        """Publish the customers, which orders refer to."""
        self.drop_text("customers", f"customers_{day(1)}.csv", "\n".join(["customer", *self.known]) + "\n")
        customers = self.contracts["customers"]
        list(ingest(self.run(), customers, Slice(bronze_spec(customers), (WHOLE,))))
        list(refine_partitions(self.run(), customers, Slice(silver_spec(customers), (WHOLE,))))
        return self

    def drop_text(self, dataset: str, name: str, text: str) -> Path:
        """Drop a file as upstream does: whole under its own name, or not at all."""
        path = self.home / "landing" / dataset / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{name}.{os.getpid()}")
        unfinished.write_text(text)
        return unfinished.replace(path)

    def drop(self, arrival: int, rows: Sequence[Mapping[str, str | None]], name: str = "") -> Path:
        return self.drop_text("orders", f"orders_{day(arrival)}{name}.csv", csv_text(rows))

    def ingest(self, arrivals: Sequence[int], *, force: bool = False) -> dict[str, Outcome]:
        slice_ = days(bronze_spec(self.orders), arrivals)
        return {outcome.key: outcome for outcome in ingest(self.run(force=force), self.orders, slice_)}

    def refine(self, numbers: Sequence[int], *, force: bool = False) -> dict[str, Outcome]:
        slice_ = days(silver_spec(self.orders), numbers)
        return {outcome.key: outcome for outcome in refine_partitions(self.run(force=force), self.orders, slice_)}

    def table(self, layer: str, dataset: str = "orders") -> Snapshot | None:
        return newest(self.home / "lake", f"{layer}/{dataset}")

    def rows(self, layer: str) -> pl.DataFrame:
        return open_snapshot(self.home / "lake", f"{layer}/orders").scan().collect()

    def versions(self) -> dict[str, int | None]:
        found = {layer: self.table(layer) for layer in ("bronze", "silver", "quarantine")}
        return {layer: snapshot.version if snapshot else None for layer, snapshot in found.items()}

    def digests(self, layer: str) -> list[tuple[tuple[str, ...], str]]:
        snapshot = self.table(layer)
        return sorted((file.values, file.digest) for file in (snapshot.files if snapshot else []))

    def visible_quarantine(self) -> pl.DataFrame:
        """The rejected rows as a reader finds them: published tables first, quarantine last."""
        return visible({"": self.table("silver"), ARRIVALS: self.table("bronze")}, self.table("quarantine"))

    def edit_contract(self, old: str, new: str) -> Shop:
        path = self.contracts_folder / "orders.odcs.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return replace(self)

    def stray(self) -> int:
        """Rows of bronze that are not accounted for; what duplicates are is counted by their keys."""
        bronze, silver, held = self.rows("bronze"), self.rows("silver"), self.visible_quarantine()
        origins = held.select("source_file", "source_row").rename({"source_file": "_source_file", "source_row": "_source_row"})
        good = bronze.join(origins, on=["_source_file", "_source_row"], how="anti").filter(pl.col(EVENT_DATE).is_not_null())
        duplicates = good.height - good.select(EVENT_DATE, "number").unique().height
        return bronze.height - silver.height - held.height - duplicates


def visible(published: Mapping[str, Snapshot | None], quarantine: Snapshot | None) -> pl.DataFrame:
    if quarantine is None:
        return pl.DataFrame(
            schema={"rule": pl.String, "source_file": pl.String, "source_row": pl.Int64, "raw": pl.String, "_partition": pl.String}
        )
    files = {file.path for file in visible_files(quarantine, published)}
    return quarantine.scan(lambda file: file.path in files).collect()


def generation(chance: random.Random, event_day: int) -> list[dict[str, str | None]]:
    """Rows of one event day that carry in `note` how many they are and in `customer` what should become of them.

    `good` rows are published, `bad` ones quarantined, and each of `twice` comes in two copies.
    """
    good, bad, twice = chance.randint(2, 30), chance.randint(0, 20), chance.randint(0, 5)
    total = f"{good + bad + 2 * twice:02d}"
    numbered = [(str(number), "10") for number in range(good)]
    numbered += [(str(100 + number), BAD_AMOUNT) for number in range(bad)]
    numbered += [(str(200 + number), "10") for number in range(twice)] * 2
    note = f"{total}-{twice:02d}"
    return [{"day": day(event_day), "number": number, "amount": amount, "note": note} for number, amount in numbered]


def look(shop: Shop) -> int:
    """One look of a reader at every partition. Raises AssertionError unless silver + visible quarantine + duplicates == landed.

    Returns how many partitions there were. Snapshots are opened in the order that `visible_files` asks for.
    """
    silver = shop.table("silver")
    if silver is None:
        return 0
    held = visible({"": silver, ARRIVALS: None}, shop.table("quarantine"))
    rejected = Counter(held["_partition"].to_list())
    seen = silver.scan().group_by("order_date").agg(pl.len(), pl.col("note").unique()).collect()
    for event_day, rows, notes in seen.iter_rows():
        assert len(notes) == 1, f"{event_day} mixes {notes} at version {silver.version}"
        landed, twice = map(int, notes[0].split("-"))
        found = rows + rejected[str(event_day)] + twice
        assert found == landed, f"{event_day} at version {silver.version}: {rows} + {rejected[str(event_day)]} + {twice} != {landed}"
    return seen.height


def work_forever(shop: Shop, seed: int, numbers: Sequence[int]) -> None:
    """Say first what a round takes here and now, then each time that one is done."""
    chance = random.Random(seed)
    with TemporaryDirectory() as scratch:  # so that a kill meets work and not imports
        other = Shop(Path(scratch), shop.contracts_folder).open()
        work_once(other, chance, numbers)
        began = time.monotonic()
        work_once(other, chance, numbers)
        os.write(1, f"ready {time.monotonic() - began}\n".encode())
    while True:
        work_once(shop, chance, numbers)
        os.write(1, b"done\n")


def work_once(shop: Shop, chance: random.Random, numbers: Sequence[int]) -> None:
    chosen = sorted(chance.sample(numbers, chance.randint(1, len(numbers))))
    files = [shop.drop(number, generation(chance, number)) for number in chosen]
    with suppress(Superseded):
        shop.ingest(chosen)
        for file in chance.sample(files, len(files) // 2):  # what is in bronze may be archived, by several workers at once
            file.unlink(missing_ok=True)
        shop.ingest(chosen, force=chance.random() < ARCHIVED_AND_FORCED)
        shop.refine(chosen)
