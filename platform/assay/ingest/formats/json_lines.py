"""JSON lines: one object for each line, its values as the text that the file has, numbers with their digits.

The lines of a file have few shapes: the same keys in the same order. A shape is one regular expression over strict JSON, which Polars tries
on all lines at once. A line that fits none is read by Python's decoder, which is slow and exact and says what is wrong.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from assay.ingest.formats.content import not_text, unreadable
from assay.ingest.formats.csv_rows import Misread
from assay.ingest.formats.file_faults import undecodable, unknown_columns
from assay.ingest.formats.json_text import Number, spelled
from assay.ingest.formats.limits import MOST_NESTED, TOO_LONG, line_too_long
from assay.ingest.formats.streamed_content import text_pieces, utf8_pieces, whole_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.formats.content import Content
    from assay.ingest.landing_file import LandingFile

SPACE = r"[ \t\r]*"
LETTER = "u(?:[0-9abcefABCEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2})"  # surrogates, which need their other half, are left to Python
STRING = rf'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|{LETTER}))*"'
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
VALUE = f"({STRING}|{NUMBER}|true|false|null)"
MOST_SHAPES, WIDEST_SHAPE, FEWEST_LINES = 8, 100, 20
LINES = 100_000  # parsed at once, so that the memory on the way stays small
LINE = "_line"


def read_json_lines(file: LandingFile, source: LandingSource, content: Content) -> pa.Table:
    """Read a file of JSON lines into its contract's landing columns, all text; what a line lacks is null.

    Raises FileUnreadable with the line.
    """
    if fault := not_text(content):
        raise unreadable(file, fault)
    return JsonRows(file, source, Shapes(source)).read(content, source.encoding)


def stream_json_lines(file: LandingFile, source: LandingSource, size: int) -> Iterator[pa.Table]:
    """The same, some `size` bytes of it at a time. Raises FileUnreadable as soon as a line is at fault: the rows before have been given."""
    rows = JsonRows(file, source, Shapes(source))
    try:
        for data in whole_lines(utf8_pieces(text_pieces(file, source.most_bytes, size), source.encoding)):
            yield rows.read(data, "utf-8")
            rows.lines += data.count(b"\n")
    except Misread as error:
        raise unreadable(file, str(error)) from error


@dataclass(slots=True)
class JsonRows:
    """The rows of one file, whose text is read at once or in parts that end with a line."""

    file: LandingFile
    source: LandingSource
    shapes: Shapes
    lines: int = 0  # that were read before

    def read(self, content: Content, encoding: str) -> pa.Table:
        """The rows of the next part. Raises FileUnreadable with the line."""
        import polars as pl

        if line := line_too_long(content):
            raise unreadable(self.file, f"line {self.lines + line}: {TOO_LONG}")
        try:
            lines = pl.Series([content.decode(encoding).removeprefix("" if self.lines else "\ufeff")]).str.split("\n").explode()
        except UnicodeDecodeError as error:
            raise unreadable(self.file, undecodable(error, self.lines)) from error
        if not lines[-1].strip(" \t\r"):
            lines = lines[:-1]
        schema = pa.schema([pa.field(name, pa.string()) for name in self.source.columns])
        parts = list[pa.Table]()
        for start in range(0, len(lines), LINES):
            try:
                found = self.shapes.read(lines.slice(start, LINES))
            except BadLine as error:
                raise unreadable(self.file, f"line {self.lines + start + error.line}{error}") from error
            parts.append(found.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema))
        return pa.concat_tables(parts) if parts else schema.empty_table()


class BadLine(Exception):
    """What is wrong with a line, counted from 1 among those that were read together."""

    def __init__(self, line: int, fault: str) -> None:
        self.line = line
        super().__init__(fault)


class Shapes:
    """The shapes that the lines of one file have shown so far."""

    def __init__(self, source: LandingSource) -> None:
        self.source, self.columns = source, source.columns
        self.known: list[tuple[str, ...]] = []

    def read(self, lines: pl.Series) -> pl.DataFrame:
        """The columns of some lines, as text, in their order. Raises BadLine for the first that is no object of these columns."""
        import polars as pl

        rest, parts, singly = lines.to_frame("text").with_row_index(LINE), list[pl.DataFrame](), Singly(self.source)
        for shape in self.known:
            rest = self._take(shape, rest, parts)
        while not rest.is_empty():
            for place, (number, text) in enumerate(rest.iter_rows()):
                record = singly.read(number, text)
                if self._is_worth_knowing(tuple(record), rest.height - place):
                    self.known.append(tuple(record))
                    rest = self._take(self.known[-1], rest[place:], parts)
                    break
                singly.keep(number, record)
            else:
                break
        if len(parts) == 1 and not singly.numbers:
            return parts[0].drop(LINE)
        return pl.concat([*parts, singly.frame()]).sort(LINE).drop(LINE)

    def _is_worth_knowing(self, shape: tuple[str, ...], lines: int) -> bool:
        is_new = bool(shape) and shape not in self.known and len(shape) <= WIDEST_SHAPE
        return is_new and len(self.known) < MOST_SHAPES and lines >= FEWEST_LINES

    def _take(self, shape: tuple[str, ...], rest: pl.DataFrame, parts: list[pl.DataFrame]) -> pl.DataFrame:
        """Add the lines that have a shape to the parts, and give back the others. Files are many and small: each query counts."""
        import polars as pl

        reads = _reads(shape, tuple(self.columns))
        tried = rest.with_columns(pl.col("text").str.extract_groups(reads.pattern).alias("groups"))
        part = tried.filter(reads.fits).select(LINE, *reads.columns)
        parts.append(_unescaped(part) if rest["text"].str.contains("\\", literal=True).any() else part)
        return tried.filter(~reads.fits).drop("groups")


class Reads(NamedTuple):
    """How the lines of a shape are read: its expression, whether a line fits, and the columns of one that does."""

    pattern: str
    fits: pl.Expr
    columns: list[pl.Expr]


@lru_cache(maxsize=64)  # many small files have one shape
def _reads(shape: tuple[str, ...], columns: tuple[str, ...]) -> Reads:
    import polars as pl

    members = f"{SPACE},{SPACE}".join(f"{re.escape(json.dumps(key, ensure_ascii=False))}{SPACE}:{SPACE}{VALUE}" for key in shape)
    tokens = [pl.col("groups").struct.field(str(place)) for place in range(1, len(shape) + 1)]
    values = {key: _unquoted(token) for key, token in zip(shape, tokens, strict=True)}
    absent = pl.lit(None, pl.String)
    return Reads(
        f"^{SPACE}\\{{{SPACE}{members}{SPACE}\\}}{SPACE}$",
        tokens[0].is_not_null(),
        [values.get(name, absent).alias(name) for name in columns],
    )


def _unquoted(json_value: pl.Expr) -> pl.Expr:
    """The text of a JSON value: a string without its quotes, null as null, the others as they are."""
    import polars as pl

    return pl.when(json_value != "null").then(json_value.str.strip_prefix('"').str.strip_suffix('"'))


def _unescaped(part: pl.DataFrame) -> pl.DataFrame:
    """The same with the escapes of its strings read: only strings have any."""

    def unescaped(text: pl.Series) -> pl.Series:
        escaped = text.str.contains("\\", literal=True).arg_true()
        return text if escaped.is_empty() else text.scatter(escaped, [json.loads(f'"{one}"') for one in text.gather(escaped)])

    return part.with_columns(map(unescaped, part.drop(LINE)))


class Singly:
    """Lines that are read one by one, by Python's decoder. `numbers` are their places among the lines that were read together."""

    def __init__(self, source: LandingSource) -> None:
        self.source = source
        self.numbers: list[int] = []
        self.values: dict[str, list[str | None]] = {name: [] for name in source.columns}

    def read(self, number: int, text: str) -> dict[str, Any]:
        """Decode one line. Raises BadLine unless it is an object of the columns, each named once, whose values UTF-8 can hold."""
        try:
            record = DECODER.decode(text)
            if not isinstance(record, dict):
                raise BadLine(number + 1, f": expected an object, found {_json_type(record)}")
            if unknown := unknown_columns([*record], self.source):
                raise BadLine(number + 1, f": {unknown}")
            record = {key: value if value is None or isinstance(value, str) else spelled(value) for key, value in record.items()}
            if "\\u" in text:
                "".join(filter(None, record.values())).encode()
        except json.JSONDecodeError as error:
            raise BadLine(number + 1, f", column {error.colno}: {error.msg}") from error
        except UnicodeEncodeError as error:
            raise BadLine(number + 1, ": half of a surrogate pair, which is no letter") from error
        except RecursionError as error:
            raise BadLine(number + 1, f": values are nested more than {MOST_NESTED} deep") from error
        except TwiceNamed as error:
            raise BadLine(number + 1, ": an object names a key twice") from error
        return record

    def keep(self, number: int, record: Mapping[str, str | None]) -> None:
        """Take the values of a line that was read."""
        self.numbers.append(number)
        for name, found in self.values.items():
            found.append(record.get(name))

    def frame(self) -> pl.DataFrame:
        """What was kept."""
        import polars as pl

        return pl.DataFrame({LINE: self.numbers} | self.values, schema={LINE: pl.get_index_type()} | dict.fromkeys(self.values, pl.String))


class TwiceNamed(ValueError):
    """An object with two values for one key: either would be a guess."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise TwiceNamed
    return found


DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_object)


def _json_type(value: object) -> str:
    return "a number" if isinstance(value, Number) else {"list": "an array", "str": "a string"}.get(type(value).__name__, "a literal")
