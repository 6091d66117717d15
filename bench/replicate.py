"""Thirty times the data: every flight of the landing files again under other flight numbers, thirty times in all.

The real flight numbers fill most of the four digits that the contract allows, so a copy adds a fifth and a sixth: copy 7 of flight 1545 is
71545. The contract gets the wider maximum, in a copy of its folder that only the bench reads; nothing else of it changes. Weather and the
reference tables stay as they are.
"""

import shutil
from pathlib import Path

import polars as pl

COPIES = 30
DIGITS = 10_000
MAXIMUM = "maximum: 9999}"


def replicate(landing: Path, target: Path, copies: int = COPIES) -> int:
    """Write the landing folder `target` from `landing`, the files of flights `copies` times as long. Returns the number of flights."""
    for folder in landing.iterdir():
        if folder.name != "flights":
            shutil.copytree(folder, target / folder.name)
    (target / "flights").mkdir(parents=True)
    return sum(_replicate(file, target / "flights" / file.name, copies) for file in sorted((landing / "flights").glob("*.csv")))


def _replicate(source: Path, target: Path, copies: int) -> int:
    """All values stay the text that they are, absent ones (`NA`) too."""
    rows = pl.read_csv(source, infer_schema=False)
    numbers = pl.col("flight").cast(pl.Int64)
    every = pl.concat(rows.with_columns((numbers + copy * DIGITS).cast(pl.String).alias("flight")) for copy in range(copies))
    every.write_csv(target)
    return every.height


def widen(contracts: Path, target: Path, copies: int = COPIES) -> Path:
    """Copy the contracts with room for the flight numbers of all copies. Raises ValueError when the bound is not where it was."""
    shutil.copytree(contracts, target)
    file = target / "flights.odcs.yaml"
    text = file.read_text()
    if text.count(MAXIMUM) != 1:
        raise ValueError(f"Tried to widen the flight numbers of {file.name}; it has {text.count(MAXIMUM)} times {MAXIMUM!r}.")
    file.write_text(text.replace(MAXIMUM, f"maximum: {copies * DIGITS}}}"))
    return target
