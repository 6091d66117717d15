"""Which share of the rows of each published partition is in quarantine, told by the logs of the two tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lake.quarantine.decisions import decisions_of
from assay.lake.quarantine.reader import Fate, View
from assay.lake.quarantine.store import PARTITION
from assay.lake.slices import WHOLE
from assay.lake.snapshots import newest
from assay.refine.accounts import Accounts

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract


def rejected_shares(lake: Path, contract: Contract, above: float) -> dict[str, tuple[int, int]]:
    """The partitions of silver of whose rows more than a share is held: how many are, of how many that landed. In order.

    Rows that a steward has discarded are decided on: they are not held any more.
    """
    accounts = Accounts.beside(newest(lake, f"silver/{contract.dataset}"), lake, contract)
    published = {values[0] if values else WHOLE.key: rows for values, rows in accounts.published.items()}
    landed = {key: rows + published.get(key, 0) + accounts.duplicates(key) for key, rows in accounts.held.items()}
    found = {key: (rows, landed[key]) for key, rows in sorted(accounts.held.items()) if rows > above * landed[key]}
    if not found or decisions_of(lake, contract.dataset) is None:
        return found
    discarded: dict[str, int] = {}
    for (key,) in View.open(lake, contract.dataset).rows(Fate.DISCARDED, [PARTITION]).select(PARTITION).iter_rows():
        discarded[key] = discarded.get(key, 0) + 1
    left = {key: (rows - discarded.get(key, 0), total) for key, (rows, total) in found.items()}
    return {key: (rows, total) for key, (rows, total) in left.items() if rows > above * total}
