"""The account of silver's partitions: rows that arrived in bronze = published + quarantined + duplicates, each counted where it is.

What arrived is told by the manifests of bronze, whatever the refinement read; what became of it by the tables that readers see. Nothing is
read but logs and footers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.cached_property import cached_property
from assay.contracts.model.key_scope import has_table_key
from assay.lake.accounts import DUPLICATES, MADE_FROM, arrived, noted, rows_by_values, rows_token
from assay.lake.claims import altered_claims
from assay.lake.foreign import altered
from assay.lake.quarantine.store import Quarantine, visible_files
from assay.lake.snapshots import Snapshot, newest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.lake.accounts import Rows
    from assay.lake.slices import Partition, Slice
    from assay.refine.inputs import Inputs


@dataclass(frozen=True)
class Accounts:
    """Silver and its quarantine at one moment. Silver is opened first: see `visible_files`."""

    silver: Snapshot | None
    quarantine: Snapshot | None
    beside_altered: AbstractSet[str] = frozenset()  # the partitions of which something beside silver is not as it was stored

    @classmethod
    def beside(cls, silver: Snapshot | None, lake: Path, contract: Contract) -> Accounts:
        """The quarantine of now beside a snapshot of silver that was opened before."""
        quarantine = Quarantine(lake, contract.dataset)
        claims = altered_claims(lake, contract.dataset, silver) if has_table_key(contract) else set()
        return cls(silver, newest(lake, quarantine.spec.name), quarantine.altered(silver) | claims)

    @cached_property
    def published(self) -> dict[tuple[str, ...], int]:
        """The rows of each partition, by its values."""
        return rows_by_values(self.silver)

    @cached_property
    def altered(self) -> set[str]:
        """The partitions that another tool has changed, or whose files are damaged."""
        return altered(self.silver)

    @cached_property
    def held(self) -> dict[str, int]:
        """The visible quarantined rows of each partition, those that a steward discarded among them, by its key."""
        found: dict[str, int] = {}
        for file in visible_files(self.quarantine, {"": self.silver}) if self.quarantine else ():
            found[file.values[0]] = found.get(file.values[0], 0) + file.rows
        return found

    def duplicates(self, key: str) -> int:
        """The rows of a partition that gave way to others of their key."""
        return noted(self.silver, DUPLICATES, key) or 0

    def closes(self, partition: Partition, rows: Sequence[Rows]) -> bool:
        """Whether a partition was made from these rows of bronze, all of them are accounted for, and nobody else has changed it."""
        accounted = self.published.get(partition.values, 0) + self.held.get(partition.key, 0) + self.duplicates(partition.key)
        made_from = noted(self.silver, MADE_FROM, partition.key)
        return made_from == rows_token(rows) and accounted == arrived(rows) and partition.key not in self.altered | self.beside_altered

    def standing(self, slice_: Slice, inputs: Inputs, current: Mapping[str, int | None]) -> dict[str, int | None]:
        """The fingerprints of the partitions of a slice; None for one whose account does not close: it must be built again."""
        return {part.key: current[part.key] if self.closes(part, inputs.days(part)) else None for part in slice_.partitions}
