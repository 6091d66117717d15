"""What a publication changes in quarantine: rows that came back, rows that are newly held. Noted in the commit that makes it so.

A row is told by its place, the source file and the row in it, because that is where a person looks for it. Nothing here reads a table: the
step that publishes brings the frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.lake.quarantine.rejected import by_rule
from assay.lake.quarantine.store import PARTITION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import polars as pl

LISTED = 10
PART_ROWS = 125_000  # that are compared at once
SPARSE = 4  # times so many row numbers are one part at most
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


def noted_by_parts(
    before: pl.LazyFrame,
    after: pl.LazyFrame,
    landed: Callable[[pl.DataFrame], pl.DataFrame],
    current: Mapping[str, int | None],
    rows: int = PART_ROWS,
) -> dict[str, dict[str, Any]]:
    """The same of rows that are too many to be held: those of some files, or of a span of one file's rows, are compared at a time."""
    found: dict[str, dict[str, Any]] = {}
    for part in _parts(before, after, rows):
        for key, notes in noted(before.filter(part).collect(), after.filter(part).collect(), landed, current).items():
            known = found.setdefault(key, {})
            for name, note in notes.items():
                known[name] = _added(known.get(name), note) if name in CHANGES else _summed(known.get(name, {}), note)
    return found


def _parts(before: pl.LazyFrame, after: pl.LazyFrame, rows: int) -> Iterator[pl.Expr]:
    """Conditions that cut places into parts of about so many rows, in the order of places."""
    import polars as pl

    file, row = pl.col("source_file"), pl.col("source_row")
    both = pl.concat([before.select("source_file", "source_row"), after.select("source_file", "source_row")])
    files = both.group_by("source_file").agg(row.min().alias("first"), row.max().alias("last"), pl.len()).sort("source_file")
    some, held = list[str](), 0
    for name, first, last, count in files.collect(engine="streaming").iter_rows():
        if some and held + count > rows:
            yield file.is_in(some)
            some, held = [], 0
        if count <= rows:
            some.append(name)
            held += count
            continue
        step = rows * min(max((last - first) // count, 1), SPARSE)
        for start in range(first, last + 1, step):
            yield (file == name) & row.is_between(start, start + step - 1)
    if some:
        yield file.is_in(some)


def _added(known: dict[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
    """Two notes of `_listed`, of which the second is about places that come later."""
    if known is None:
        return more
    listed = {name: list(rows) for name, rows in known["listed"].items()}
    room = LISTED - sum(map(len, listed.values()))
    for name, rows in more["listed"].items():
        if kept := rows[:room]:
            listed.setdefault(name, []).extend(kept)
            room -= len(kept)
    return {"rows": known["rows"] + more["rows"], "listed": listed}


def _summed(known: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {name: known.get(name, 0) + more.get(name, 0) for name in sorted({*known, *more})}


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
