"""Samples: the first rows of a file as a table of text, read as a landing file would be, and the types that the file itself declares.

What is read is bounded, in bytes and in rows. A file that no contract could describe, as a JSON array, is refused with a reason.
"""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import takewhile
from typing import IO, TYPE_CHECKING, Any

from assay.cli.declared import declared_by_arrow, declared_by_avro
from assay.cli.flattening import Flat, declared_inside, flattened
from assay.contracts.inference.guesses import Declared, Guess
from assay.contracts.language.dialect import Dialect
from assay.contracts.model.landing_source import LandingSource
from assay.errors import FileUnreadable, SettingsError
from assay.ingest.formats.avro_files import BROKEN
from assay.ingest.formats.content import PACKINGS
from assay.ingest.formats.csv_files import names_of
from assay.ingest.formats.csv_rows import Misread
from assay.ingest.formats.csv_sniff import sniff
from assay.ingest.formats.readers import read_text
from assay.ingest.landing_file import LandingFile
from assay.lake.workplaces import private_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

FORMATS = {".csv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
           ".parquet": "parquet", ".pq": "parquet", ".avro": "avro"}  # fmt: skip
MOST_BYTES = 1 << 26
UTF8, WINDOWS = "UTF-8", "windows-1252"


@dataclass(frozen=True, slots=True)
class Taken:
    """The rows that were taken, as text, what the file says of itself, and what was guessed of its dialect."""

    frame: pl.DataFrame
    format: str
    encoding: str
    is_whole: bool
    declared: Mapping[str, Declared]
    dialect: Dialect = field(default_factory=Dialect)
    guess: Guess | None = None
    roots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of a file in its own format, and its columns; whether it is all of it."""

    content: bytes
    columns: tuple[str, ...]
    is_whole: bool
    encoding: str = UTF8
    declared: Mapping[str, Declared] = field(default_factory=dict)
    dialect: Dialect = field(default_factory=Dialect)
    guess: Guess | None = None


def take_sample(path: Path, rows: int) -> Taken:
    """The first `rows` rows of a file, at most MOST_BYTES of it. Raises SettingsError for no file, FileUnreadable for a wrong one."""
    import polars as pl

    if not path.is_file():
        raise SettingsError(f"{path} is no file.", hint="Give --from a file of the dataset.")
    form = _format(path)
    head = {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet, "avro": _avro}[form](path, rows)
    if "" in head.columns:  # Polars would call it column_0
        raise _unreadable(path, "it has a column without a name", "Give every column a name.")
    source = LandingSource(
        path=path.name, format=form, encoding=head.encoding, columns=head.columns, null_values=("",), dialect=head.dialect
    )
    with private_folder("sample") as folder:
        copy = folder / f"sample.{form}"
        copy.write_bytes(head.content)
        table = read_text(LandingFile(copy, path.name, date.min), source)
    flat = flattened(pl.DataFrame(table.slice(0, rows))) if form != "csv" else Flat(pl.DataFrame(table.slice(0, rows)))
    declared = {**(flat.texts if form == "jsonl" else {}), **head.declared}
    is_whole = head.is_whole and table.num_rows <= rows
    return Taken(flat.frame, form, head.encoding, is_whole, declared, head.dialect, head.guess, flat.roots)


def _format(path: Path) -> str:
    name = path.with_suffix("") if path.suffix.lower() in PACKINGS else path
    form = FORMATS.get(name.suffix.lower())
    if form is None or (name is not path and form in {"parquet", "avro"}):
        raise FileUnreadable(
            f"Tried to take a sample of {path.name}; its name does not tell the format.", hint=f"Known: {', '.join(FORMATS)}."
        )
    return form


def _unreadable(path: Path, fault: str, hint: str) -> FileUnreadable:
    return FileUnreadable(f"Tried to take a sample of {path.name}; {fault}.", hint=hint)


def _beginning(path: Path) -> tuple[bytes, bool]:
    """The first bytes of a file, unpacked, and whether these are all."""
    try:
        with _opened(path) as stream:
            content = bytes(stream.read(MOST_BYTES + 1))
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise _unreadable(path, f"it cannot be unpacked: {error}", "Have it sent again.") from error
    return content[:MOST_BYTES], len(content) <= MOST_BYTES


def _opened(path: Path) -> IO[bytes]:
    import pyarrow as pa

    packing = PACKINGS.get(path.suffix.lower())
    if packing == "xz":
        return lzma.open(path)
    stream: IO[bytes] = pa.input_stream(str(path), compression=packing)
    return stream


def _text(path: Path, *, quoted: bool) -> tuple[bytes, str, bool]:
    """The beginning of a file of text, up to the end of a record, its encoding, and whether that is all of it."""
    content, is_whole = _beginning(path)
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise _unreadable(path, "it is UTF-16", "Save it as UTF-8.")
    if not is_whole:
        end = content.rfind(b"\n") + 1
        while quoted and end > 0 and content.count(b'"', 0, end) % 2:  # a line may end within a value
            end = content.rfind(b"\n", 0, end - 1) + 1
        if end == 0:
            raise _unreadable(path, f"its first {MOST_BYTES:,} bytes hold no whole record", "Check its line ends and quotes.")
        content = content[:end]
    try:
        content.decode(UTF8)
    except UnicodeDecodeError:
        return content, WINDOWS, is_whole
    return content, UTF8, is_whole


def _csv(path: Path, _: int) -> _Head:
    content, encoding, is_whole = _text(path, quoted=True)
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it is neither {UTF8} nor {WINDOWS}", f"Save it as {UTF8}.") from error
    found = sniff(text)
    try:
        header, _ = names_of(text.encode(), LandingSource(path.name, "csv", encoding, (), (), dialect=replace(found.dialect, header=True)))
    except Misread as error:
        raise _unreadable(path, str(error), "Check its quotes, or say how it is spelled in a contract by hand.") from error
    if not found.dialect.header:
        header = [f"column_{number}" for number in range(1, len(header) + 1)]
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise _unreadable(path, f"its header names {len(twice)} columns twice", "Give every column a name of its own.")
    guess = Guess("dialect", found.doubt or found.reason, 0.1 if found.doubt else 0.8) if found.doubt or found.dialect.said else None
    return _Head(content, tuple(header), is_whole, encoding, dialect=found.dialect, guess=guess)


def _json_lines(path: Path, rows: int) -> _Head:
    content, encoding, is_whole = _text(path, quoted=False)
    lines = content.decode(encoding).removeprefix("\ufeff").split("\n")
    if lines[0].lstrip().startswith("["):
        raise _unreadable(path, "it is a JSON array", "Assay reads JSON with one object on each line: jq -c '.[]' makes it so.")
    kinds: dict[str, set[type]] = {}
    for number, line in enumerate(lines[:rows], 1):
        if line.strip():
            for name, value in _object(path, line, number).items():
                kinds.setdefault(name, set()).add(type(value))
    declared = {name: Declared("string") for name, found in kinds.items() if found - {type(None)} == {str}}
    return _Head("\n".join(lines[:rows]).encode(encoding), tuple(kinds), is_whole and len(lines) <= rows + 1, encoding, declared)


def _object(path: Path, line: str, number: int) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise _unreadable(path, f"line {number}, column {error.colno}: {error.msg}", "Give one JSON object on each line.") from error
    if not isinstance(found, dict):
        raise _unreadable(path, f"line {number} is no JSON object", "Give one JSON object on each line.")
    return found


def _parquet(path: Path, rows: int) -> _Head:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema, everything = file.schema_arrow, file.metadata.num_rows
            if path.stat().st_size <= MOST_BYTES:
                content = path.read_bytes()
            else:
                batch = next(file.iter_batches(batch_size=rows, use_threads=False))
                sink = pa.BufferOutputStream()
                pq.write_table(pa.Table.from_batches([batch]), sink)
                content = sink.getvalue().to_pybytes()
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, f"it is no Parquet file: {' '.join(str(error).split())}", "Have it sent again.") from error
    inside = (pair for one in schema for pair in declared_inside(one.name, one.type))
    declared = {name: found for name, kind in inside if (found := declared_by_arrow(kind))}
    return _Head(content, tuple(schema.names), everything <= rows, declared=declared)


def _avro(path: Path, _: int) -> _Head:
    import fastavro

    try:
        with path.open("rb") as file:
            blocks = fastavro.block_reader(file)
            schema: Any = blocks.writer_schema
            ends = [block.offset + block.size for block in takewhile(lambda block: block.offset < MOST_BYTES, blocks)]
            file.seek(0)
            content = file.read(ends[-1]) if ends else file.read(MOST_BYTES)
    except BROKEN as error:
        raise _unreadable(path, f"it is no Avro file: {type(error).__name__}", "Have it sent again.") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise _unreadable(path, "its schema is no record", "A row has columns: have records sent.")
    names = {one["name"]: one["type"] for one in schema["fields"]}
    declared = {name: found for name, kind in names.items() if (found := declared_by_avro(kind))}
    return _Head(content, tuple(names), len(content) == path.stat().st_size, declared=declared)
