"""Landing files as a contract says that they are: rows of text in the format, dialect, encoding and packing of its server.

The readers the other way round, for rows that Assay makes up itself: one that is tried, or none where a file is withdrawn.
"""

from __future__ import annotations

import io
import json
import lzma
from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from assay.contracts.language.date_formats import ARRIVAL_PLACE, strptime_format
from assay.contracts.language.paths import read_path
from assay.errors import ContractInvalid
from assay.ingest.formats.content import PACKINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from assay.contracts.language.dialect import Dialect
    from assay.contracts.model.landing_source import LandingSource

    Record = dict[str, Any]
    Steps = Sequence[str | int]

ANYTHING = "1"  # what stands where a path says *


def name_for(source: LandingSource, day: date, anything: str = ANYTHING) -> str:
    """The path below the landing folder of a file of a day; `anything` stands where it says *."""
    dated = ARRIVAL_PLACE.sub(lambda place: day.strftime(strptime_format(place.group(1))), source.path)
    return dated.removesuffix("*").replace("*", anything)  # a path that ends with * has the packing there, or nothing


def spelled_file(rows: Sequence[Mapping[str, Any]], source: LandingSource, name: str) -> bytes:
    """The bytes of a file of this name with these rows, whose keys are the contract's landing columns: text, None, or what nests others.

    Raises ContractInvalid for what the format, the dialect or the encoding cannot spell.
    """
    records = [_in_its_array(record_of(row, source), source) for row in rows]
    write = {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet, "avro": _avro}[source.format]
    try:
        content = write(records, source)
    except UnicodeEncodeError as error:
        raise ContractInvalid(f"The encoding {source.encoding} has no {error.object[error.start : error.end]!a}.") from error
    return _packed(content, PurePosixPath(name).suffix.lower())


def record_of(row: Mapping[str, Any], source: LandingSource) -> Record:
    """A row as bronze has it, before it is text: the values of the paths that it says inside those that they begin in."""
    record: Record = {name: row.get(name, "") for name in source.file_columns}
    for name in sorted(source.paths, key=len):
        if name in row and (path := read_path(name, source.file_columns)):
            record[path.root] = _put(record[path.root], path.steps, row[name])
    return record


def _in_its_array(record: Record, source: LandingSource) -> Record:
    """A record as its file has it: an element inside its array."""
    if source.explode is None:
        return record
    inside = read_path(source.explode, source.file_columns)
    root, steps = (inside.root, inside.steps) if inside else (source.explode, ())
    return record | {root: _put(record[root], steps, [_at(record[root], steps)])}


def _put(value: Any, steps: Steps, leaf: Any) -> Any:  # noqa: ANN401  # whatever JSON holds
    """A value with another one at the end of some steps; what is no object or array on the way becomes one."""
    if not steps:
        return leaf
    first, rest = steps[0], steps[1:]
    if isinstance(first, str):
        known = value if isinstance(value, dict) else {}
        return {**known, first: _put(known.get(first), rest, leaf)}
    listed = list(value) if isinstance(value, list) else []
    listed += [None] * (first + 1 - len(listed))
    listed[first] = _put(listed[first], rest, leaf)
    return listed


def _at(value: Any, steps: Steps) -> Any:  # noqa: ANN401  # as above
    for step in steps:
        known = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list) and step < len(value)
        value = value[step] if known and (isinstance(step, int) or step in value) else None
    return "1" if value is None else value


def _csv(records: Sequence[Record], source: LandingSource) -> bytes:
    dialect, columns = source.dialect, source.file_columns
    lines = [f"{dialect.comment_char} a comment"] if dialect.comment_char else []
    lines += [dialect.delimiter.join(_value(name, dialect) for name in columns)] if dialect.header else []
    lines += [dialect.delimiter.join(_value(_text(record[name], source), dialect) for name in columns) for record in records]
    return "".join(f"{line}\n" for line in lines).encode(source.encoding)


def _text(value: Any, source: LandingSource) -> str:  # noqa: ANN401  # as above
    if value is None:
        if not source.null_values:
            raise ContractInvalid("A CSV file has no way to spell that a value is absent.", hint="Let the contract name its nullValues.")
        return source.null_values[0]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(text: str, dialect: Dialect) -> str:
    quote, escape = dialect.quote_char, dialect.escape_char
    special = [one for one in (quote, escape, dialect.delimiter, dialect.comment_char, "\r", "\n") if one]
    if not any(one in text for one in special) and text:
        return text
    if quote and (dialect.double_quote or escape or quote not in text):
        inside = text.replace(escape, escape * 2) if escape else text
        return f"{quote}{inside.replace(quote, quote * 2 if dialect.double_quote else escape + quote)}{quote}"
    must = [one for one in (quote, dialect.delimiter, "\r", "\n") if one and one in text]
    if must and not escape:
        raise ContractInvalid(f"The dialect ({dialect.shown}) has no way to spell a value with {must[0]!r}.")
    for one in [escape, *must] if escape else []:
        text = text.replace(one, escape + one)
    return text


def _json_lines(records: Sequence[Record], source: LandingSource) -> bytes:
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records).encode(source.encoding)


def _parquet(records: Sequence[Record], source: LandingSource) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = {name: [record[name] for record in records] for name in source.file_columns}
    columns = {name: pa.array(values, pa.string() if not any(values) else None) for name, values in found.items()}
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def _avro(records: Sequence[Record], source: LandingSource) -> bytes:
    import fastavro

    numbers = count(1)
    fields = [{"name": name, "type": _avro_type(records[0][name] if records else "", numbers)} for name in source.file_columns]
    target = io.BytesIO()
    try:
        schema = fastavro.parse_schema({"type": "record", "name": "landed", "fields": fields})
    except fastavro.schema.SchemaParseException as error:
        raise ContractInvalid(f"No Avro file has such columns: {error}.") from error
    fastavro.writer(target, schema, records)
    return target.getvalue()


def _avro_type(value: Any, numbers: Iterator[int]) -> Any:  # noqa: ANN401  # as above
    if isinstance(value, dict):
        inner = [{"name": name, "type": _avro_type(one, numbers)} for name, one in value.items()]
        return {"type": "record", "name": f"inner_{next(numbers)}", "fields": inner}
    if isinstance(value, list):
        known = next((one for one in reversed(value) if one is not None), "")
        inside = _avro_type(known, numbers)
        return {"type": "array", "items": inside if isinstance(inside, list) else ["null", inside]}
    return ["null", "string"]


def _packed(content: bytes, suffix: str) -> bytes:
    packing = PACKINGS.get(suffix)
    if packing is None:
        return content
    if packing == "xz":
        return lzma.compress(content)
    import pyarrow as pa

    target = pa.BufferOutputStream()
    with pa.CompressedOutputStream(target, packing) as stream:
        stream.write(content)
    packed: bytes = target.getvalue().to_pybytes()
    return packed
