"""Drafts for tests: a table of text, its draft, the contract that this is, and what the engine makes of the table under it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import polars as pl

from assay.contracts.inference.draft import Draft, draft_contract
from assay.contracts.inference.guesses import Sample
from assay.contracts.model.contract import EVENT_DATE
from assay.contracts.reading.odcs import read_contract
from assay.ingest.bronze import batches, bronze_rows
from assay.ingest.reading import read_pieces
from assay.masking.methods import Masks
from assay.refine.kernel import Refined, refine
from sales import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract

FILE, OWNER = "shop_2024-03-31.csv", "shop@example.org"


def table(**columns: Sequence[str | None]) -> pl.DataFrame:
    """Columns of text."""
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def draft_of(frame: pl.DataFrame, **facts: Any) -> Draft:
    return draft_contract(frame, Sample(**{"dataset": "shop", "owner": OWNER, "file": FILE, "format": "csv"} | facts))


def contract_of(draft: Draft, folder: Path) -> Contract:
    """The contract that a draft is, as the engine reads it: loading it is a test of its own."""
    path = folder / "shop.odcs.yaml"
    path.write_text(draft.text, encoding="utf-8")
    return read_contract(path)


def published(frame: pl.DataFrame, folder: Path) -> Mapping[str, Any]:
    """The properties of the published table that a frame's draft names, by column, as the YAML says them."""
    import yaml

    body = yaml.safe_load(draft_of(frame).text)
    contract_of(draft_of(frame), folder)
    return {item["name"]: item for item in body["schema"][1]["properties"]}


def one_column(name: str, values: Sequence[str | None], folder: Path) -> Mapping[str, Any]:
    """The published property that is drafted from one column, beside a key."""
    frame = table(**{"row_id": [f"r{number:05d}" for number in range(len(values))], name: values})
    properties = published(frame, folder)
    return next(item for key, item in properties.items() if key != "row_id" and not item.get("partitioned"))


def refined_of(draft: Draft, frame: pl.DataFrame, folder: Path) -> Refined:
    """What the engine makes of rows that land under a drafted contract; rows without an event date are left out."""
    contract, bronze = landed(draft, frame, folder)
    dated = bronze.filter(pl.col(EVENT_DATE).is_not_null()) if contract.event_time else bronze
    return refine(dated.lazy(), contract, {}, None, "run", masks=Masks(KEYS))


def judged(draft: Draft, frame: pl.DataFrame, folder: Path) -> tuple[int, int, int]:
    """Land the frame as the drafted contract says, read it and judge it: how many rows landed, were published, and were kept back."""
    contract, bronze = landed(draft, frame, folder)
    without_time = bronze.filter(pl.col(EVENT_DATE).is_null()) if contract.event_time else bronze.clear()
    done = refine(bronze.join(without_time, on="_source_row", how="anti").lazy(), contract, {}, None, "run", masks=Masks(KEYS))
    return bronze.height, done.published.height, done.rejected.height + without_time.height


def landed(draft: Draft, frame: pl.DataFrame, folder: Path) -> tuple[Contract, pl.DataFrame]:
    """The drafted contract, and bronze once the frame has landed as a file of its form."""
    contract = contract_of(draft, folder)
    path = folder / "landing" / draft.path.replace("{arrival:yyyy-MM-dd}", "2024-03-31").rstrip("*")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(frame.columns)
        writer.writerows([["" if value is None else value for value in row] for row in frame.iter_rows()])
    (piece,) = read_pieces(list(batches(folder / "landing", contract).values()), contract.source)
    assert not piece.failed, piece.failed
    return contract, pl.DataFrame(bronze_rows(piece, contract))
