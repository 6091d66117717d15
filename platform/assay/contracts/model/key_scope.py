"""The scope of a key: whether it tells apart the rows of a partition, or those of the whole table.

Here is what a contract says of it; how the second is kept is for `refine` to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.model.contract import KeyScope

if TYPE_CHECKING:
    from assay.contracts.model.contract import Contract


def has_table_key(contract: Contract) -> bool:
    """Whether rows of different partitions may have one key, of which only one may be published.

    A table without partitions has one, and of a key that holds the partition column no other partition can have a row.
    """
    partition = contract.partitioning.column
    return contract.key_scope is KeyScope.TABLE and bool(contract.key) and partition is not None and partition not in contract.key
