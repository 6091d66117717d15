"""Tables as their logs say, for the invariants: each entry and each file is read once, by nothing of delta-rs and none of Assay's readers.

A reader of the product opens a version anew, which takes milliseconds; of thousands of versions that is most of the time. Whether the product
reads the same is asked whenever nobody is at work.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from assay.cached_property import cached_property
from assay.lake.manifest import Manifest, manifest_of

TOKEN, GONE = "assay:", -1


class File(NamedTuple):
    """A file that a version names."""

    path: str
    values: tuple[str, ...]
    rows: int

    @property
    def digest(self) -> str:
        """What its name says of its bytes; the name itself for a file of another tool."""
        parts = os.path.basename(self.path).split("-")  # noqa: PTH119  # a hundred times a version
        return parts[1] if len(parts) == 3 and parts[0] == "part" else os.path.basename(self.path)  # noqa: PTH119  # asked of each file at each step: a Path takes too long

    @property
    def exists(self) -> bool:
        return os.path.exists(self.path)  # noqa: PTH110  # the same


@dataclass(frozen=True)
class Entry:
    """One version's entry in a log."""

    info: dict[str, Any]
    added: tuple[File, ...]
    removed: tuple[File, ...]
    tokens: dict[str, int]
    columns: tuple[str, ...] | None  # the partition columns, if it says them


@dataclass(frozen=True)
class Table:
    """A version of a table. `content` reads the rows of its files."""

    name: str
    version: int
    columns: tuple[str, ...]
    by_path: dict[str, File]
    tokens: dict[str, int]
    content: Contents

    @cached_property
    def files(self) -> list[File]:
        return sorted(self.by_path.values(), key=lambda file: (file.values, file.path))

    @property
    def readable(self) -> bool:
        """Whether all its files are there: an erasure takes those of old versions."""
        return all(file.exists and file.path not in self.content.damaged for file in self.by_path.values())

    def token(self, key: str) -> int | None:
        """The number of a partition; None for one that was never published, or is gone."""
        found = self.tokens.get(TOKEN + key)
        return None if found == GONE else found

    def publication(self, key: str) -> int | None:
        """The publication of a partition, by which quarantine and claims know what is shown of theirs."""
        return self.tokens.get(f"{TOKEN}publication/{key}") if self.token(key) is not None else None

    def rows(self) -> list[dict[str, Any]]:
        """All rows, with the partition columns as text."""
        return [row for file in self.files for row in self.rows_of(file)]

    def rows_of(self, file: File) -> list[dict[str, Any]]:
        values = dict(zip(self.columns, file.values, strict=True))
        return [row | values for row in self.content.rows(file)]


@dataclass
class Contents:
    """What is in files, by path: a file is written once and never changed, but by a damage that says so."""

    known: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)

    def rows(self, file: File) -> list[dict[str, Any]]:
        if file.path not in self.known:
            self.known[file.path] = pq.read_table(pa.BufferReader(Path(file.path).read_bytes())).to_pylist()
        return self.known[file.path]

    def manifest(self, file: File) -> Manifest:
        if file.path not in self.manifests:
            self.manifests[file.path] = manifest_of(file.path)
        return self.manifests[file.path]

    def tells(self, path: str, terms: list[str]) -> bool:
        """Whether a file tells one of some texts, in its bytes or packed in Parquet."""
        if path not in self.said or not path.endswith(".parquet"):
            content = Path(path).read_bytes()
            packed = str(_packed(content)) if content.startswith(b"PAR1") else ""
            self.said[path] = content.decode(errors="replace") + packed
        return any(text in self.said[path] for text in terms)


@dataclass
class Tables:
    """All versions of all tables under a root."""

    root: Path
    contents: Contents = field(default_factory=Contents)
    versions: dict[str, list[Table]] = field(default_factory=lambda: defaultdict(list))
    entries: dict[tuple[str, int], Entry] = field(default_factory=dict)

    def fresh(self) -> list[tuple[str, int]]:
        """The versions that nobody has looked at yet, of each table in order."""
        found = []
        for layer in _inside(self.root):
            for dataset in _inside(f"{self.root}/{layer}"):
                name, log = f"{layer}/{dataset}", f"{self.root}/{layer}/{dataset}/_delta_log"
                version = len(self.versions[name])
                while os.path.exists(f"{log}/{version:020d}.json"):  # noqa: PTH110  # asked at each step, and a log has a hundred entries
                    found.append((name, version))
                    version += 1
        return found

    def read(self, name: str, version: int) -> Table:
        """The next version of a table."""
        before, entry = self.newest(name), self._entry(name, version)
        self.entries[name, version] = entry
        columns = entry.columns if entry.columns is not None else before.columns if before else ()
        by_path = dict(before.by_path if before else {})
        for file in entry.removed:
            by_path.pop(file.path, None)
        by_path |= {file.path: file for file in entry.added}
        tokens = {**(before.tokens if before else {}), **entry.tokens}
        self.versions[name].append(Table(name, version, columns, by_path, tokens, self.contents))
        for file in entry.added if name.startswith("bronze/") else ():
            if file.exists:
                self.contents.manifest(file)  # as long as it can be read
        return self.versions[name][version]

    def forget(self, name: str, version: int) -> None:
        """Versions from this one on are to be read again."""
        del self.versions[name][version:]

    def caught_up(self) -> Tables:
        """The same, after all that is new was read."""
        for name, version in self.fresh():
            self.read(name, version)
        return self

    def newest(self, name: str) -> Table | None:
        """The last version that was read."""
        return self.versions[name][-1] if self.versions.get(name) else None

    def at(self, name: str, version: int) -> Table:
        return self.versions[name][version]

    def _entry(self, name: str, version: int) -> Entry:
        text = (self.root / name / "_delta_log" / f"{version:020d}.json").read_text()
        actions = [json.loads(line) for line in text.splitlines()]
        columns = next((tuple(one["metaData"]["partitionColumns"]) for one in actions if "metaData" in one), None)
        if columns is None:
            before = self.newest(name)
            columns_now: tuple[str, ...] = before.columns if before else ()
        else:
            columns_now = columns
        files: dict[str, list[File]] = {"add": [], "remove": []}
        for action in actions:
            for kind in files.keys() & action.keys():
                said = action[kind]
                values = tuple(str((said.get("partitionValues") or {}).get(column) or "") for column in columns_now)
                rows = json.loads(said.get("stats") or "{}").get("numRecords", 0)
                files[kind].append(File(str(self.root / name / unquote(said["path"])), values, rows))
        info = next((one["commitInfo"] for one in actions if "commitInfo" in one), {})
        tokens = {one["txn"]["appId"]: one["txn"]["version"] for one in actions if "txn" in one}
        return Entry(info, tuple(files["add"]), tuple(files["remove"]), tokens, columns)


def _packed(content: bytes) -> list[dict[str, Any]]:
    try:
        return pq.read_table(pa.BufferReader(content)).to_pylist()
    except pa.ArrowException:  # it is cut: what is in its bytes is found there
        return []


def _inside(folder: Path | str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  # thousands of times, and a tenth of iterdir's time
    except OSError:
        return []
