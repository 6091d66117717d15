"""Readers: a landing file as a table of text, exactly as received.

No type is guessed and nothing is dropped: each column holds the text that the file has, absent values are null. A file that cannot be read
at all raises FileUnreadable with file and line (`faults`). Compression is told by the name's ending.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assay.errors import FileUnreadable
from assay.ingest.faults import cut_compression, fault_of_rows, misplaced_quote, undecodable, wrong_header

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.contracts.model import LandingSource
    from assay.ingest.landing import LandingFile


class Number(str):
    """A number of a JSON file, as it is spelled there."""

    __slots__ = ()


DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)  # json.loads would make one for each line


def read_text(file: LandingFile, source: LandingSource) -> pa.Table:
    """Read a file into its contract's landing columns, all text (Arrow string), one row per record, in file order.

    Raises FileUnreadable, naming file and line.
    """
    read = {"csv": _csv, "jsonl": _json_lines}.get(source.format)
    if read is None:
        raise FileUnreadable(
            f"Tried to read {file.name}; its contract says the format {source.format!r}.", hint="Known formats: csv, jsonl."
        )
    return read(file, source)


def _content(file: LandingFile) -> bytes:
    import pyarrow as pa

    try:
        with pa.input_stream(str(file.path), compression="detect") as stream:
            return bytes(stream.read())
    except OSError as error:
        raise FileUnreadable(f"Tried to read {file.name}; {cut_compression(file, error)}.") from error


def _csv(file: LandingFile, source: LandingSource) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    columns, content = list(source.columns), _content(file)
    if b'"' in content and (fault := misplaced_quote(content, source)):
        raise FileUnreadable(f"Tried to read {file.name}; {fault}.")
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(use_threads=False, encoding=source.encoding),
            # an empty line is a value where there is one column, and nothing where there are more
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(columns) > 1),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise FileUnreadable(f"Tried to read {file.name}; {fault_of_rows(content, source) or error}.") from error
    if sorted(table.column_names) != sorted(columns):
        raise FileUnreadable(f"Tried to read {file.name}; {wrong_header(table.column_names, columns)}.")
    return table.select(columns)


def _json_lines(file: LandingFile, source: LandingSource) -> pa.Table:
    import pyarrow as pa

    values: dict[str, list[str | None]] = {name: [] for name in source.columns}
    content, number = _content(file), 0
    try:
        lines = content.decode(source.encoding).removeprefix("\ufeff").split("\n")
        for number, line in enumerate(lines, 1):  # the number is named in the errors below
            if line.strip() or number < len(lines):
                _append(values, DECODER.decode(line))
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"Tried to read {file.name}; {undecodable(error)}.") from error
    except json.JSONDecodeError as error:
        raise FileUnreadable(f"Tried to read {file.name}; line {number}, column {error.colno}: {error.msg}.") from error
    except ValueError as error:
        raise FileUnreadable(f"Tried to read {file.name}; line {number}: {error}.") from error
    return pa.table({name: pa.array(found, pa.string()) for name, found in values.items()})


def _append(values: dict[str, list[str | None]], record: Any) -> None:  # noqa: ANN401  # whatever JSON holds
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, found {_json_type(record)}")  # noqa: TRY004  # a fault of the file
    if unknown := record.keys() - values.keys():
        raise ValueError(f"unknown column {', '.join(sorted(unknown))}")
    for name, found in values.items():
        value = record.get(name)
        found.append(value if value is None or isinstance(value, str) else _spelled(value))


def _json_type(value: object) -> str:
    return "a number" if isinstance(value, Number) else {"list": "an array", "str": "a string"}.get(type(value).__name__, "a literal")


def _spelled(value: Any) -> str:  # noqa: ANN401  # whatever JSON holds
    """A value inside a record as JSON text, its numbers with the digits that they came with."""
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_spelled(key)}: {_spelled(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
