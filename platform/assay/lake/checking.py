"""Checking: everything that is damaged of a table, found by looking and changing nothing. One file is read at a time.

The quick look asks the log and the file system. The deep one also reads every byte, decodes what other tools wrote, and compares each
partition with what its publication has noted.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import FormatNewer, TableDamaged, TableMissing, TableUnreadable
from assay.lake.damage import ASIDE, NO_FILE, NOT_ALLOWED, Damage, changed_files, damaged_files, first_words, log_damage, within
from assay.lake.foreign import altered
from assay.lake.layers import is_closed_layer
from assay.lake.publisher import INPUTS
from assay.lake.snapshots import newest, open_snapshot, partition_key, table_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.lake.snapshots import DataFile, Snapshot

NEWER = "cannot be checked by this Assay"


def damage_of(root: Path, name: str, *, deep: bool = False) -> list[Damage]:
    """What is damaged of a table: first of its log, then of the files of its newest version. Of a newer format nobody here can tell."""
    folder = root / name
    if is_closed_layer(name):
        return [Damage(".", NOT_ALLOWED)]
    if not folder.is_dir():
        return [Damage(".", NO_FILE.replace("file", "folder") if folder.exists() else "is gone")]
    found = log_damage(folder)
    try:
        table = open_snapshot(root, name)
        files = table.files
    except FormatNewer as error:
        return [Damage(".", f"{NEWER}: {error.message.rstrip('.')}")]
    except TableUnreadable:
        return found
    except TableMissing:  # nothing was ever published, or all of it was set aside
        return []
    if not deep:
        return found + damaged_files(table)
    broken = [*changed_files(table, files), *_undecodable(table, files)]
    named = {partition_key(one.file) for one in broken if one.file}
    others = sorted(altered(table) - named)
    return found + broken + [Damage(f"partition {key}", "has other files than were published") for key in others]


def _undecodable(table: Snapshot, files: list[DataFile]) -> Iterator[Damage]:
    """Files of other tools, which have no digest: those that cannot be decoded, or have other rows than the log says."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in files:
        if file.digest != Path(file.path).name or not Path(file.path).is_file():
            continue
        try:
            with pq.ParquetFile(file.path) as opened:
                rows = sum(batch.num_rows for batch in opened.iter_batches())
        except (pa.ArrowException, OSError, ValueError) as error:
            yield Damage(within(table, file), f"cannot be read: {first_words(error)}", file)
            continue
        if rows != file.rows:
            yield Damage(within(table, file), f"has {rows} rows, not {file.rows}", file)


def refuse_newer_tables(root: Path) -> None:
    """Raise FormatNewer if any table is of a newer format, LayerClosed if a layer cannot be listed: for whoever would otherwise have done
    half of something for the whole lake.
    """
    for name in table_names(root):
        with suppress(TableDamaged):
            open_snapshot(root, name)


def all_tables(root: Path) -> list[str]:
    """The tables that there are, and those that others were made from and that are gone."""
    return sorted({*table_names(root), *forgotten(root)})


def forgotten(root: Path) -> dict[str, str]:
    """The tables that are not there as another one has read them, gone or of a version before, and who has read which, in a sentence."""
    found: dict[str, str] = {}
    for name in table_names(root):
        for read in _read_by(root, name):
            if why := as_read_by(root, read, name):
                found.setdefault(read, why)
    return found


def as_read_by(root: Path, name: str, reader: str) -> str | None:
    """Why a table is not there as another one has read it; None if it is, or if it was set aside."""
    try:
        there, version = newest(root, name), _read_by(root, reader).get(name)
    except TableUnreadable:
        return None
    if version is None or (root / name / ASIDE).exists() or (there is not None and there.version >= version):
        return None
    return f"{reader} was made from version {version} of it, and {'it is gone' if there is None else f'its newest is {there.version}'}"


def _read_by(root: Path, name: str) -> dict[str, int]:
    """The versions that the newest publication of a table has read; none of one that cannot be read."""
    try:
        table = newest(root, name)
        said = next((one[INPUTS] for one in table.history(limit=10) if INPUTS in one), "{}") if table else "{}"
    except TableUnreadable:
        return {}
    return {read: int(version) for read, version in json.loads(said).items()}
