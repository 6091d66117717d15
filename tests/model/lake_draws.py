"""What hypothesis draws for the machine: what happens upstream, which writers begin, how far they go on, and what befalls them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st
from lake_product import DAYS, FIRST, METERS, PEOPLE, SALES, STAYS, UNREADABLE, VARIANTS
from lake_writers import AFTER_COMMIT, AHEAD_OF_COMMIT, Fault, Kind

if TYPE_CHECKING:
    from lake_oracle import Cells, Content


class Until(StrEnum):
    """How far a writer goes on."""

    NEXT = "its next point"
    COMMIT = "its next commit"
    COMMITTED = "after its next commit"
    END = "its end"


class Upstream(StrEnum):
    """What happens outside of the lake."""

    NEW = "land"
    AGAIN = "land again"
    ALIAS = "land under another name of its arrival"
    MOVED = "move rows"
    CHANGED = "correct"
    FEWER = "send again without rows"
    TURNED = "send again in another order"
    GONE = "archive"
    RULE = "change the contract"


class Foreign(StrEnum):
    """What another tool does to a table that it should leave alone."""

    DELETE = "delete"
    UPDATE = "update"
    APPEND = "append"


class Begins(StrEnum):
    """What a writer does."""

    INGEST = "ingest"
    REFINE = "refine"
    GOLD = "gold"
    BACKFILL = "backfill"
    REPLAY = "replay"
    DECIDE = "decide"
    ERASE = "erase"
    MAINTAIN = "maintain"


class Mishap(StrEnum):
    """What can happen to a writer where it stands."""

    KILLED = "its process is gone"
    TOLD_TO_END = "its process is told to end"
    LOST = "its next commit is not made"
    UNSAID = "its next commit is made, and not acknowledged"


OVERTAKEN = {  # whoever commits to the tables of a layer, and can be overtaken there
    "bronze/": (Begins.INGEST, Begins.REPLAY, Begins.INGEST, Begins.ERASE),
    "silver/": (Begins.REFINE, Begins.REPLAY, Begins.REFINE, Begins.BACKFILL),
    "quarantine/": (Begins.INGEST, Begins.REFINE, Begins.ERASE),
    "claims/": (Begins.REFINE,),
    "gold/": (Begins.GOLD, Begins.GOLD, Begins.BACKFILL),
    "decisions/": (Begins.DECIDE, Begins.DECIDE, Begins.ERASE),
    "erasures/": (Begins.ERASE,),
}
OVERTAKING = (*Begins, *[Begins.BACKFILL] * 4)  # who brings all up to date overtakes most
RULES = (FIRST, FIRST, "1.2.0", *VARIANTS)  # the contract that changes back comes most, and the one that refuses partitions is not rare
HAVE_PLACES = (Begins.INGEST, Begins.REFINE, Begins.BACKFILL, Begins.REPLAY, Begins.DECIDE)
FAULTS = {Mishap.LOST: Fault.LOST, Mishap.UNSAID: Fault.UNSAID}
STOPS = {
    Until.NEXT: frozenset(Kind),
    Until.COMMIT: AHEAD_OF_COMMIT | {Kind.WAIT},
    Until.COMMITTED: AFTER_COMMIT | {Kind.WAIT},
    Until.END: frozenset(Kind) - {Kind.LOOK},
}
CHANGED_BY_OTHERS = (
    *[f"{layer}/{name}" for layer in ("bronze", "silver", "quarantine") for name in (SALES, METERS)], "claims/meters", "gold/monthly", "gold/both",
)  # fmt: skip
datasets = st.sampled_from([SALES, METERS])
arrivals = st.sampled_from(DAYS)
suffixes = st.sampled_from("ab")
days = st.sampled_from([*DAYS, UNREADABLE])
numbers = st.sampled_from("123")
amounts = st.sampled_from(["10", "5", "-1", "many"])
rows = st.tuples(days, numbers, st.sampled_from([*PEOPLE, STAYS]), amounts)
contents = st.lists(rows, max_size=4)
which = st.integers(0, 2)
ones = st.integers(0, len(RULES) - 1)  # of files that are there, or of contracts
forced = st.booleans()
placed = st.sampled_from([False, False, True])  # an erasure waits for whoever has one
going = st.sampled_from([Until.NEXT, Until.COMMIT, Until.COMMITTED])
moves = st.lists(st.tuples(which, going), max_size=8)
Moves = list[tuple[int, Until]]


class Work(NamedTuple):
    """What a writer is begun for. A forced one makes all again; `who` is whom an erasure is about; one with a place is known to be at work."""

    kind: Begins
    keys: frozenset[str] | None
    force: bool
    who: int
    has_place: bool = False


class Change(NamedTuple):
    """What happens upstream to a file of an arrival. `old` is which of the files that are there, or of the contracts."""

    how: Upstream
    arrival: str
    suffix: str
    content: list[Cells]
    old: int


SENT_AGAIN = {Upstream.MOVED, Upstream.CHANGED, Upstream.FEWER, Upstream.TURNED}


def sent_again(how: Upstream, before: Content, row: Cells) -> Content:
    """A file in the place of another: with the day or the amount of a row in all rows, without the first, so that the others move up, or
    with the last one first."""
    if how in {Upstream.FEWER, Upstream.TURNED}:
        return before[1:] if how is Upstream.FEWER else before[::-1]
    return tuple((row[0], *one[1:]) if how is Upstream.MOVED else (*one[:-1], row[-1]) for one in before)


class Leaves(NamedTuple):
    """Who is erased right after a change, and whether a file is sent again without their rows before."""

    who: int
    without: bool


leaving = st.sampled_from([*[None] * 14, *(Leaves(who, without) for who in range(len(PEOPLE)) for without in (True, False))])
works = st.builds(Work, st.sampled_from(Begins), st.none() | st.frozensets(arrivals, min_size=1), forced, which, placed)
overtaking = st.sampled_from(OVERTAKING)
follows = st.sampled_from([Begins.MAINTAIN, Begins.MAINTAIN, Begins.ERASE])  # what comes after another tool
whole = st.none()
past = st.sampled_from([0, 0, 0, 0, 1])
telling = st.builds(
    Change, st.sampled_from([one for one in Upstream if one is not Upstream.AGAIN]), arrivals, suffixes,
    st.lists(rows, min_size=1, max_size=4), ones,
)  # fmt: skip
changes = st.builds(Change, st.sampled_from(Upstream), arrivals, suffixes, contents, ones)
