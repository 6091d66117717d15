"""Service levels: how often data come, how old the newest may be, how long they are kept, and how long the dataset lives.

Each property of `slaProperties` that Assay knows becomes a field of the contract; any other is a finding, for nobody would keep it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from assay.contracts.language.cron import cron_fault
from assay.contracts.language.names import suggest
from assay.contracts.model.about import Lifecycle
from assay.contracts.model.contract import Grain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.documents.tables import Table

SHORT = {"ly": "latency", "re": "retention", "fy": "frequency", "ga": "generalAvailability", "es": "endOfSupport", "el": "endOfLife"}
DAYS = {"generalAvailability": "general_availability", "endOfSupport": "end_of_support", "endOfLife": "end_of_life"}
KNOWN = ("frequency", "latency", "retention", *DAYS)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LATENCY_UNITS = {
    "s": SECOND, "second": SECOND, "seconds": SECOND, "m": 60 * SECOND, "min": 60 * SECOND, "minute": 60 * SECOND, "minutes": 60 * SECOND,
    "h": 3600 * SECOND, "hr": 3600 * SECOND, "hour": 3600 * SECOND, "hours": 3600 * SECOND,
    "d": DAY, "day": DAY, "days": DAY, "w": 7 * DAY, "week": 7 * DAY, "weeks": 7 * DAY,
}  # fmt: skip
# months and years are taken at their longest, so that nothing is removed too early; `m` could be minutes and is refused
RETENTION_UNITS = {
    "d": DAY, "day": DAY, "days": DAY, "w": 7 * DAY, "week": 7 * DAY, "weeks": 7 * DAY,
    "mo": 31 * DAY, "month": 31 * DAY, "months": 31 * DAY,
    "y": 366 * DAY, "yr": 366 * DAY, "year": 366 * DAY, "years": 366 * DAY,
}  # fmt: skip
UNITS = {"latency": LATENCY_UNITS, "retention": RETENTION_UNITS}
SCHEDULERS = ("cron", "dagster")


@dataclass(frozen=True, slots=True)
class Levels:
    """What `slaProperties` say, as the contract has it."""

    schedule: str | None = None
    freshness: timedelta | None = None
    freshness_column: str | None = None
    retention: timedelta | None = None
    lifecycle: Lifecycle = field(default_factory=Lifecycle)


def read_levels(document: Document) -> Levels:
    """The service levels of a document without faults."""
    said = {_name(item): item for item, _ in document.entries(("slaProperties",))}
    spans = {name: item["value"] * UNITS[name][item["unit"]] for name, item in said.items() if name in UNITS}
    element = said.get("latency", {}).get("element")
    return Levels(
        schedule=said.get("frequency", {}).get("schedule"),
        freshness=spans.get("latency"),
        freshness_column=element.rpartition(".")[2] if element else None,
        retention=spans.get("retention"),
        lifecycle=Lifecycle(**{field: _day(said[name]["value"]) for name, field in DAYS.items() if name in said}),
    )


def level_faults(document: Document, table: Table | None) -> Iterator[Finding]:
    """Every service level that is unknown, said twice, or says what cannot be."""
    seen = set[str]()
    for item, place in document.entries(("slaProperties",)):
        name = _name(item)
        if name not in KNOWN:
            yield document.finding(
                f"the service level {item['property']!r} is not kept by Assay", (*place, "property"), suggest(name, KNOWN)
            )
            continue
        if name in seen:
            yield document.finding(f"{name} is there twice", (*place, "property"))
        seen.add(name)
        if name in UNITS:
            yield from _span_faults(document, item, place, UNITS[name])
        else:
            yield from _frequency_faults(document, item, place) if name == "frequency" else _day_faults(document, item, place)
        yield from _element_faults(document, item, place, table)
        yield from _age_faults(document, item, place, table) if name == "latency" else ()
        yield from _unused_faults(document, item, place, name)
    yield from _order_faults(document)
    if "slaDefaultElement" in document.body:
        hint = "The standard gave it up: name an `element` at each property."
        yield document.finding("slaDefaultElement is not read", ("slaDefaultElement",), hint)


def _name(item: Mapping[str, Any]) -> str:
    """The property's name as the standard spells it: it has short forms, and takes names in any case."""
    said = str(item["property"])
    return SHORT.get(said.lower()) or next((name for name in KNOWN if name.lower() == said.lower()), said)


def _span_faults(document: Document, item: Mapping[str, Any], place: Place, units: Mapping[str, timedelta]) -> Iterator[Finding]:
    value = item["value"]
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        yield document.finding(f"{value!r} is no number above 0", (*place, "value"))
    if item.get("unit") not in units:
        yield document.finding(f"unknown unit {item.get('unit')!r}", (*place, "unit"), suggest(item.get("unit"), units))


def _frequency_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    if item.get("scheduler", "cron") not in SCHEDULERS:
        yield document.finding(f"unknown scheduler {item['scheduler']!r}", (*place, "scheduler"), suggest(item["scheduler"], SCHEDULERS))
    if "schedule" not in item:
        yield document.finding("a frequency without a schedule has no deadline", place, 'Such as schedule: "0 6 * * *".')
    elif found := cron_fault(item["schedule"]):
        yield document.finding(f"the schedule {item['schedule']!r} is no cron expression: {found}", (*place, "schedule"))


def _day_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    if _day(item["value"]) is None:
        yield document.finding(f"{item['value']!r} is no date", (*place, "value"), "Such as 2013-01-01.")


def _day(value: Any) -> date | None:  # noqa: ANN401  # whatever the contract says
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError:
        return None


def _element_faults(document: Document, item: Mapping[str, Any], place: Place, table: Table | None) -> Iterator[Finding]:
    if table is None or "element" not in item:
        return
    dataset, _, column = str(item["element"]).rpartition(".")
    known = table.columns
    if dataset not in ("", table.name):
        yield document.finding(f"{dataset!r} is not the dataset of this contract", (*place, "element"), suggest(dataset, [table.name]))
    elif column not in known and item["element"] != table.name:
        yield document.finding(f"{column!r} is no column of {table.name}", (*place, "element"), suggest(column, known))
    elif _name(item) == "latency" and known.get(column, {}).get("logicalType") not in ("date", "timestamp"):
        yield document.finding(f"{column} does not tell how old a row is", (*place, "element"), "Name a date or timestamp.")


def _age_faults(document: Document, item: Mapping[str, Any], place: Place, table: Table | None) -> Iterator[Finding]:
    """A partition of a month does not tell how old its newest row is."""
    if table is None or table.custom.values.get("partitioning", {}).get("grain") != Grain.MONTH:
        return
    if str(item.get("element", table.partition)).rpartition(".")[2] == table.partition:
        times = [name for name, column in table.columns.items() if column.get("logicalType") in ("date", "timestamp")]
        hint = f"Name an element: {', '.join(name for name in times if name != table.partition) or 'a date or timestamp'}."
        yield document.finding("months do not tell how old the newest row is", (*place, "element"), hint)


def _unused_faults(document: Document, item: Mapping[str, Any], place: Place, name: str) -> Iterator[Finding]:
    unused = {"valueExt", *(() if name == "frequency" else ("schedule", "scheduler")), *(("unit",) if name in DAYS else ())}
    for key in item:
        if key in unused:
            yield document.finding(f"{key} of {name} is not read", (*place, key))


def _order_faults(document: Document) -> Iterator[Finding]:
    known = {_name(item): (_day(item["value"]), place) for item, place in document.entries(("slaProperties",))}
    days = [(name, *known[name]) for name in DAYS if name in known]
    for (earlier, first, _), (later, second, place) in pairwise(days):
        if first and second and second < first:
            yield document.finding(f"{later} is before {earlier}", (*place, "value"))
