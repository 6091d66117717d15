"""Keys: the fewest columns that tell the rows of a sample apart; those whose names say so, and those on the left, are preferred."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from assay.contracts.inference.column_words import looks_like_identity, vocabulary, words_of
from assay.contracts.inference.guesses import Guess, counted, trust
from assay.contracts.inference.types import tolerated
from assay.contracts.model.contract import Grain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from assay.contracts.inference.profile import Profile
    from assay.contracts.inference.readings import Reads
    from assay.contracts.inference.types import Typed

MOST_CANDIDATES, MOST_COLUMNS = 12, 3
SAME_ID = 0.01  # so many rows may repeat the value of a column that is called a key: they are corrections, and the last one wins
LONG_TEXT = 40
COMES_AGAIN, FEW_GAPS = 0.5, 1.2  # a dimension has each value in two rows and more; a running number may have lost one in six
PLACES = vocabulary("year month day week quarter hour minute date line row rank position place seq sequence index order version page step")
LOOKED_AT = 2_000  # most sets of columns repeat among the first rows already


@dataclass(frozen=True, slots=True)
class Key:
    """The key columns, by landing name; none if nothing tells the rows apart."""

    columns: tuple[str, ...]
    guess: Guess


def guess_key(frame: pl.DataFrame, profiles: Sequence[Profile], types: Mapping[str, Typed], personal: Mapping[str, bool]) -> Key:
    """The key of a frame of text, of columns that every row has.

    `personal` says of personal columns whether different values stay different once they are masked; then one is taken if no other will do.
    """
    rows = frame.unique(maintain_order=True)
    again = frame.height - rows.height
    said = f"; {counted(again, 'exact repetition')} left out" if again else ""
    costs = {p.name: cost for place, p in enumerate(profiles) if (cost := _cost(p, types[p.name], place, personal.get(p.name))) is not None}
    names = sorted(costs, key=lambda name: (costs[name], frame.columns.index(name)))[:MOST_CANDIDATES]
    if rows.height < 2:
        return Key((), Guess("primaryKey", "too few rows to tell a key", 0.1))
    if again > tolerated(frame.height):
        reason = f"{counted(again, 'row')} of {frame.height:,} repeat another word for word: a key would drop them"
        return Key((), Guess("primaryKey", reason, 0.5))
    for columns in _by_cost(names, costs, frame.columns):
        named = len(columns) == 1 and looks_like_identity(columns[0])
        if not named and _different(rows.head(LOOKED_AT), columns) < min(LOOKED_AT, rows.height):
            continue
        same = rows.height - _different(rows, columns)
        if same == 0 or (named and same <= SAME_ID * rows.height):
            repeated = f", {counted(same, 'row')} repeat one: the last arrival wins" if same else ""
            reason = f"{rows.height - same:,} different in {counted(rows.height, 'row')}{repeated}{said}"
            certainty = trust(rows.height) * (0.95 if any(map(looks_like_identity, columns)) else 0.6) * (0.7 if same else 1)
            return Key(columns, Guess(f"primaryKey ({', '.join(columns)})", reason, certainty))
    tried = f"no {MOST_COLUMNS} columns or fewer that can be a key tell all {counted(rows.height, 'row')} apart{said}"
    others = [profile.name for profile in profiles if profile.name not in costs and profile.texts.len() == rows.height]
    tried += f"; {', '.join(others)} would, but count, measure or describe" if others else ""
    return Key((), Guess("primaryKey", tried, 0.4))


def guess_scope(frame: pl.DataFrame, key: Key, events: pl.Series, grain: Grain) -> Guess | None:
    """What there is to say of the key's scope, where the sample has rows of one key in several partitions; None where it tells nothing.

    `events` are the event dates of the rows of `frame`, null where one cannot be read.
    """
    import polars as pl

    if not key.columns:
        return None
    days = events.dt.truncate("1mo") if grain is Grain.MONTH else events
    rows = frame.select(key.columns).with_columns(days.alias("_partition")).drop_nulls()
    moved = rows.group_by(key.columns).agg(pl.col("_partition").n_unique()).filter(pl.col("_partition") > 1).height
    if not moved:
        return None
    said = f"{counted(moved, 'key')} in rows of several {grain}s: each {grain} keeps one; `table` keeps the last arrival only"
    return Guess("keyScope", said, 0.5)


def _cost(profile: Profile, typed: Typed, place: int, distinct: bool | None) -> float | None:  # noqa: FBT001  # a fact
    """How little a column looks like part of a key; None if it cannot be. `distinct` is None for a column that is not personal."""
    reads = typed.reads
    if profile.absent or typed.unreadable or profile.texts.len() < 2 or distinct is False:
        return None
    if reads.logical in {"number", "boolean"} or (reads.logical == "string" and int(str(profile.texts.str.len_chars().max())) > LONG_TEXT):
        return None
    if reads.logical == "integer" and _is_measure(profile, reads):
        return None
    cost = 0.0 if looks_like_identity(profile.name) else 1.5
    cost += 2.0 if reads.logical == "integer" and cost else 0.0
    cost += 1.5 if reads.logical == "string" and profile.texts.str.contains(r"\s").any() else 0.0
    return cost + (4.0 if distinct else 0.0) - (0.5 if place == 0 else 0.0)


def _is_measure(profile: Profile, reads: Reads) -> bool:
    """Whether whole numbers count or measure something: they differ from row to row, with gaps, and no name calls them a key or a place.

    A population or an output tells the rows of a sample apart by chance. A year comes again, a running number has no gaps.
    """
    if looks_like_identity(profile.name) or set(words_of(profile.name)) & PLACES:
        return False
    low, high = int(str(reads.values.min())), int(str(reads.values.max()))
    return profile.texts.len() > COMES_AGAIN * profile.rows and high - low + 1 > profile.texts.len() * FEW_GAPS


def _by_cost(names: Sequence[str], costs: Mapping[str, float], order: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The columns alone, in pairs and in threes: the cheapest first, then those that stand on the left."""
    places = {name: place for place, name in enumerate(order)}
    sets = [tuple(sorted(columns, key=places.__getitem__)) for size in range(1, MOST_COLUMNS + 1) for columns in combinations(names, size)]
    return iter(sorted(sets, key=lambda columns: (sum(costs[name] + 1 for name in columns), [places[name] for name in columns])))


def _different(rows: pl.DataFrame, columns: Sequence[str]) -> int:
    return rows.select(columns).n_unique()
