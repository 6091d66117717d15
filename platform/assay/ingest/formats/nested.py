"""Nested values: what a contract names by a path becomes a column of its own, and the elements of an array become rows of their own.

Works on the text of any format, because every reader spells objects and arrays as JSON. Numbers keep their digits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.contracts.language.paths import NoSuchPlace, follow, read_path
from assay.ingest.formats.content import BIGGER, unreadable
from assay.ingest.formats.json_lines import DECODER, TwiceNamed
from assay.ingest.formats.json_text import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.landing_file import LandingFile

PIECE = 1 << 14
SHORTEST = 5  # bytes of the shortest value in an Arrow array of text


def of_the_file(source: LandingSource) -> LandingSource:
    """The source as its files have it: without the columns that are taken from others."""
    if not source.paths:
        return source
    return replace(source, columns=source.file_columns, optional=tuple(name for name in source.optional if name not in source.paths))


@dataclass(slots=True)
class Elements:
    """How far a file has been taken apart: its records, and the bytes of their elements."""

    records: int = 0
    bytes: int = 0


def unnested(table: pa.Table, source: LandingSource, file: LandingFile, before: Elements | None = None) -> pa.Table:
    """The landing columns of a contract, from those of its file: first the rows that are elements, then the columns that are paths.

    `before` is what was taken of the file before. Raises FileUnreadable for a value that is no array where elements are wanted.
    """
    if source.explode is not None:
        table = _exploded(table, source, file, source.explode, before or Elements())
    paths = {name: path for name in source.paths if (path := read_path(name, source.file_columns))}
    for root in dict.fromkeys(path.root for path in paths.values()):
        inside = {name: path.steps for name, path in paths.items() if path.root == root}
        for name, values in _followed(table.column(root), inside).items():
            table = table.append_column(name, values)
    return table.select(source.columns)


def _followed(column: pa.ChunkedArray, paths: dict[str, tuple[str | int, ...]]) -> dict[str, pa.ChunkedArray]:
    found: dict[str, list[pa.Array]] = {name: [] for name in paths}
    for texts in _pieces(column):
        values = [read_json(text) for text in texts]
        for name, steps in paths.items():
            found[name].append(pa.array([_at(value, steps) for value in values], pa.string()))
    return {name: pa.chunked_array(parts, pa.string()) for name, parts in found.items()}


def _pieces(column: pa.ChunkedArray) -> Iterator[list[str | None]]:
    for start in range(0, len(column), PIECE):
        yield column.slice(start, PIECE).to_pylist()


def read_json(text: str | None) -> Any:  # noqa: ANN401  # whatever JSON holds
    """A landed text as JSON, numbers as `Number`; a text that is no JSON as it is."""
    try:
        return text if text is None else DECODER.decode(text)
    except (json.JSONDecodeError, RecursionError, TwiceNamed):
        return text


def _at(value: Any, steps: Sequence[str | int]) -> str | None:  # noqa: ANN401
    try:
        return text_of(follow(value, steps))
    except NoSuchPlace:
        return None


def at_path(text: str | None, steps: Sequence[str | int]) -> str | None:
    """What a path finds in a landed text, as a landing column of its own has it."""
    return _at(read_json(text), steps)


def text_of(value: Any) -> str | None:  # noqa: ANN401
    """A value as a reader would spell it as a column: texts without quotes, objects and arrays as JSON."""
    return value if value is None or isinstance(value, str) else spelled(value)


def _exploded(table: pa.Table, source: LandingSource, file: LandingFile, name: str, before: Elements) -> pa.Table:
    """One row for each element of an array, which takes the array's place in its column; none for an array without elements."""
    path = read_path(name, source.file_columns)
    root, steps = (path.root, path.steps) if path else (name, ())
    places, elements = list[int](), list[str | None]()
    beside = table.drop_columns([root])
    widths = _widths(beside)
    for number, text in enumerate(one for texts in _pieces(table.column(root)) for one in texts):
        for element in _elements(text, steps, before.records + number, file, name):
            places.append(number)
            elements.append(element)
            before.bytes += widths[number] + len(element or "") + SHORTEST
            if before.bytes > source.most_bytes:
                raise unreadable(file, f"its rows, one for each element of {name}, have more than {source.most_bytes:,} bytes", hint=BIGGER)
    before.records += table.num_rows
    rows = beside.take(pa.array(places, pa.int64()))
    return rows.append_column(root, pa.array(elements, pa.string()))


def _elements(text: str | None, steps: Sequence[str | int], number: int, file: LandingFile, name: str) -> list[str | None]:
    value = read_json(text)
    try:
        found = follow(value, steps)
    except NoSuchPlace:
        found = ""
    if found is None:
        return []
    if not isinstance(found, list):
        raise unreadable(
            file, f"record {number + 1}: {name} is no array", hint="Its elements are the rows, says `explode` of the contract's server."
        )
    return [text_of(_with(value, steps, element)) for element in found]


def _with(value: Any, steps: Sequence[str | int], element: Any) -> Any:  # noqa: ANN401
    """A value with an element in the place of the array that a path leads to."""
    if not steps:
        return element
    if isinstance(value, dict):
        return {**value, steps[0]: _with(value[steps[0]], steps[1:], element)}
    return [_with(one, steps[1:], element) if place == steps[0] else one for place, one in enumerate(value)]


def _widths(table: pa.Table) -> list[int]:
    """The bytes of each row."""
    found = pa.array([SHORTEST * table.num_columns] * table.num_rows, pa.int64())
    for column in table.columns:
        found = pc.add(found, pc.fill_null(pc.binary_length(column), 0).combine_chunks().cast(pa.int64()))
    widths: list[int] = found.to_pylist()
    return widths
