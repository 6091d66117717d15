"""Paths into nested values: `customer.address.city`, `lines[0].sku`, `customer["a key. with a dot"]`, from a landing column downwards.

A path that a contract names where it could name a landing column is one more landing column: text, taken from the JSON of the column in
which it begins. Reading the values is the business of `ingest`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.contracts.language.sql import NotReadable, columns_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

STEP = re.compile(r"""\.(?P<key>[^.\[\]"']+)|\[(?P<place>[0-9]{1,9})\]|\[(?P<double>"(?:[^"\\]|\\.)*")\]|\['(?P<single>[^']*)'\]""")


@dataclass(frozen=True, slots=True)
class Path:
    """The landing column in which a path begins, and its steps: keys of objects and places in arrays, from 0."""

    root: str
    steps: tuple[str | int, ...]


def read_path(text: str, columns: Collection[str]) -> Path | None:
    """The path that a text spells, beginning with one of the columns, the longest; None if it spells none. A column is no path."""
    if text in columns:
        return None
    roots = sorted((name for name in columns if name and text.startswith(name)), key=len, reverse=True)
    found = ((root, _steps(text[len(root) :])) for root in roots)
    return next((Path(root, steps) for root, steps in found if steps), None)


def _steps(text: str) -> tuple[str | int, ...]:
    found, at = list[str | int](), 0
    while at < len(text):
        step = STEP.match(text, at)
        if step is None:
            return ()
        try:
            key = json.loads(step["double"]) if step["double"] else step["key"] or step["single"]
        except json.JSONDecodeError:
            return ()
        found.append(key if step["place"] is None else int(step["place"]))
        at = step.end()
    return tuple(found)


def paths_in(published: Mapping[str, Any], custom: Mapping[str, Any], columns: Collection[str]) -> tuple[str, ...]:
    """The paths that a published object names: as what a column is made from, and in quotes in its expressions."""
    return tuple(dict.fromkeys(name for name in _names(published, custom, columns) if read_path(name, columns)))


def _names(published: Mapping[str, Any], custom: Mapping[str, Any], columns: Collection[str]) -> Iterator[str]:
    event_time = custom.get("eventTime")
    expressions = [event_time.get("expression")] if isinstance(event_time, dict) else []
    for item in published.get("properties") or ():
        if isinstance(item, dict):
            named = item.get("transformSourceObjects")
            yield from (one for one in (named if isinstance(named, list) else ()) if isinstance(one, str))
            expressions.append(item.get("transformLogic"))
    for sql in expressions:
        try:
            yield from columns_in(sql, columns) if isinstance(sql, str) else ()
        except NotReadable:
            continue  # a finding of its own


def roots_of(names: Collection[str], columns: Collection[str]) -> dict[str, str]:
    """The landing column in which each path begins."""
    found = {name: read_path(name, columns) for name in names}
    return {name: path.root for name, path in found.items() if path}


class NoSuchPlace(Exception):
    """A value that a path leads into, and that is no object or array."""


def follow(value: Any, steps: Sequence[str | int]) -> Any:  # noqa: ANN401  # whatever JSON holds
    """The value at a path; None where a key is missing, an array is shorter, or there is nothing. Raises NoSuchPlace."""
    for step in steps:
        if value is None:
            return None
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list):
            value = value[step] if step < len(value) else None
        else:
            raise NoSuchPlace
    return value


def leads_astray(text: str, path: Path) -> bool:
    """Whether a path leads from a landed text into a value that is no object or array, as from a text that is no JSON."""
    try:
        follow(json.loads(text, object_pairs_hook=_object), path.steps)
    except (NoSuchPlace, json.JSONDecodeError, RecursionError):
        return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NoSuchPlace  # of two values for one key either would be a guess
    return found
