"""The contract of a gold model: what is promised of rows that SQL computes from other tables, and who reads them.

A model has one contract for each major version. The highest is the model itself; an older one is a view of it, kept alive by what its
columns say of how they are computed. `reading` reads these, `gold/` compiles them for dbt and for readers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from assay.contracts.model.contract import Published
from assay.contracts.model.fingerprint import columns_terms, dataset_rules_terms, rules_terms
from assay.contracts.model.versions import major_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.model.contract import Contract


@dataclass(frozen=True, slots=True)
class Consumer:
    """Somebody who reads a major version of a model: a name, whom to tell of changes, and the columns that are read (none: all)."""

    name: str
    contact: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldContract(Published):
    """One major version of a gold model; `dataset` is the model's name.

    A partition is the month of `event_column`; without one the table has no partitions, and is built whole. To build a window, rows from
    `lookback_days` before it to `lookahead_days` after it are read. In an older major version a column's `source` or `expression` says how
    it comes from the columns of the highest one.
    """

    layer: ClassVar[str] = "gold"
    event_column: str | None
    lookback_days: int = 0
    lookahead_days: int = 0
    consumers: tuple[Consumer, ...] = ()

    @property
    def major(self) -> int:
        """The number that its readers name."""
        return major_of(self.version)

    @property
    def view(self) -> str:
        """The name under which it is read."""
        return f"v{self.major}.{self.dataset}"


@dataclass(frozen=True, slots=True)
class ProductContracts:
    """Every contract of a product: datasets that land, and gold models, each with its older major versions, the newest first."""

    datasets: Mapping[str, Contract] = field(default_factory=dict)
    models: Mapping[str, GoldContract] = field(default_factory=dict)
    older: Mapping[str, tuple[GoldContract, ...]] = field(default_factory=dict)

    def majors(self, model: str) -> tuple[GoldContract, ...]:
        """All major versions of a model, the highest first."""
        return (self.models[model], *self.older.get(model, ()))

    def promises_of(self, model: str) -> str:
        """A digest of what decides which rows of a model are published, of all its major versions."""
        return digest_of(self.majors(model))

    @property
    def promises(self) -> dict[str, Contract | GoldContract]:
        """What holds now, by name: datasets and models share one set of names."""
        return {**self.datasets, **self.models}


def digest_of(majors: tuple[GoldContract, ...]) -> str:
    """A digest of everything in a model's contracts that decides which rows are published; words, owners and readers do not."""
    return hashlib.blake2b(json.dumps(list(map(_terms, majors)), default=str).encode(), digest_size=8).hexdigest()


def _terms(contract: GoldContract) -> tuple[object, ...]:
    time = (contract.event_column, contract.partitioning.column, contract.lookback_days, contract.lookahead_days)
    rules = rules_terms(contract.rules), dataset_rules_terms(contract.dataset_rules)
    return (contract.major, columns_terms(contract.columns), contract.key, *rules, time)
