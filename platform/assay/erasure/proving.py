"""The proof: every file of the lake is read, named by a table or not, and nothing in it tells of the person any more.

Looked for are the value and all that stands for it, under every key of the ring: in the bytes of each file, and in packed Parquet.
A value of a few letters is looked for as a whole cell only, because it is a part of other words. What is told of a find is its place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.contracts.personal import is_keyed
from assay.masking.methods import masker
from assay.masking.subjects import spelled, subjects_of
from assay.masking.tokens import domain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from assay.contracts.model import Contract
    from assay.erasure.removing import Person
    from assay.masking.keyring import KeyRing

SHORTEST = 6
PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Needles:
    """What is looked for: texts that may stand within others, and texts that are only looked for as whole cells. In no repr."""

    within: tuple[str, ...] = field(repr=False)
    whole: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, contracts: Iterable[Contract], person: Person, ring: KeyRing) -> Needles:
        """The value as each contract reads it, and its token or ciphertext in each column that has one."""
        values, masked = {person.value}, set[str]()
        for contract in contracts:
            own = spelled(contract, person.kind, person.value)
            values |= own
            for column in subjects_of(contract).get(person.kind, []):
                if column.masking is not None and is_keyed(column.masking):
                    makers = [masker(key, domain_of(contract.dataset, column), column.masking) for key in ring.keys]
                    masked |= {make(text) for make in makers for text in own}
        escaped = {text for one in values for ascii_ in (True, False) for text in _spelled_in_json(one, ascii_=ascii_)}
        return cls(
            tuple(sorted(masked | {one for one in values | escaped if len(one) >= SHORTEST})),
            tuple(sorted(one for one in values if len(one) < SHORTEST)),
        )


def _spelled_in_json(text: str, *, ascii_: bool) -> tuple[str, str]:
    """A text as JSON has it, and as JSON within JSON has it, where Delta keeps statistics."""
    once = json.dumps(text, ensure_ascii=ascii_)[1:-1]
    return once, json.dumps(once)[1:-1]


@dataclass(frozen=True, slots=True)
class Scan:
    """How much was read, and where something was found: file, and column where there is one."""

    files: int
    bytes: int
    found: tuple[str, ...]


def scan(folder: Path, needles: Needles) -> Scan:
    """Read every file below a folder. A file that goes while it is looked for was removed by another process, and holds nothing."""
    files, size, found = 0, 0, list[str]()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        files, size = files + 1, size + len(content)
        found += [f"{path.relative_to(folder)}{where}" for where in _places(content, needles)]
    return Scan(files, size, tuple(dict.fromkeys(found)))


def _places(content: bytes, needles: Needles) -> Iterator[str]:
    if any(one.encode() in content for one in needles.within):
        yield ""
    if content.startswith(PARQUET):
        yield from _columns(content, needles)


def _columns(content: bytes, needles: Needles) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(content)) as file:
        for batch in file.iter_batches():
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                if _is_told(column, needles):
                    yield f", column {name}"


def _is_told(column: pa.Array, needles: Needles) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_nested(kind):
        return any(one in json.dumps(column.to_pylist(), default=str, ensure_ascii=False) for one in needles.within)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        text = column.cast(pa.large_string())
        hits = [pc.any(pc.match_substring(text, one)).as_py() for one in needles.within]
        return any(hits) or any(pc.any(pc.equal(text, one)).as_py() for one in needles.whole)
    return False
