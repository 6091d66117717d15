"""Frames: what assets return and ask for, in the form that the lake stores, and back.

Every frame kind becomes chunks of Polars frames of about half a million rows: memory stays bounded where the kind is lazy, and a stream of
small batches does not become thousands of small files. Which rows are read is decided by snapshots, what is stored by staging.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar, cast

import pyarrow as pa

from assay.errors import FrameNotSupported, SchemaDrift
from assay.lake.duckdb_sql import literal
from assay.lake.schemas import conform, refuse_names
from assay.lake.workplaces import temporary

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import duckdb
    import pandas as pd
    import polars as pl

    from assay.lake.snapshots import DataFile, Snapshot

Frame = TypeVar("Frame")

CHUNK_ROWS = 500_000
UNTOLD = ("float64", "object")  # what pandas makes of values that it was not given
KINDS = (
    "polars.DataFrame, polars.LazyFrame, pyarrow.Table, pyarrow.RecordBatchReader, pandas.DataFrame or duckdb.DuckDBPyRelation"
    " (to store also a pyarrow.RecordBatch, or an iterable of any of these)"
)


def to_chunks(found: object) -> Iterator[pl.DataFrame]:
    """Cut any frame kind into frames of about CHUNK_ROWS rows, in order. A frame without rows still gives its columns.

    Raises FrameNotSupported for anything else, when the first chunk is asked for.
    """
    import polars as pl

    pending: list[pl.DataFrame] = []
    for frame in _frames(found):
        for piece in frame.iter_slices(CHUNK_ROWS) if frame.height else [frame]:
            if pending and (pending[0].schema != piece.schema or sum(one.height for one in pending) >= CHUNK_ROWS):
                yield pl.concat(pending)
                pending = []
            pending.append(piece)
    if pending:
        yield pl.concat(pending)


def _frames(found: object) -> Iterator[pl.DataFrame]:
    import polars as pl

    if isinstance(found, pl.DataFrame):
        _refuse_foreign(found.schema)
        yield found
    elif isinstance(found, pl.LazyFrame):
        schema = found.collect_schema()
        _refuse_foreign(schema)
        yield pl.DataFrame(schema=schema)
        yield from found.collect_batches(chunk_size=CHUNK_ROWS)
    elif isinstance(found, pa.RecordBatch):
        yield _polars(pa.Table.from_batches([found]))
    elif isinstance(found, pa.Table | pa.RecordBatchReader) or _is(found, "duckdb", "DuckDBPyRelation"):
        yield from _from_stream(pa.RecordBatchReader.from_stream(found))
    elif _is(found, "pandas", "DataFrame"):
        yield from _from_pandas(cast("pd.DataFrame", found))
    elif isinstance(found, Iterable) and not isinstance(found, str | bytes):
        for one in found:
            yield from _frames(one)
    else:
        raise FrameNotSupported(f"Tried to store a {type(found).__module__}.{type(found).__qualname__}.", hint=f"Return a {KINDS}.")


def _is(found: object, module: str, name: str) -> bool:
    """Tell a kind without importing its library: an object of a library that nobody imported cannot exist."""
    return module in sys.modules and isinstance(found, getattr(sys.modules[module], name))


def _refuse_foreign(schema: pl.Schema) -> None:
    """Polars hands Python objects on as addresses, and 128-bit integers in a way that nobody else reads."""
    import polars as pl

    for name, kind in schema.items():
        if kind in (pl.Object, pl.Int128, pl.UInt128, pl.Unknown):
            raise FrameNotSupported(f"Tried to store {name!r} of type {kind}, which no table has.", hint="Cast it first.")


def _polars(table: pa.Table) -> pl.DataFrame:
    import polars as pl

    refuse_names(table.column_names, "a table")
    try:
        return cast("pl.DataFrame", pl.from_arrow(table))
    except pl.exceptions.PolarsError as unknown:
        raise FrameNotSupported(f"Tried to store a frame of Arrow; {unknown}.", hint="Cast it first.") from unknown


def _from_stream(reader: pa.RecordBatchReader) -> Iterator[pl.DataFrame]:
    yield _polars(reader.schema.empty_table())
    for batch in reader:
        yield _polars(pa.Table.from_batches([batch]))


def _from_pandas(frame: pd.DataFrame) -> Iterator[pl.DataFrame]:
    """A named index is a column of the table; a nameless one only counts the rows. Floats and objects without a value have no type."""
    import polars as pl

    named = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    refuse_names([str(name) for name in named.columns], "a table")
    if strange := [name for name in named.columns if not isinstance(name, str)]:
        hint = "Give it a name: frame.columns = [str(name) for name in frame.columns]."
        raise FrameNotSupported(f"Tried to store a pandas.DataFrame; the name of its column {strange[0]!r} is no text.", hint=hint)
    try:
        whole = pa.Schema.from_pandas(named, preserve_index=False)
        nothing = [pl.lit(None).alias(name) for name in named.columns if named[name].dtype in UNTOLD and named[name].isna().all()]
        for start in range(0, max(len(named), 1), CHUNK_ROWS):
            piece = pa.Table.from_pandas(named.iloc[start : start + CHUNK_ROWS], schema=whole, preserve_index=False)
            yield _polars(piece).with_columns(nothing)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as mixed:
        raise FrameNotSupported(f"Tried to store a pandas.DataFrame; {mixed}.", hint="Give each column one type.") from mixed


def from_snapshot(
    snapshot: Snapshot,
    keep: Callable[[DataFile], bool] | None,
    wanted: type[Frame],
    columns: Sequence[str] | None = None,
) -> Frame:
    """Read the files that `keep` accepts as the frame kind `wanted`; memory stays bounded for the lazy kinds.

    Raises FrameNotSupported for another kind, SchemaDrift when the table does not have one of `columns`.
    """
    import polars as pl

    whole = pa.schema([*snapshot.schema, *(pa.field(name, pa.null()) for name in snapshot.untyped)])
    names = list(columns) if columns is not None else whole.names
    if unknown := [name for name in names if name not in whole.names]:
        raise SchemaDrift(f"Tried to read {unknown} of {snapshot.name}; it has {whole.names}.", hint="Ask for columns it has.")
    schema = pa.schema([whole.field(name) for name in names])
    typed, untyped = [name for name in names if name in snapshot.schema.names], set(names) - set(snapshot.schema.names)
    lazy = snapshot.scan(keep, typed).with_columns(pl.lit(None).alias(name) for name in untyped).select(names)
    makers: dict[tuple[str, str], Callable[[], object]] = {
        ("polars", "LazyFrame"): lambda: lazy,
        ("polars", "DataFrame"): lazy.collect,
        ("pyarrow", "Table"): lambda: _arrow(lazy.collect(), schema),
        ("pyarrow", "RecordBatchReader"): lambda: pa.RecordBatchReader.from_batches(schema, _batches(lazy, schema)),
        ("pandas", "DataFrame"): lambda: _pandas(_arrow(lazy.collect(), schema)),
        ("duckdb", "DuckDBPyRelation"): lambda: _relation(snapshot.duckdb_select(keep), names, untyped),
    }
    maker = makers.get((getattr(wanted, "__module__", "").partition(".")[0], getattr(wanted, "__name__", "")))
    if maker is None:
        raise FrameNotSupported(f"Tried to read {snapshot.name} as {wanted}.", hint=f"Annotate the input as {KINDS}.")
    return cast("Frame", maker())


def _arrow(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    import polars as pl

    return conform(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), schema)


def _batches(lazy: pl.LazyFrame, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for frame in lazy.collect_batches(chunk_size=CHUNK_ROWS):
        yield from _arrow(frame, schema).to_batches()


def _pandas(table: pa.Table) -> pd.DataFrame:
    """Integers keep nulls and all their digits, which pandas would otherwise turn into floats."""
    import pandas as pd

    whole = {pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}
    return cast("pd.DataFrame", table.to_pandas(types_mapper=whole.get))


def _relation(select: str, names: Sequence[str], untyped: Collection[str]) -> duckdb.DuckDBPyRelation:
    """A relation on a private connection, which lives as long as the relation; columns without a type are nulls."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET temp_directory = {literal(str(temporary('frame')))}")
    null = duckdb.ConstantExpression(None)
    return connection.sql(select).select(*(null.alias(name) if name in untyped else duckdb.ColumnExpression(name) for name in names))
