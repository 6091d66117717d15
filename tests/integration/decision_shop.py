"""A steward who discards and restores quarantined orders without end, until the process is killed.

Each decision is about one rule. What is begun and what is done is written to standard output.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assay.errors import Superseded
from assay.lake.quarantine.decisions import Decision, Kind, decide, in_force, taken
from assay.lake.quarantine.reader import Fate, View

if TYPE_CHECKING:
    from pathlib import Path

RULES = ("amount_minimum", "customer_known", "note_length")


def decide_once(lake: Path, kind: Kind, rule: str) -> int | None:
    """Discard or restore all rows of a rule; None when there are none or another process decided first."""
    import polars as pl

    view = View.open(lake, "orders")
    if kind is Kind.DISCARD:
        rows = view.rows(Fate.HELD).filter(pl.col("rule") == rule)
    else:
        rows = in_force(view.decisions).filter(pl.col("rule") == rule) if view.decisions else None
    if rows is None or rows.is_empty():
        return None
    with suppress(Superseded):
        return decide(
            lake,
            "orders",
            Decision(kind, f"process {os.getpid()}", datetime.now(UTC), "no reason"),
            rows,
            taken(view.decisions),
            fence=view.fence,
        )
    return None


def decide_forever(lake: Path, seed: int) -> None:
    """Says `ready` with the seconds of its second decision: the first one imports. Then `done` for each."""
    chance, made = random.Random(seed), 0
    while True:
        began = time.monotonic()
        if decide_once(lake, chance.choice(list(Kind)), chance.choice(RULES)):
            made += 1
            if made > 1:
                os.write(1, (f"ready {time.monotonic() - began}\n" if made == 2 else "done\n").encode())
