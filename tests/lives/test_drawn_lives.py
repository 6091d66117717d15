"""What is drawn is worth living: every fate that a row can meet, and every kind of event, is in it often enough. The oracle alone, no lake."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from events import Change, Land, Landing, Wait, apply
from living import ALL, draw_life
from oracle import Oracle

LIVES = 60


def fates_in(seed: int) -> Counter[str]:
    """What happens in a life, by name."""
    life, seen = draw_life(seed, features=ALL), Counter[str]()
    product, landing, oracle, now = life.product, Landing(), Oracle(), life.begins
    before: dict[tuple[str, str], bool] = {}
    for event in life.events:
        seen[type(event).__name__] += 1
        if isinstance(event, Change):
            seen[f"Change {event.field}"] += 1
        if isinstance(event, Land) and not event.rows:
            seen["empty file" if event.rows is not None else "unreadable file"] += 1
        if not isinstance(event, Wait):
            product, landing = apply(event, product, landing)
            continue
        for name, fates in oracle.look(product, landing, now).items():
            seen.update(rule for _, rule in fates.held)
            seen["published"] += any(fates.published.values())
            seen["duplicates"] += bool(fates.duplicates.total())
            seen["waiting"] += bool(fates.waiting)
            seen["refused"] += bool(fates.refused)
            seen["unreadable arrival"] += bool(fates.unread)
            seen["partition without rows that had some"] += any(
                not rows and before.get((name, key)) for key, rows in fates.published.items()
            )
            before |= {(name, key): bool(rows) for key, rows in fates.published.items()}
            seen[f"scope {product.of(name).key_scope}"] += 1
        now += timedelta(hours=event.hours)
    seen["gold"] += bool(product.gold)
    for dataset in life.product.datasets:
        seen["masked"] += dataset.masked is not None
        seen["dialect"] += bool(dataset.dialect)
        seen[dataset.suffix] += 1
    return seen


def test_drawn_lives_have_every_fate_and_every_event_in_them() -> None:
    seen = sum((fates_in(seed) for seed in range(LIVES)), Counter[str]())
    rare = {name: seen[name] for name in EXPECTED if seen[name] < LIVES // 15}
    assert not rare, f"in {LIVES} lives there is too little of {rare}"


EXPECTED = (
    "published", "duplicates", "waiting", "refused", "gold", "scope table", "empty file",
    "unreadable file", "unreadable arrival", "partition without rows that had some", "masked", "dialect", ".avro", ".parquet",
    "Land", "Copy", "Remove", "Restart", "Change most", "Change states", "Change most_rows", "Change masked", "Change factor", "Change events", "Change arrivals", "Change zone",
    "id_type", "id_required", "amount_type", "amount_maximum", "state_required", "state_enum", "store_known",
)  # fmt: skip


def test_the_same_seed_draws_the_same_life() -> None:
    assert draw_life(7, features=ALL) == draw_life(7, features=ALL) != draw_life(8, features=ALL)
