"""Nested samples made flat for a draft: a column of objects becomes a column for each path into it, named as a contract names paths.

Arrays stay what they are, JSON text: whether their elements are rows of their own is for people to say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.contracts.inference.guesses import Declared
from assay.contracts.language.paths import STEP, follow
from assay.ingest.formats.json_text import Number
from assay.ingest.formats.nested import read_json, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl
    import pyarrow as pa

    Steps = tuple[str, ...]

DEEPEST, MOST_COLUMNS = 6, 400


@dataclass(slots=True)
class Flat:
    """A flat frame, the landing column in which each path begins, and the paths whose values were all texts."""

    frame: pl.DataFrame
    roots: dict[str, str] = field(default_factory=dict)
    texts: dict[str, Declared] = field(default_factory=dict)


def flattened(frame: pl.DataFrame) -> Flat:
    """The frame with paths in place of each column whose values are all objects. Columns without a value stay."""
    import polars as pl

    columns, flat = list[pl.Series](), Flat(frame)
    for series in frame:
        values = [read_json(text) for text in series]
        paths = list(_leaves(values)) if _are_objects(values) else []
        if not paths or len(columns) + len(paths) > MOST_COLUMNS:
            columns.append(series)
            continue
        for steps in paths:
            name, found = series.name + "".join(map(spelled_step, steps)), [follow(value, steps) for value in values]
            columns.append(pl.Series(name, [text_of(value) for value in found], pl.String))
            flat.roots[name] = series.name
            if all(value is None or (isinstance(value, str) and not isinstance(value, Number)) for value in found):
                flat.texts[name] = Declared("string")
    names = [series.name for series in columns]
    return Flat(frame) if len({*names}) < len(names) else Flat(pl.DataFrame(columns), flat.roots, flat.texts)


def spelled_step(key: str) -> str:
    """A key as a step of a path."""
    plain = f".{key}"
    found = STEP.fullmatch(plain)
    return plain if found and found["key"] == key else f"[{json.dumps(key, ensure_ascii=False)}]"


def declared_inside(name: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """The types of an Arrow column by path, those inside of structs included."""
    import pyarrow as pa

    yield name, kind
    if pa.types.is_struct(kind):
        for inner in kind:
            yield from declared_inside(name + spelled_step(inner.name), inner.type)


def _are_objects(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, dict) for value in known)


def _leaves(values: Sequence[Mapping[str, Any] | None], depth: int = 1) -> Iterator[Steps]:
    keys = dict.fromkeys(key for value in values if value for key in value)
    for key in keys:
        inner = [value.get(key) if value else None for value in values]
        below = list(_leaves(inner, depth + 1)) if depth < DEEPEST and _are_objects(inner) else []
        yield from ((key, *steps) for steps in below) if below else [(key,)]
