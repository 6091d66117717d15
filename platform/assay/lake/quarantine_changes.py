"""What a publication changes in quarantine: rows that came back, rows that are newly held. Noted in the commit that makes it so.

A row is told by its place, the source file and the row in it, because that is where a person looks for it. Nothing here reads a table: the
step that publishes brings the frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.lake.quarantine import PARTITION, by_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import polars as pl

LISTED = 10
PLACE = (PARTITION, "source_file", "source_row")
CAME_BACK, CORRECTED, WITHDRAWN, NEWLY_HELD = CHANGES = ("came_back", "corrected", "withdrawn", "newly_held")


def noted(
    before: pl.DataFrame, after: pl.DataFrame, landed: Callable[[pl.DataFrame], pl.DataFrame], current: Mapping[str, int | None]
) -> dict[str, dict[str, Any]]:
    """What is worth noting of each partition, by its key: `held`, the rows by rule, and those of CHANGES that it has.

    `before` and `after` are the rows held by the publication that is replaced and by the new one (PARTITION, rule, source_file,
    source_row, source_hash). `landed` says of a frame with PLACE which of them are rows of their partition now, as PLACE and source_hash;
    it is only asked when rows left quarantine. A partition that was never published (`current`) has no changes: all it holds is new.
    """
    import polars as pl

    found: dict[str, dict[str, Any]] = {key: {"held": rules} for key, rules in by_rule(after).items()}
    known = after.filter(pl.col(PARTITION).is_in([key for key, token in current.items() if token is not None]))
    for change, places in _changes(before, known, landed):
        for key, note in _listed(places).items():
            found.setdefault(key, {})[change] = note
    return found


def _changes(
    before: pl.DataFrame, after: pl.DataFrame, landed: Callable[[pl.DataFrame], pl.DataFrame]
) -> Iterator[tuple[str, pl.DataFrame]]:
    import polars as pl

    left = before.join(after, on=PLACE, how="anti")
    if left.height:
        there = landed(left).select(*PLACE, pl.col("source_hash").alias("now"))
        fates = left.join(there, on=PLACE, how="left")
        same = pl.col("now") == pl.col("source_hash")
        yield CAME_BACK, fates.filter(same)
        yield CORRECTED, fates.filter(~same)
        yield WITHDRAWN, fates.filter(pl.col("now").is_null())
    yield NEWLY_HELD, after.join(before, on=PLACE, how="anti")


def _listed(places: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """By partition: how many rows, and the first LISTED of them as {source file: [rows]}."""
    import polars as pl

    counts = dict(places.group_by(PARTITION).len().iter_rows())
    found: dict[str, dict[str, Any]] = {key: {"rows": rows, "listed": {}} for key, rows in counts.items()}
    first = places.sort(PLACE).group_by(PARTITION, maintain_order=True).head(LISTED)
    for key, file, row in first.select(pl.col(PLACE)).iter_rows():
        found[key]["listed"].setdefault(file, []).append(row)
    return found
