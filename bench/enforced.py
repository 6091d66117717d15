"""Our side of `contract_enforcement`: the kernel, chunk by chunk: `python bench/enforced.py FOLDER [TARGET]`."""

import sys
from dataclasses import asdict
from pathlib import Path

import polars as pl
from enforcement import chunks, flights, kept, references

from assay.refine.kernel import refine
from assay.refine.step import load_transform


def main(folder: Path, target: Path | None) -> None:
    """Enforce the contract on every chunk; with a target, write down what was found."""
    contract = flights(folder)
    known, transform = references(folder, contract), load_transform(contract)
    for number, path in enumerate(chunks(folder)):
        refined = refine(pl.scan_parquet(path), contract, known, transform, "bench")
        assert all(tally.closes and tally.refusal(contract) is None for tally in refined.tallies.values())
        counts = {
            key: {name: value for name, value in asdict(tally).items() if name != "measured"} for key, tally in refined.tallies.items()
        }
        kept(target, number, refined.published, refined.rejected.drop("_partition"), counts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
