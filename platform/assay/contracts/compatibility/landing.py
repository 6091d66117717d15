"""How differs what lands, and how it is read: mostly a matter between the platform and its producers.

A change that only producers must follow is minor: the version of a contract is a promise to the readers of the published table.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from assay.contracts.compatibility.change import Change, unclassified
from assay.contracts.language.dialect import NAMES, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.contracts.language.dialect import Dialect
    from assay.contracts.model.contract import Contract
    from assay.contracts.model.landing_source import LandingSource

WHERE = "landing"
SOURCE = {
    "path": "path_changed", "format": "landing_format_changed", "encoding": "encoding_changed", "null_values": "null_values_changed",
    "columns": "", "optional": "", "description": "reworded", "column_descriptions": "", "classifications": "",
    "most_bytes": "landing_limit_changed", "dialect": "", "paths": "", "explode": "landing_rows_changed",
    "is_sensitive": "",  # follows from the columns
}  # fmt: skip


def landing_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """Every difference between two sources."""
    before, after = old.source, new.source
    for name, kind in SOURCE.items():
        values = _value(before, name), _value(after, name)
        if kind and values[0] != values[1]:
            yield Change(kind, f"{WHERE}, {name}", *values)
    yield from _dialect(before.dialect, after.dialect)
    if set(before.paths) != set(after.paths):
        yield Change("landing_path_changed", f"{WHERE}, paths", sorted(before.paths), sorted(after.paths))
    yield from _columns(before, after)
    yield from unclassified(before, after, SOURCE, WHERE)


def _value(source: LandingSource, name: str) -> object:
    value = getattr(source, name)
    if name == "encoding":
        return value.lower().replace("_", "-")
    return sorted(value) if name == "null_values" else value


def _dialect(old: Dialect, new: Dialect) -> Iterator[Change]:
    for name, word in NAMES.items():
        values = getattr(old, name), getattr(new, name)
        if values[0] != values[1]:
            yield Change("number_spelling_changed" if name in NUMBERS else "dialect_changed", f"{WHERE}, dialect.{word}", *values)


def _columns(old: LandingSource, new: LandingSource) -> Iterator[Change]:
    for name in old.file_columns:
        where = f"{WHERE} column {name}"
        if name not in new.file_columns:
            yield Change("landing_column_removed", where, name, None)
        elif (name in old.optional) != (name in new.optional):
            yield Change("landing_column_made_optional" if name in new.optional else "landing_column_made_required", where)
    for name in new.file_columns:
        if name not in old.file_columns:
            kind = "optional_landing_column_added" if name in new.optional else "landing_column_added"
            yield Change(kind, f"{WHERE} column {name}", None, name)
    if old.file_columns != new.file_columns and sorted(old.file_columns) == sorted(new.file_columns):
        kind = "landing_columns_reordered" if new.dialect.header else "dialect_changed"  # without names the order tells which is which
        yield Change(kind, WHERE, old.file_columns, new.file_columns)
    for kind, field in (("reworded", "column_descriptions"), ("landing_classification_changed", "classifications")):
        said, says = (dict(zip_longest(source.columns, getattr(source, field), fillvalue="")) for source in (old, new))
        common = [name for name in old.file_columns if name in new.file_columns]
        yield from (Change(kind, f"{WHERE} column {name}", said[name], says[name]) for name in common if said[name] != says[name])
