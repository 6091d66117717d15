"""The scope of a key: whether it tells apart the rows of a partition, or those of the whole table.

Here is what a contract says of it; how the second is kept is for `refine` to know.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.contracts.model import Contract


class KeyScope(StrEnum):
    """Among which rows a key names one: those of a partition, or all of the table."""

    PARTITION = "partition"
    TABLE = "table"


def has_table_key(contract: Contract) -> bool:
    """Whether rows of different partitions may have one key, of which only one may be published.

    A table without partitions has one, and of a key that holds the partition column no other partition can have a row.
    """
    partition = contract.partitioning.column
    return contract.key_scope is KeyScope.TABLE and bool(contract.key) and partition is not None and partition not in contract.key
