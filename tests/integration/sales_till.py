"""A shop that has published one good day of sales, and judges what a further file does to its lake."""

from __future__ import annotations

import copy
import json
import re
import shutil
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from order_shop import Shop, day

from assay.steps import Outcome, Status
from corpus.sales import COLUMNS, TYPED, contract_text, csv_file, json_file, json_line
from corpus.typed_files import avro_file, parquet_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from corpus.sales import Case

FIRST, SECOND = 1, 2
DAYS = [1, 2, 3]
ONE_SALE = {"day": date(2024, 1, 1), "placed": datetime(2024, 1, 1, 9, tzinfo=UTC)}
GOOD = {
    "csv": csv_file({"day": "2024-01-01"}), "jsonl": json_file(json_line(day='"2024-01-01"')),
    "parquet": parquet_file(ONE_SALE), "avro": avro_file(ONE_SALE),
}  # fmt: skip


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Fail what takes longer."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Till:
    """The shop whose sales land in files of one format, and its lake after the first day."""

    shop: Shop
    before: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, home: Path, format_: str, most: int) -> Till:
        """Publish the first day from a good file. The contract says how many bytes a file may have."""
        contracts = home / "contracts"
        contracts.mkdir(parents=True)
        (contracts / "orders.odcs.yaml").write_text(contract_text(format_, most))
        till = cls(Shop(home, contracts))
        till.drop(f"orders_{day(FIRST)}.{format_}", GOOD[format_])
        assert till.shop.ingest([FIRST])[day(FIRST)].status is Status.PUBLISHED
        assert till.shop.refine(DAYS)[day(FIRST)].facts["published"] == 1
        till.before = till.state()
        return till

    def copy_to(self, home: Path) -> Till:
        """The same shop in another place. The contract is not read again: that would take longer than all the rest."""
        shutil.copytree(self.shop.home, home)
        shop = copy.copy(self.shop)
        shop.home = home
        return Till(shop, self.before)

    def drop(self, name: str, content: bytes) -> None:
        path = self.shop.home / "landing/orders" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def judge(self, case: Case) -> None:
        """Land the file, run both steps, and compare with what the case says."""
        self.drop(case.name(day(SECOND)), case.content)
        outcome = self.shop.ingest([SECOND])[day(SECOND)]
        if case.refused:
            self.judge_refusal(case, outcome)
            return
        assert outcome.status is Status.PUBLISHED, outcome.refusal
        assert outcome.rows == case.rows, "rows of the file in bronze"
        done = self.shop.refine(DAYS)
        assert not [one.refusal for one in done.values() if one.status is Status.REFUSED]
        self.judge_rows(case, done)

    def judge_refusal(self, case: Case, outcome: Outcome) -> None:
        assert outcome.status is Status.REFUSED, f"it was taken, with {outcome.rows} rows"
        said = str(outcome.refusal)
        assert f"Tried to read orders/{case.name(day(SECOND))};" in said
        assert re.search(case.refused, said), said
        assert len(said) < 800
        assert {one.status for one in self.shop.refine(DAYS).values()} == {Status.UNCHANGED}
        assert self.state() == self.before, "the lake was changed"

    def judge_rows(self, case: Case, done: Mapping[str, Outcome]) -> None:
        landed = self.shop.rows("bronze").filter(pl.col("_source_file").str.contains(day(SECOND)))
        held = self.shop.visible_quarantine()
        found = {row.pop("number"): row for row in self.shop.rows("silver").filter(pl.col("order_date") != pl.date(2024, 1, 1)).to_dicts()}
        assert landed.height == len(found) + held.height + case.duplicates, "rows in = published + quarantined + duplicates"
        wanted = {number: row_of(changed) for number, changed in case.published.items()}
        assert {number: exact(row) for number, row in found.items()} == {number: exact(row) for number, row in wanted.items()}
        set_aside = held.filter(pl.col("rule").str.starts_with("event_time_")).height
        assert (held.height - set_aside, set_aside) == (case.rejected, case.set_aside)
        counted = [one.facts for key, one in done.items() if key != day(FIRST)]
        sums = {name: sum(facts.get(name, 0) for facts in counted) for name in ("published", "quarantined", "duplicates")}
        assert sums == {"published": len(case.published), "quarantined": case.rejected, "duplicates": case.duplicates}
        self.judge_held(case, landed, held)

    def judge_held(self, case: Case, landed: pl.DataFrame, held: pl.DataFrame) -> None:
        """Quarantine has each of its rows as it was received."""
        received = {row["_source_row"]: {name: row[name] for name in COLUMNS} for row in landed.to_dicts()}
        raw = {row: json.loads(text) for row, text in held.select("source_row", "raw").rows()}
        assert raw == {row: received[row] for row in raw}
        assert {name: [raw[row][name] for row in sorted(raw)] for name in case.held} == case.held

    def state(self) -> dict[str, Any]:
        """What readers see, and the versions of the tables."""
        return {"versions": self.shop.versions(), **{layer: self.shop.rows(layer).to_dicts() for layer in ("silver", "bronze")}}


def row_of(changed: Mapping[str, Any]) -> dict[str, Any]:
    """A published row without its number."""
    row = {**TYPED, **changed}
    row["order_date"] = row.pop("day")
    del row["number"]
    return row


def exact(row: Mapping[str, Any]) -> dict[str, str]:
    """Values so that equal means the same: -0.0 is not 0.0, and 1.50 is not 1.5."""
    return {name: value.isoformat() if isinstance(value, datetime) else repr(value) for name, value in sorted(row.items())}
