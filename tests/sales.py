"""Contracts that use everything which a contract may say (tests/fixtures/contracts), with small changes, and rows for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.contracts.model.contract import EVENT_DATE
from assay.contracts.reading.examine import examine
from assay.contracts.reading.odcs import load_contracts
from assay.errors import ContractInvalid
from assay.ingest.bronze import bronze_spec, event_dates
from assay.masking.methods import Masks
from assay.refine.kernel import Refined, refine
from assay.settings import SecretReference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.contracts.documents.document import Finding
    from assay.contracts.model.contract import Contract

FIXTURES = Path(__file__).parent / "fixtures"
KEYS = SecretReference("file", str(FIXTURES / "masking.keys"))
SALES = (FIXTURES / "contracts/sales.odcs.yaml").read_text()
STORES = (FIXTURES / "contracts/stores.odcs.yaml").read_text()
DAY = "2024-01-01"
SALE = {
    "day": DAY, "sale": "1", "store": "north", "till": "1", "first_name": "Eve", "last_name": "Stone", "phone": "0301234567",
    "born": "1990-05-17", "iban": "DE02120300000000202051", "badge": "b7", "price": "10", "quantity": "3", "code": "A1", "note": "ok",
}  # fmt: skip
TILLS = {("stores", ("store", "till")): pl.DataFrame({"store": ["north", "north", "south"], "till": [1, 2, 7]}).to_struct()}


def write_sales(folder: Path, *changes: tuple[str, str]) -> Path:
    """The contract of sales in a folder, after replacing pieces of its text, beside that of stores. Returns the file of sales."""
    text = SALES
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sales.odcs.yaml").write_text(text)
    (folder / "stores.odcs.yaml").write_text(STORES)
    return folder / "sales.odcs.yaml"


def sales_contract(folder: Path, *changes: tuple[str, str]) -> Contract:
    return load_contracts(write_sales(folder, *changes).parent)["sales"]


def findings_of(folder: Path, *changes: tuple[str, str]) -> list[Finding]:
    """All faults of the contract of sales after these changes, each without its folder."""
    return examine([write_sales(folder, *changes)])


def assert_named(folder: Path, old: str, new: str, complaint: str) -> None:
    """A change of one line is refused when contracts are loaded, with exactly that line."""
    with pytest.raises(ContractInvalid, match=complaint) as refusal:
        sales_contract(folder, (old, new))
    said = re.search(r"sales\.odcs\.yaml:(\d+): ", str(refusal.value))
    assert said, refusal.value
    assert int(said.group(1)) == line_of(old, new), refusal.value


def line_of(old: str, new: str) -> int:
    """The first line that differs once `old` is replaced."""
    changed, lines = SALES.replace(old, new).splitlines(), SALES.splitlines()
    return next(number for number, line in enumerate(changed, 1) if number > len(lines) or lines[number - 1] != line)


def sold(contract: Contract, rows: Sequence[Mapping[str, str | None]]) -> Refined:
    """What the kernel makes of sales that differ from SALE in what they say; each has a number and a code of its own."""
    spec = bronze_spec(contract).schema
    said = [{**SALE, "sale": str(number), "code": f"A{number}", **row} for number, row in enumerate(rows, 1)]
    texts = {name: [row.get(name) for row in said] for name in contract.source.columns}
    frame = pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)).with_columns(
        pl.lit("a.csv").alias("_source_file"), pl.int_range(1, len(rows) + 1).alias("_source_row"), pl.lit("hash").alias("_source_hash"),
        pl.lit(DAY).str.to_date().alias("_arrival_date"),
    )  # fmt: skip
    frame = frame.with_columns(event_dates(frame, contract)).select(spec.names)
    return refine(frame.filter(pl.col(EVENT_DATE).is_not_null()).lazy(), contract, TILLS, None, "test", masks=Masks(KEYS))


def refusal(contract: Contract, rows: Sequence[Mapping[str, str | None]], day: str = DAY) -> str | None:
    """Why the day is not published; None if it is."""
    return sold(contract, rows).tallies[day].refusal(contract)
