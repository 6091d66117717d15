"""Constraints that come back: after a contract was tightened, the table gets the new ones once none of its rows breaks them.

While partitions of the older contract are there, the table is held to what both contracts say; each refinement looks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import types_of
from assay.contracts.compiling.expressions import violation
from assay.contracts.export.delta_constraints import constrained_rules
from assay.lake.constraints import tighten
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.lake.slices import TableSpec
    from assay.lake.snapshots import Snapshot


def tighten_constraints(lake: Path, contract: Contract, spec: TableSpec) -> None:
    """Give the published table the constraints that it lacks, as far as its rows allow. Reads rows only if it lacks some."""
    rules, types = constrained_rules(contract), types_of(contract)

    def kept(table: Snapshot, names: Collection[str]) -> set[str]:
        import polars as pl

        broken = [violation(rules[name], types, {}).fill_null(pl.lit(value=False)).any().alias(name) for name in names]
        found = table.scan().select(broken).collect(engine="streaming").row(0, named=True)
        return {name for name, is_broken in found.items() if not is_broken}

    table = newest(lake, spec.name)
    if table is not None:
        tighten(table, spec, kept)
