"""Events: what happens in the life of a product, drawn at random. Each is a value that can be printed, left out, and played again.

Rows are tuples of text in the order of `products.LANDING`, as somebody would type them into a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from products import DAY, MASKS, MONTH, ZONES, Dataset, Product

if TYPE_CHECKING:
    from random import Random

Row = tuple[str, str, str, str, str]
Rows = tuple[Row, ...]


@dataclass(frozen=True)
class Land:
    """A file lands; one of that name is replaced. Without rows (None, not an empty file) it is one that cannot be read."""

    dataset: str
    arrival: date
    mark: str
    rows: Rows | None


@dataclass(frozen=True)
class Copy:
    """What has landed as one file lands again under another mark."""

    dataset: str
    arrival: date
    mark: str
    to: str


@dataclass(frozen=True)
class Remove:
    """A file is archived away."""

    dataset: str
    arrival: date
    mark: str


@dataclass(frozen=True)
class Change:
    """One field of a dataset's contract, or of the models of GOLD, says something else from now on; the code location is loaded anew."""

    dataset: str
    field: str
    value: Any


@dataclass(frozen=True)
class Restart:
    """All processes end and begin again."""


@dataclass(frozen=True)
class Wait:
    """Until everything is done; then time goes by, and until everything is done again."""

    hours: int


Event = Land | Copy | Remove | Change | Restart | Wait
Landing = dict[str, dict[tuple[date, str], "Rows | None"]]
GOLD = "gold"


@dataclass(frozen=True)
class Life:
    """A product, when it begins, and what happens to it."""

    product: Product
    begins: datetime
    events: tuple[Event, ...]


def apply(event: Event, product: Product, landing: Landing) -> tuple[Product, Landing]:
    """What an event makes of the contracts and of the files that lie there. One that does not fit changes nothing."""
    files = dict(landing.get(getattr(event, "dataset", ""), {}))
    match event:
        case Land():
            files[event.arrival, event.mark] = event.rows
        case Copy() if (event.arrival, event.mark) in files:
            files[event.arrival, event.to] = files[event.arrival, event.mark]
        case Remove():
            files.pop((event.arrival, event.mark), None)
        case Change() if event.dataset == GOLD:
            return replace(product, **{event.field: event.value}), landing
        case Change():
            changed = (replace(one, **{event.field: event.value}) if one.name == event.dataset else one for one in product.datasets)
            return replace(product, datasets=tuple(changed)), landing
        case _:
            return product, landing
    return product, {**landing, event.dataset: files}


class Drawer:
    """Draws a life, knowing what has landed so far."""

    def __init__(self, draw: Random, product: Product, begins: datetime, features: frozenset[str]) -> None:
        self.draw, self.product, self.features = draw, product, features
        self.origin, self.now = product, begins
        self.landing: Landing = {}
        self.before: dict[tuple[str, date, str], list[Rows | None]] = {}  # the contents that a name had

    def life(self, length: int) -> Life:
        begins, events = self.now, list[Event]()
        for _ in range(length):
            fresh = [self._event() for _ in range(self.draw.randint(1, 3))]
            fresh.append(Wait(self.draw.choice((0, 5, 19, 24, 24, 31, 24 * self.draw.choice((2, 9, 33))))))
            events += fresh
            self.now += timedelta(hours=fresh[-1].hours)
        return Life(self.origin, begins, tuple(events))

    def _event(self) -> Event:
        kinds = [self._land] * 10 + [self._correct] * 3
        kinds += [self._return] * 2 if "return" in self.features else []
        kinds += [self._copy] * 2 if "copy" in self.features else []
        kinds += [self._remove] * 2 if "remove" in self.features else []
        kinds += [self._change] * 2 if "change" in self.features else []
        kinds += [self._redate] * 3 if "redate" in self.features else []
        kinds += [self._spoil] * 2 if "unreadable" in self.features else []
        kinds += [self._model] if "gold" in self.features and self.product.gold else []
        kinds += [self._restart]
        event = self.draw.choice(kinds)()
        self.product, self.landing = apply(event, self.product, self.landing)
        if isinstance(event, Land):
            self.before.setdefault((event.dataset, event.arrival, event.mark), []).append(event.rows)
        return event

    def _land(self) -> Event:
        dataset = self.draw.choice(self.product.datasets)
        today = self.now.astimezone(ZoneInfo(dataset.zone)).date()
        low, high = (-1 if "future" in self.features else 0 if "midnight" in self.features else 1), 6
        arrival = today - timedelta(days=self.draw.randint(low, high))
        if dataset.arrivals.grain == MONTH:
            arrival -= timedelta(days=self.draw.choice((0, 0, 20, 31)))
        return Land(dataset.name, arrival, self.draw.choice(("", "", "", "_b", "_9", "_10")), self._rows(dataset, arrival))

    def _some_file(self) -> tuple[str, date, str] | None:
        names = [(name, *key) for name, files in self.landing.items() for key in files]
        return self.draw.choice(names) if names else None

    def _correct(self) -> Event:
        if (found := self._some_file()) is None:
            return self._land()
        dataset, arrival, mark = found
        rows = list(self.landing[dataset][arrival, mark] or ())
        if rows and self.draw.random() < 0.8:
            place = self.draw.randrange(len(rows))
            rows[place] = (
                self._row(self.product.of(dataset), arrival) if self.draw.random() < 0.5 else (*rows[place][:2], "31", *rows[place][3:])
            )
        else:
            rows.append(self._row(self.product.of(dataset), arrival))
        return Land(dataset, arrival, mark, tuple(rows))

    def _redate(self) -> Event:
        """A file is sent again, and all its rows happened in another month."""
        found = self._some_file()
        if found is None or self.product.of(found[0]).is_reference or not (rows := self.landing[found[0]][found[1:]]):
            return self._land()
        dataset, arrival, mark = found
        day = arrival - timedelta(days=self.draw.choice((10, 20, 31)))
        moved = [self._row(self.product.of(dataset), arrival)[1] for _ in rows]
        if self.draw.random() < 0.8:
            moved = [self._told(self.product.of(dataset), datetime.combine(day, time(12), ZoneInfo(self.product.of(dataset).zone)))] * len(
                rows
            )
        return Land(dataset, arrival, mark, tuple((row[0], moment, *row[2:]) for row, moment in zip(rows, moved, strict=True)))

    def _spoil(self) -> Event:
        """A file comes cut, or is sent again and comes cut."""
        found = self._some_file() if self.draw.random() < 0.6 else None
        new = self._land() if found is None else Land(*found, None)
        assert isinstance(new, Land)
        # of a key of the whole table the partitions that wait keep the keys that they have: more than the oracle can say in a few lines
        return replace(new, rows=None) if self.product.of(new.dataset).key_scope == "partition" else self._land()

    def _model(self) -> Event:
        return Change(GOLD, "factor", self.draw.choice([factor for factor in (1, 2, 3) if factor != self.product.factor]))

    def _return(self) -> Event:
        several = [name for name, contents in self.before.items() if len(contents) > 1]
        if not several:
            return self._correct()
        name = self.draw.choice(several)
        return Land(*name, self.before[name][-2])

    def _copy(self) -> Event:
        found = self._some_file()
        return Copy(*found, self.draw.choice(("_again", "_0"))) if found else self._land()

    def _remove(self) -> Event:
        found = self._some_file()
        return Remove(*found) if found else self._land()

    def _restart(self) -> Event:
        return Restart()

    def _change(self) -> Event:
        dataset = self.draw.choice(self.product.datasets)
        kinds: list[tuple[str, tuple[Any, ...]]] = [
            ("most", (50, 100, 1000)),
            ("states", (("open", "paid"), ("open", "paid", "odd"), ("paid",))),
        ]
        if "refuse" in self.features and dataset.key_scope == "partition":
            kinds.append(("most_rows", (None, 1, 2)))
        if "share" in self.features and dataset.key_scope == "partition":
            kinds.append(("rejected_below", (None, 0.4, 0.7)))
        if "mask" in self.features and dataset.name != "stores":
            kinds.append(("masked", (None, *MASKS)))
        if "move" in self.features and not dataset.is_reference and self.draw.random() < 0.6:
            return self._move(dataset)
        field, values = self.draw.choice(kinds)
        return Change(dataset.name, field, self.draw.choice([value for value in values if value != getattr(dataset, field)]))

    def _move(self, dataset: Dataset) -> Event:
        """Another calendar: of other partitions, in another zone, or with an end drawn in or out."""
        name = self.draw.choice(("events", "events", "arrivals", "zone"))
        if name == "zone":
            return Change(dataset.name, name, self.draw.choice([zone for zone in ZONES if zone != dataset.zone]))
        calendar = getattr(dataset, name)
        today = self.now.date()
        changes: list[dict[str, Any]] = [
            {"grain": MONTH if calendar.grain == DAY else DAY},
            {"start": today - timedelta(days=self.draw.choice((1, 3, 50)))},
            {"end": self.draw.choice((None, today, today + timedelta(days=9)))},
        ]
        return Change(dataset.name, name, replace(calendar, **self.draw.choice(changes)))

    def _rows(self, dataset: Dataset, arrival: date) -> Rows:
        fewest = 0 if "empty" in self.features else 1
        return tuple(self._row(dataset, arrival) for _ in range(self.draw.choice((fewest, 1, 1, 2, 3, 5))))

    def _row(self, dataset: Dataset, arrival: date) -> Row:
        pick = self.draw.choice
        number = pick(("1", "2", "3", "4", "5", "6", "1", "2", "", "x"))
        amount = pick(("1", "2", "7", "49", "51", "99", "101", "", "many"))
        if dataset.amount in ("DOUBLE", "DECIMAL(9,2)") and self.draw.random() < 0.4:
            amount = pick(("0.25", "50.01", "12.5"))
        state = pick((*dataset.states, *dataset.states, "paid", "odd", ""))
        return number, self._moment(dataset, arrival), amount, state, pick(("north", "south", "south", "east", ""))

    def _moment(self, dataset: Dataset, arrival: date) -> str:
        if self.draw.random() < 0.06:
            return self.draw.choice(("", "2024-02-30", "soon"))
        day = arrival - timedelta(days=self.draw.choice((0, 0, 0, 0, 1, 1, 2, 7, 40)))
        if "future" in self.features and self.draw.random() < 0.1:
            day += timedelta(days=self.draw.choice((1, 2, 3, 45)))
        clock = time(self.draw.choice((0, 1, 2, 3, 12, 22, 23)), self.draw.choice((0, 30)))
        return self._told(dataset, datetime.combine(day, clock, ZoneInfo(dataset.zone)))

    def _told(self, dataset: Dataset, local: datetime) -> str:
        """A moment as the rows of a dataset spell it."""
        moment = local.astimezone(UTC)
        if dataset.spelling == "date":
            return local.date().isoformat()
        if dataset.spelling == "clock":
            return f"{moment:%Y-%m-%d %H:%M:%S}"
        return moment.astimezone(timezone(timedelta(hours=self.draw.choice((0, -5, 2, 5.5))))).isoformat(timespec="seconds")
