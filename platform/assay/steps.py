"""What every step of the lake shares: what it is told of its run, and what it says became of each partition.

A step is a function of (inputs, code, contract) for a slice of one table. It decides partition by partition: publish, leave as it is, or
refuse. Nothing here knows Dagster; `orchestration` turns outcomes into events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from assay.contracts.model import Contract
    from assay.settings import SecretReference

CHUNK_ROWS = 250_000


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: where the lake and the landing folder are, the contracts, and whether unchanged partitions are built again.

    `keys` says where the masking keys are.
    """

    lake: Path
    landing: Path
    contracts: Mapping[str, Contract]
    run_id: str = ""
    force: bool = False
    keys: SecretReference | None = None


class Status(StrEnum):
    """What became of a partition."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One partition after a step. `facts` are worth showing (rows, versions); `broken` counts rows by rule; `refusal` says why not."""

    key: str
    status: Status
    rows: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    refusal: str | None = None
