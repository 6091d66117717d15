"""Readers: a landing file as a table of text, exactly as received.

No type is guessed and nothing is dropped: each column holds the text that the file has, absent values are null. A file that cannot be read
at all raises FileUnreadable with file and line. Compression is told by the name's ending.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assay.errors import FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from assay.contracts.model import LandingSource
    from assay.ingest.landing import LandingFile


def read_text(file: LandingFile, source: LandingSource) -> pa.Table:
    """Read a file into its contract's landing columns, all text (Arrow string), one row per record, in file order."""
    read = {"csv": _csv, "jsonl": _json_lines}.get(source.format)
    if read is None:
        raise FileUnreadable(
            f"Tried to read {file.name}; its contract says the format {source.format!r}.", hint="Known formats: csv, jsonl."
        )
    return read(file, source)


def _csv(file: LandingFile, source: LandingSource) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    columns = list(source.columns)
    try:
        with pa.input_stream(str(file.path), compression="detect") as stream:
            table = csv.read_csv(
                stream,
                read_options=csv.ReadOptions(use_threads=False, encoding=source.encoding),
                parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
                ),
            )
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise FileUnreadable(f"Tried to read {file.name}; {_reason(error)}.") from error
    if sorted(table.column_names) != sorted(columns):
        raise FileUnreadable(f"Tried to read {file.name}; {_header(table.column_names, columns)}.")
    return table.select(columns)


def _reason(error: Exception) -> str:
    """Pyarrow's message with rows counted as lines: it counts the header as row 1 of a file without quoted line ends."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text.replace("CSV parse error: Row #", "line ").rstrip(".")


def _header(found: Sequence[str], wanted: Sequence[str]) -> str:
    missing, unknown = [name for name in wanted if name not in found], [name for name in found if name not in wanted]
    said = [f"has no column {', '.join(missing)}"] if missing else []
    said += [f"has the unknown column {', '.join(unknown)}"] if unknown else []
    said += ["names a column twice"] if not said else []
    return f"line 1: the header {' and '.join(said)}"


def _json_lines(file: LandingFile, source: LandingSource) -> pa.Table:
    import pyarrow as pa

    columns, number = list(source.columns), 0
    values: dict[str, list[str | None]] = {name: [] for name in columns}
    try:
        with pa.input_stream(str(file.path), compression="detect") as stream:
            lines = stream.read().decode(source.encoding).split("\n")
        for number, line in enumerate(lines, 1):
            if line.strip() or number < len(lines):
                _append(values, json.loads(line, parse_float=str, parse_int=str, parse_constant=str))
    except (ValueError, OSError) as error:
        raise FileUnreadable(f"Tried to read {file.name}; line {number}: {error}.") from error
    return pa.table({name: pa.array(found, pa.string()) for name, found in values.items()})


def _append(values: dict[str, list[str | None]], record: Any) -> None:  # noqa: ANN401  # whatever JSON holds
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, found {type(record).__name__}")  # noqa: TRY004  # a fault of the file
    if unknown := record.keys() - values.keys():
        raise ValueError(f"unknown column {', '.join(sorted(unknown))}")
    for name, found in values.items():
        value = record.get(name)
        found.append(value if value is None or isinstance(value, str) else json.dumps(value))
