"""Lives: a life is drawn from a seed, lived in a world, compared with the oracle after every day, and shrunk when it fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from events import Change, Copy, Drawer, Land, Landing, Life, Remove, Restart, Wait, apply
from oracle import Fates, Oracle
from products import draw_product
from world import Seen, World

# kinds of products and events: calendars of one's own, months that `start` or `end` cuts, files of the same day, contents that return, copies under
# another name, files that are archived, contracts and calendars that change, rows and files dated ahead, files without rows, keys of the whole
# table, arrivals taken while they last, partitions refused as a whole, gold, files sent again with the rows of another month, shares of rejected rows,
# masked columns, dialects of text files, files that cannot be read
ALL = frozenset(
    {
        "calendars", "cut months", "midnight", "return", "copy", "remove", "change", "move", "future", "empty", "key_scope", "current", "refuse", "gold", "redate",
        "share", "mask", "dialect", "unreadable",
    }
)  # fmt: skip
FEATURES = ALL - {"move"}  # on demand: bronze keeps its old arrivals while its new calendar has nothing to put in their place
CLOCKS_CHANGE = (
    datetime(2024, 3, 8, tzinfo=UTC),
    datetime(2024, 3, 29, tzinfo=UTC),
    datetime(2024, 11, 1, tzinfo=UTC),
    datetime(2023, 12, 30, tzinfo=UTC),
)


class Wrong(AssertionError):
    """The platform and the oracle disagree."""


def draw_life(seed: int, length: int = 6, features: frozenset[str] = FEATURES) -> Life:
    """The life of a seed."""
    draw = Random(seed)  # not for secrets
    begins = draw.choice(CLOCKS_CHANGE) + timedelta(days=draw.randint(0, 5), hours=draw.randint(0, 23), minutes=1)
    product = draw_product(draw, begins.date(), features)
    return Drawer(draw, product, begins, features).life(length)


def told(life: Life) -> str:
    """A life as a person reads it: the product, then one event in a line."""
    return "\n".join(
        [
            f"begins {life.begins:%Y-%m-%d %H:%M} UTC",
            *map(repr, life.product.datasets),
            f"gold {life.product.gold}",
            *map(repr, life.events),
        ]
    )


def live(life: Life) -> None:
    """Live a life. Raises Wrong at the first difference."""
    landing, oracle, before = Landing(), Oracle(), dict[str, tuple[Fates, Seen]]()
    with World(life.product, life.begins) as world:
        for event in (*life.events, Wait(0)):
            if isinstance(event, Wait):
                before = compare(world, oracle, landing, before)
                world.now += timedelta(hours=event.hours)
                if event.hours:
                    before = compare(world, oracle, landing, before)
                continue
            world.product, landing = apply(event, world.product, landing)
            _happen(event, world, landing)


def _happen(event: object, world: World, landing: Landing) -> None:
    match event:
        case Land():
            world.land(world.product.of(event.dataset), event.arrival, event.mark, event.rows)
        case Copy() if (event.arrival, event.to) in landing.get(event.dataset, {}):
            world.land(world.product.of(event.dataset), event.arrival, event.to, landing[event.dataset][event.arrival, event.to])
        case Remove():
            world.remove(world.product.of(event.dataset), event.arrival, event.mark)
        case Change() | Restart():
            world.load()


def compare(world: World, oracle: Oracle, landing: Landing, before: dict[str, tuple[Fates, Seen]]) -> dict[str, tuple[Fates, Seen]]:
    """Let the world settle, and say the first thing that is not as the oracle says."""
    world.settle()
    found, wanted = {}, oracle.look(world.product, landing, world.now)
    refused = {f"silver/{name}": fates.refused for name, fates in wanted.items() if fates.refused}
    refused |= {f"bronze/{name}": fates.unread for name, fates in wanted.items() if fates.unread}
    planned = {name: set(keys) for name, keys in world.planned().items()}
    if planned != refused:
        raise Wrong(
            f"nothing is requested, but the plan wants {planned}, of which {refused} is refused; failed runs said {world.failures()}"
        )
    for dataset in world.product.datasets:
        fates, seen = wanted[dataset.name], world.see(dataset)
        where = f"{dataset.name} at {world.now:%Y-%m-%d %H:%M} UTC"
        _compare_rows(where, fates, seen)
        _compare_statuses(where, fates, seen, moved=dataset.name in oracle.moved)
        if dataset.name in before:
            _compare_files(where, *before[dataset.name], fates, seen)
        found[dataset.name] = fates, seen
    for model in world.product.gold:
        rows, shown = oracle.gold(world.product, model, wanted, world.now), world.see_gold(model)
        _same(f"rows of gold of {model} at {world.now:%Y-%m-%d %H:%M} UTC", rounded(rows), rounded(shown))
    return found


def _compare_rows(where: str, fates: Fates, seen: Seen) -> None:
    rows = {key: sorted(rows, key=repr) for key, rows in seen.published.items()}
    _same(f"published rows of {where}", {key: rows for key, rows in fates.published.items() if rows}, rows)
    _same(f"rows in quarantine of {where}", dict(fates.held), dict(seen.held))
    counted = {key: rows for key, rows in seen.duplicates.items() if key in fates.published}
    _same(f"duplicates of {where}", dict(fates.duplicates), counted)
    _same(f"rows in bronze of {where}", {key: rows for key, rows in fates.arrivals.items() if rows}, seen.arrivals)


def _compare_statuses(where: str, fates: Fates, seen: Seen, *, moved: bool) -> None:
    """What Dagster shows. After a change of the calendar it goes on showing what was made under keys that the old one had."""
    for layer, keys in (("silver", set(fates.published)), ("bronze", set(fates.arrivals))):
        shown = seen.materialized[layer] & keys if moved else seen.materialized[layer]
        _same(f"partitions of {layer} that Dagster shows as made, of {where}", keys, shown)
        _same(
            f"partitions of {layer} that are right and that Dagster shows as failed, of {where}",
            set(),
            seen.failed[layer] & keys - (fates.refused | fates.waits if layer == "silver" else fates.unread),
        )
    _same(f"refused partitions that Dagster does not show as failed, of {where}", set(), fates.refused - seen.failed["silver"])
    _same(f"unreadable arrivals that Dagster does not show as failed, of {where}", set(), fates.unread - seen.failed["bronze"])


def _compare_files(where: str, old: Fates, shown: Seen, fates: Fates, seen: Seen) -> None:
    """A partition whose rows in bronze, contract and references are the same has the same files."""
    same = [key for key in fates.inputs if key in old.inputs and old.inputs[key] == fates.inputs[key]]
    _same(
        f"files of untouched partitions of {where}", {key: shown.files.get(key) for key in same}, {key: seen.files.get(key) for key in same}
    )


def rounded(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Sums of doubles depend on the order of the summands."""
    return [tuple(round(cell, 6) if isinstance(cell, float) else cell for cell in row) for row in rows]


def _same(what: str, wanted: object, seen: object) -> None:
    if wanted != seen:
        raise Wrong(f"{what}\n  wanted {wanted}\n  seen   {seen}")
