"""Snapshots: one version of a table, as the list of its files.

Every reader of Assay reads a pinned version by its file list, pruned by partition and by statistics: never half of a publication, never two
versions. A table that needs more than its file list to be read right is refused.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa

from assay.cached_property import cached_property
from assay.errors import TableMissing
from assay.lake.add_actions import described, of_partitions, where_equal
from assay.lake.damage import MARK, damaged_error, log_damage, log_read, refuse_changed, refuse_damaged, refuse_half_written
from assay.lake.duckdb_sql import duckdb_type, select_files
from assay.lake.features import refuse_newer, refuse_unreadable
from assay.lake.layers import folders_in, refuse_closed_layer
from assay.lake.log import LOG
from assay.lake.log_entries import commits_of
from assay.lake.slices import WHOLE
from assay.lake.snapshot_cache import Commit, Recent, is_table, newest_commit
from assay.lake.tokens import tokens_at
from assay.settings import refuse_misread

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import polars as pl
    from deltalake import DeltaTable

MISSING = "Tried to read {name}; there is no table at {folder}."
UNTYPED = "assay.untyped:"  # the prefix of the app ids that keep the names of columns without a type
_recent = Recent()


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a snapshot: where it is, its partition values, and what Delta knows of its rows."""

    path: str
    values: tuple[str, ...]
    rows: int
    size: int
    low: dict[str, Any]
    high: dict[str, Any]
    is_counted: bool = False  # whether Delta knows of every column how many nulls it has: one that is not in the file has no count

    @property
    def is_whole(self) -> bool:
        """Whether every column of the table is in the file, in the type that it has there; known of files that `staging` wrote."""
        return self.is_counted and not self.path.endswith(self.digest)

    @property
    def digest(self) -> str:
        """The digest of the file's bytes, which `staging` put into its name; the name itself for a file of another writer."""
        name = os.path.basename(self.path)  # noqa: PTH119  # of years of files, a tenth of what a Path takes
        parts = name.split("-")
        return parts[1] if len(parts) == 3 and parts[0] == "part" else name

    @property
    def placed(self) -> str:
        """The digest with the partition: the file's bytes do not say it, and the same rows in another partition are other rows."""
        return "/".join((*self.values, self.digest))

    def may_hold(self, column: str, start: object, end: object) -> bool:
        """False only if the statistics prove that no row has `column` in [start, end). Without statistics anything may be there."""
        if column not in self.low or column not in self.high or self.low[column] is None or self.high[column] is None:
            return True
        return bool(self.low[column] < end and self.high[column] >= start)


@dataclass(frozen=True)
class Snapshot:
    """A table at one version. Opening it reads the log once; reading rows never looks at the log again."""

    name: str
    table: DeltaTable

    @property
    def version(self) -> int:
        """The Delta version that this snapshot shows."""
        return self.table.version()

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns as Arrow has them, partition columns included."""
        return pa.schema(self.table.schema())

    @cached_property
    def partition_by(self) -> tuple[str, ...]:
        """The partition columns, in order."""
        return tuple(self.table.metadata().partition_columns)

    @cached_property
    def folder(self) -> Path:
        """Where the table lies."""
        return Path(unquote(self.table.table_uri.removeprefix("file://")))

    @cached_property
    def files(self) -> list[DataFile]:
        """The files of this version, in the order of their partitions."""
        return self._data_files(self._actions())

    def files_of(self, values: Collection[str]) -> list[DataFile]:
        """Those whose first partition column has one of these values, in the same order."""
        few = of_partitions(self._actions(), self.partition_by[0], values) if self.partition_by else None
        return [file for file in (self.files if few is None else self._data_files(few)) if file.values[:1] and file.values[0] in values]

    def _actions(self) -> pa.Table:
        with log_read(self.name, self.folder, self.version):
            return pa.RecordBatchReader.from_stream(self.table.get_add_actions()).read_all()  # pa.table imports pandas

    def _data_files(self, actions: pa.Table, *, bounds: bool = True) -> list[DataFile]:
        columns = [name for name in self.schema.names if name not in self.partition_by]
        found = (DataFile(*said) for said in described(actions, str(self.folder), self.partition_by, columns, bounds=bounds))
        return sorted(found, key=lambda file: (file.values, file.path))

    @property
    def rows(self) -> int:
        """Count the rows of this version, from the log alone."""
        return total_rows(self.files)

    def token(self, app: str) -> int | None:
        """The `txn` version that the log keeps for `app`: the fingerprint of a partition, an offset. None if there is none."""
        return self._tokens.get(app)

    def tokens(self, prefix: str) -> dict[str, int]:
        """The `txn` versions of all applications whose names begin so, by the rest of the name."""
        return {app.removeprefix(prefix): version for app, version in self._tokens.items() if app.startswith(prefix)}

    @property
    def untyped(self) -> list[str]:
        """The columns that were stored without a type, as nulls, and have none yet: the table itself does not have them."""
        named = [app.removeprefix(UNTYPED) for app in self._tokens if app.startswith(UNTYPED)]
        return sorted(set(named) - set(self.schema.names))

    @cached_property
    def _tokens(self) -> Mapping[str, int]:
        with log_read(self.name, self.folder, self.version):
            return tokens_at(self.folder / LOG, self.version)

    def history(self, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """What the newest commits say of themselves, newest first; all that the log still has without a limit."""
        with log_read(self.name, self.folder, self.version):
            yield from islice(commits_of(self.folder / LOG, self.version), limit)

    def scan(self, keep: Callable[[DataFile], bool] | None = None, columns: Sequence[str] | None = None) -> pl.LazyFrame:
        """`scan_files` of those that `keep` accepts (default: all)."""
        return self.scan_files([file for file in self.files if keep is None or keep(file)], columns)

    def scan_files(self, chosen: Sequence[DataFile], columns: Sequence[str] | None = None) -> pl.LazyFrame:
        """Read files lazily with Polars, partition columns included. Raises TableDamaged for one with other bytes than were committed."""
        import polars as pl

        refuse_changed(self, chosen)  # most flipped bits would be read as other values
        schema = pl.Schema(self.schema)
        wanted = list(columns) if columns is not None else list(schema)
        if not chosen:
            return pl.DataFrame(schema=schema).select(wanted).lazy()
        body = {name: kind for name, kind in schema.items() if name not in self.partition_by}
        frame = pl.scan_parquet(
            [file.path for file in chosen], glob=False, schema=body, missing_columns="insert", hive_partitioning=bool(self.partition_by),
            hive_schema={name: schema[name] for name in self.partition_by} if self.partition_by else None,
        )  # fmt: skip
        return frame.select(wanted)

    def duckdb_select(self, keep: Callable[[DataFile], bool] | None = None, asked: Mapping[str, str] | None = None) -> str:
        """SQL that selects exactly this snapshot in DuckDB, without an extension: the fast way, and safe beside writers.

        `asked` are texts that columns, in small letters, have to be equal to: partitions that are not may be left out. Raises TableDamaged
        if a file is missing, or of another size.
        """
        if keep is None:
            files = self._data_files(where_equal(self._actions(), self.partition_by, asked or {}), bounds=False)
        else:
            files = [file for file in self.files if keep(file)]
        refuse_damaged(self, files)
        fields = {field.name: duckdb_type(field.type) for field in self.schema}
        return select_files([(file.path, file.is_whole) for file in files], fields, self.partition_by)


def partition_key(file: DataFile) -> str:
    """The key of the partition that a file is of, in a table with one partition column or none."""
    return file.values[0] if file.values else WHOLE.key


def open_snapshot(root: Path, name: str, version: int | None = None, seen: Commit | None = None) -> Snapshot:
    """Open the table under `root` at `version` (default: the newest). `seen` is its newest entry, if the caller has looked just now.

    Raises TableMissing when nothing was published yet, TableDamaged when its log cannot be read, FormatNewer when a newer Assay wrote it,
    UnsupportedTableFeature when the file list alone would give wrong rows, LayerClosed for the name of a closed layer.
    """
    folder = f"{root}/{name}"
    commit = seen or newest_commit(folder)
    if commit is None or version not in {None, commit.version}:
        return Snapshot(name, open_handle(root, name, version))
    if (kept := _recent.get(folder, commit)) is None:
        kept = Snapshot(name, open_handle(root, name, version))
        _recent.keep(folder, commit, kept)
    return kept


def open_handle(root: Path, name: str, version: int | None = None) -> DeltaTable:
    """Open a table by replaying its log, as nobody has it yet. Raises what `open_snapshot` raises."""
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    refuse_misread(root)
    refuse_closed_layer(root, name)
    folder = root / name
    with log_read(name, folder, version):
        if not folder.exists():  # most tables beside a dataset's own: to have delta-rs look for each takes a tenth of a plan
            raise TableMissing(MISSING.format(name=name, folder=folder))
        try:
            table = DeltaTable(str(folder), version=version)
        except TableNotFoundError as missing:
            if (folder / MARK).exists():
                raise damaged_error(name, version, log_damage(folder)) from missing
            raise TableMissing(MISSING.format(name=name, folder=folder)) from missing
        refuse_half_written(name, folder, table.version())
        refuse_newer(name, folder / LOG, table.version())
        refuse_unreadable(name, table)
    return table


def newest(root: Path, name: str) -> Snapshot | None:
    """The newest snapshot, or None when the table was never published."""
    with suppress(TableMissing):
        return open_snapshot(root, name)
    return None


def table_names(root: Path) -> list[str]:
    """The tables under `root` (`<layer>/<dataset>`) in order: also one that has lost its log or is closed, none that had no commit yet."""
    folders, closed = folders_in(root)
    return sorted([*closed, *(name for name in folders if is_table(f"{root}/{name}"))])


def total_rows(files: Iterable[DataFile]) -> int:
    """Count the rows of some files, from the log alone."""
    return sum(file.rows for file in files)
