"""What is true of a table whose key counts in all its partitions, whenever each is made from the rows that bronze has of it.

Partitions are published one by one, or in groups: what one publishes may wait for another. A moment at which none waits comes often, and
passes: the next publication may make good what was wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lake_oracle import judged
from lake_product import calendar_of
from lake_rows import bronze_rows, silver_rows, unread_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lake_oracle import Rows
    from lake_tables import Table, Tables


class Made(NamedTuple):
    """What a partition was made by: the version of the contract, and all rows that bronze had then; None where nobody can tell them."""

    version: str
    rows: Rows | None


def made_from(
    silver: Table, noted: Mapping[tuple[str, str], Mapping[str, Any]], tables: Tables, strange: Mapping[tuple[str, int], Collection[str]]
) -> dict[str, Made]:
    """What each partition of a table was made by, as its last publication has noted it. `strange` are versions that may not be as they were
    read.
    """
    found, dataset = dict[str, Made](), silver.name.partition("/")[2]
    for (one, key), said in noted.items():
        version = said["inputs"].get(f"bronze/{dataset}")
        if one == silver.name:
            is_known = version is not None and not strange.get((f"bronze/{dataset}", version))
            bronze = tables.at(f"bronze/{dataset}", version) if is_known else None
            found[key] = Made(said["contract"], bronze_rows(bronze, dataset) if bronze and bronze.readable else None)
    return found


def a_key_is_where_its_last_row_is(silver: Table, bronze: Table, made: Mapping[str, Made], version: str) -> None:
    """Each key is published once, in the partition of its last row, and every partition has what the oracle makes of bronze."""
    dataset = silver.name.partition("/")[2]
    rows, calendar = bronze_rows(bronze, dataset), calendar_of(dataset, version)
    fates, found = judged(dataset, rows, version, unread_in(bronze)), silver_rows(silver)

    def of(key: str, some: Rows) -> Rows:
        return {place: cells for place, cells in some.items() if calendar.partition_of(cells[0]) == key}

    for key in fates.partitions | made.keys():
        by = made.get(key, Made("", None))
        if by.version != version or by.rows is None or of(key, by.rows) != of(key, rows):
            return
    for key in fates.partitions | found.keys():
        expected = sorted((int(cells[1]), int(cells[-1])) for cells in fates.published[key].values())
        assert found.get(key, []) == expected, f"{silver.name} {key} has {found.get(key)}, and bronze gives {expected}"
