"""The log of a table: its entries, in Delta's own words, each whole and durable before it has a name.

delta-rs names an entry first and syncs nothing. A power cut can then leave a name without its content: a version that lacks its files, or a
table that nobody can open. So whatever changes a table is written here, by compare-and-swap: of two that take a name one fails.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from assay.code_version import release
from assay.lake.durable import create_file, replace_file, sync_folder
from assay.lake.format import FORMAT, FORMAT_APP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from deltalake import DeltaTable

    Action = dict[str, Any]

LOG = "_delta_log"
ENGINE = "assay"
ACTIONS = "assay.actions"  # the key of a commit that says how many COUNTED_ACTIONS it has, so that one that was cut is seen
COUNTED_ACTIONS = ("add", "txn")
PLAIN = "/!$&'()+,:;=@"  # what delta-rs leaves as it is in a path, beside letters, digits and -._~
CHECKPOINT_EVERY = 100
UNFINISHED = ".checkpoint-"  # what the folder of a checkpoint begins with that is not done yet


def entry_name(version: int) -> str:
    """How the entry of a version is called."""
    return f"{version:020d}.json"


def entry(log: Path, version: int) -> Path:
    """The file of a version."""
    return log / entry_name(version)


def put(folder: Path, version: int, actions: Iterable[Action]) -> bool:
    """Write the entry of a version of the table in a folder, unless there is one: then False, and nothing was changed."""
    log = folder / LOG
    log.mkdir(parents=True, exist_ok=True)
    if not create_file(entry(log, version), _text(actions)):
        return False
    for above in (folder, folder.parent, folder.parent.parent) if version <= 1 else ():  # whoever has made them may have been killed
        sync_folder(above)
    return True


def put_in_place(folder: Path, version: int, actions: Iterable[Action]) -> None:
    """Write the entry of a version in the place of the one that is there. At no instant is its number free for another writer."""
    replace_file(entry(folder / LOG, version), _text(actions))


def _text(actions: Iterable[Action]) -> bytes:
    """An entry as it lies on the disk: it says of which format it is, near its beginning, and how much of it there is."""
    first, *others = actions
    whole = [first, txn(FORMAT_APP, FORMAT), *others]
    said = {ACTIONS: str(sum(name in action for action in whole for name in COUNTED_ACTIONS))}
    lines = ({name: value | said if name == "commitInfo" else value for name, value in action.items()} for action in whole)
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()


def commit(table: DeltaTable, actions: Iterable[Action]) -> int | None:
    """Commit on top of the version that a handle shows; None when another writer has that version.

    The handle stays where it is: moved on it could show what others have committed since, which nobody has looked at. After any error
    nobody knows whether the commit was made: the log has to be asked.
    """
    folder, version = folder_of(table), table.version() + 1
    if not put(folder, version, actions):
        return None
    if version % CHECKPOINT_EVERY == 0:
        checkpoint(folder)
    return version


def folder_of(table: DeltaTable) -> Path:
    """Where a table lies."""
    return Path(unquote(table.table_uri.removeprefix("file://")))


def info(operation: str, said: Mapping[str, Any] | None = None, **parameters: str) -> Action:
    """What an entry says of itself: what it does, and whatever its writer wants to be known."""
    writer = f"{ENGINE}/{release()}"
    about = {"timestamp": int(time.time() * 1000), "operation": operation, "operationParameters": parameters, "engineInfo": writer}
    return {"commitInfo": {**about, **(said or {})}}


def add(path: str, size: int, values: Mapping[str, str], modified_ms: int, statistics: Mapping[str, Any]) -> Action:
    """A file of the table, by its path below it."""
    return {
        "add": {
            "path": quote(path, safe=PLAIN), "partitionValues": dict(values), "size": size, "modificationTime": modified_ms,
            "dataChange": True, "stats": json.dumps(statistics),
        }
    }  # fmt: skip


def remove(path: str, size: int, values: Mapping[str, str], moment_ms: int) -> Action:
    """A file that is none of the table's any more."""
    return {
        "remove": {
            "path": quote(path, safe=PLAIN), "dataChange": True, "deletionTimestamp": moment_ms, "extendedFileMetadata": True,
            "partitionValues": dict(values), "size": size,
        }
    }  # fmt: skip


def txn(app: str, number: int) -> Action:
    """A number that the table keeps under a name. It does not say when: that would let it expire."""
    return {"txn": {"appId": app, "version": number}}


def beginning(schema: pa.Schema, partition_by: list[str]) -> list[Action]:
    """The first entry of a table, as delta-rs writes it: protocol, columns, no file."""
    from deltalake import DeltaTable

    with TemporaryDirectory() as scratch:
        DeltaTable.create(scratch, schema=schema, mode="error", partition_by=partition_by)
        actions: list[Action] = [json.loads(line) for line in entry(Path(scratch, LOG), 0).read_text(encoding="utf-8").splitlines()]
    for action in actions:
        action.get("commitInfo", {}).get("operationParameters", {}).pop("location", None)
    return actions


def protocol_of(table: DeltaTable) -> Action:
    """What the table asks of whoever reads or writes it, at the version that the handle shows."""
    protocol = table.protocol()
    said: Action = {"minReaderVersion": protocol.min_reader_version, "minWriterVersion": protocol.min_writer_version}
    for name, features in (("readerFeatures", protocol.reader_features), ("writerFeatures", protocol.writer_features)):
        said |= {name: sorted(features)} if features is not None else {}
    return {"protocol": said}


def metadata_of(table: DeltaTable) -> Action:
    """The table's metadata at the version that the handle shows."""
    metadata = table.metadata()
    return {
        "metaData": {
            "id": str(metadata.id), "name": metadata.name, "description": metadata.description, "createdTime": metadata.created_time,
            "format": {"provider": "parquet", "options": {}}, "schemaString": table.schema().to_json(),
            "partitionColumns": metadata.partition_columns, "configuration": dict(metadata.configuration),
        }
    }  # fmt: skip


def checkpoint(folder: Path) -> int:
    """Sum up the newest version of a table for whoever opens it; returns that version. One that is summed up already stays so.

    delta-rs would write the file where all look for it, and sync nothing: half of one keeps the table from being opened. So it writes to
    a folder beside, in which the log is linked.
    """
    from deltalake import DeltaTable

    log = folder / LOG
    with TemporaryDirectory(prefix=UNFINISHED, dir=folder) as scratch:
        beside = Path(scratch, LOG)
        beside.mkdir()
        known = {path.name: path for path in log.iterdir() if path.name[:20].isdecimal() or path.name == "_last_checkpoint"}
        for name, path in known.items():
            (beside / name).symlink_to(path.absolute())
        table = DeltaTable(scratch)
        if any(name.startswith(f"{table.version():020d}.checkpoint") for name in known):
            return table.version()  # delta-rs would write nothing, not even what `_last_checkpoint` says
        (beside / "_last_checkpoint").unlink(missing_ok=True)
        table.create_checkpoint()
        for fresh in beside.glob("*.checkpoint*.parquet"):
            if not fresh.is_symlink():
                replace_file(log / fresh.name, fresh.read_bytes())
        replace_file(log / "_last_checkpoint", (beside / "_last_checkpoint").read_bytes())
        return table.version()
