"""How published columns differ: added, removed, renamed, or one of their fields changed.

`COLUMN` says for every field of a column who compares it; a field that is not there is reported as unclassified, so nothing is ignored by
mistake. Rules of a column are compared in `rules.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.compatibility.change import Change, unclassified
from assay.contracts.compatibility.lifecycle import deprecation_changes
from assay.contracts.compatibility.privacy import classification, masking, subject
from assay.contracts.compiling.arrow_types import arrow_type, holds
from assay.contracts.model.contract import Contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from assay.contracts.model.contract import Column, Published

    Comparer = Callable[["Both"], Iterator[Change]]

MATCHED = "what the two sides are matched by"


@dataclass(frozen=True, slots=True)
class Both:
    """One column before and after, with the contracts that they are part of."""

    old: Column
    new: Column
    before: Published
    after: Published

    def change(self, kind: str, old: object, new: object, note: str = "") -> Change:
        """A change of this column."""
        return Change(kind, f"column {self.new.name}", old, new, self.old.name, note)


def column_changes(old: Published, new: Published, today: date | None) -> Iterator[Change]:
    """Every difference between the published columns of two contracts. `today` judges whether a deprecated column went too early."""
    before, after = {column.name: column for column in old.columns}, {column.name: column for column in new.columns}
    renamed = dict(_renamed([before[name] for name in before if name not in after], [after[name] for name in after if name not in before]))
    for name, column in before.items():
        if name in renamed:
            yield Change("column_renamed", f"column {name}", name, renamed[name], name, "Same type, filled from the same source.")
        elif name not in after:
            yield _removed(column, today)
    for name, column in after.items():
        if name not in before and name not in renamed.values():
            yield _added(column, new)
    for name, column in before.items():
        if successor := after.get(renamed.get(name, name)):
            yield from _compare(Both(column, successor, old, new))
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        yield Change("columns_reordered", "columns", list(before), list(after))


def _compare(both: Both) -> Iterator[Change]:
    for compare in dict.fromkeys(how for how in COLUMN.values() if not isinstance(how, str)):
        yield from compare(both)
    yield from unclassified(both.old, both.new, COLUMN, f"column {both.new.name}", both.old.name)


def _renamed(removed: list[Column], added: list[Column]) -> Iterator[tuple[str, str]]:
    """Pairs of a removed and an added column of one type that are filled alike, or for want of that described alike."""
    free = list(added)
    for column in removed:
        twin = next((other for other in free if arrow_type(other) == arrow_type(column) and _filled_alike(column, other)), None)
        if twin is not None:
            free.remove(twin)
            yield column.name, twin.name


def _filled_alike(one: Column, other: Column) -> bool:
    if one.source or one.expression or other.source or other.expression:
        read, alike = ((column.source, column.expression, column.format, column.source_zone) for column in (one, other))
        return read == alike
    return bool(one.description) and one.description == other.description


def _removed(column: Column, today: date | None) -> Change:
    until = column.deprecated.until if column.deprecated else None
    early = until is not None and (today is None or today < until)
    note = f"It was promised until {until}." if early else ""
    if column.required:
        note = f"{note} The published table keeps its NOT NULL and refuses rows without it: publish a new dataset.".lstrip()
    return Change("column_removed_early" if early else "column_removed", f"column {column.name}", _spelled(column), None, column.name, note)


def _added(column: Column, new: Published) -> Change:
    if column.required:
        return Change("required_column_added", f"column {column.name}", None, _spelled(column))
    dormant = isinstance(new, Contract) and column.source in new.source.optional
    note = f"Its landing column {column.source!r} is optional: nothing is rebuilt." if dormant else "Every partition is due."
    return Change("column_added", f"column {column.name}", None, _spelled(column), None, note)


def _spelled(column: Column) -> str:
    return f"{column.logical_type} {column.physical_type}".strip() + (", required" if column.required else "")


def _type(both: Both) -> Iterator[Change]:
    old, new = arrow_type(both.old), arrow_type(both.new)
    spelled = [f"{column.logical_type} {column.physical_type}".strip() for column in (both.old, both.new)]
    if old == new and both.old.logical_type == both.new.logical_type:
        if spelled[0] != spelled[1]:
            yield both.change("type_respelled", *spelled)
    elif old != new and holds(new, old):
        yield both.change("type_widened", *spelled)
    elif old != new and holds(old, new):
        yield both.change("type_narrowed", *spelled)
    else:
        yield both.change("type_changed", *spelled)


def _nullability(both: Both) -> Iterator[Change]:
    if both.old.required != both.new.required:
        yield both.change("made_required" if both.new.required else "made_nullable", both.old.required, both.new.required)


def _unit(both: Both) -> Iterator[Change]:
    old, new = both.old.unit, both.new.unit
    if old != new:
        yield both.change("unit_said" if not old else "unit_removed" if not new else "unit_changed", old, new)


def _filled(both: Both) -> Iterator[Change]:
    """Another landing column under the same name elsewhere is another value; one that only changed its name in the file is not."""
    old, new = both.old, both.new
    if old.expression != new.expression or (old.source is None) != (new.source is None):
        yield both.change("source_changed", old.expression or old.source, new.expression or new.source)
    elif old.source != new.source:
        moved = old.source in _landing(both.after) or new.source in _landing(both.before)
        yield both.change("source_changed" if moved else "landing_name_changed", old.source, new.source)
    elif old.sources != new.sources:
        yield both.change("sources_changed", old.sources, new.sources)
    if old.format != new.format:
        yield both.change("text_format_changed", old.format, new.format)
    if old.source_zone != new.source_zone:
        yield both.change("text_zone_changed", old.source_zone or "UTC", new.source_zone or "UTC")


def _landing(contract: Published) -> tuple[str, ...]:
    return contract.source.columns if isinstance(contract, Contract) else ()


def _description(both: Both) -> Iterator[Change]:
    if both.old.description != both.new.description:
        yield both.change("reworded", both.old.description, both.new.description)


def _deprecated(both: Both) -> Iterator[Change]:
    yield from deprecation_changes(both.old.deprecated, both.new.deprecated, f"column {both.new.name}", both.old.name)


def _classification(both: Both) -> Iterator[Change]:
    if kind := classification(both.old.classification, both.new.classification):
        yield both.change(kind, both.old.classification, both.new.classification)


def _masking(both: Both) -> Iterator[Change]:
    if kind := masking(both.old.masking, both.new.masking):
        yield both.change(kind, both.old.masking, both.new.masking)


def _subject(both: Both) -> Iterator[Change]:
    if kind := subject(both.old.subject, both.new.subject):
        yield both.change(kind, both.old.subject, both.new.subject)


COLUMN: Mapping[str, Comparer | str] = {
    "name": MATCHED, "logical_type": _type, "physical_type": _type, "required": _nullability, "description": _description,
    "classification": _classification, "unit": _unit, "source": _filled, "expression": _filled, "format": _filled, "source_zone": _filled,
    "masking": _masking,
    "subject": _subject, "deprecated": _deprecated, "sources": _filled,
}  # fmt: skip
