"""What a home of the model has in the place of slow or lucky things: a clock that stands, names that are counted, a build of gold without dbt.

A life costs as little as it can, and the same choices give the same life on every machine, whatever its disks, its clock and its threads do.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from hashlib import blake2b
from itertools import count, islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

import duckdb
from lake_product import BY_MONTH
from lake_world import NOW, memory

from assay.erasure import proving
from assay.gold import staged as gold_staged
from assay.gold import step as gold_step
from assay.gold.dbt_results import BuildResult, NodeResult
from assay.gold.models import LAYER
from assay.gold.staged import stage_model
from assay.ingest import landing_file
from assay.ingest import step as ingest_step
from assay.lake import log
from assay.lake.duckdb_sql import literal
from assay.lake.snapshots import open_snapshot
from assay.orchestration import plan, plan_inputs
from assay.refine import step as refine_step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from assay.lake.snapshots import DataFile

AT_REST_NS = 10_000_000  # the clock of a file system in memory ticks more often: a life has no time to wait for a coarser one
SUMMED_UP_EVERY = 25  # entries of a log: to open a table of a hundred takes ten times as long, and long lives sum up, too
AHEAD = (ingest_step, refine_step, gold_staged)  # whoever has a chunk made while the one before is written
Item = TypeVar("Item")
_numbers = count()


@contextmanager
def quick() -> Iterator[None]:
    """Inside, the gold step gets its rows from the SQL of `lake_product`, run by DuckDB on the pinned snapshots; and the clock stands still,
    long after all partitions: Dagster takes milliseconds to tell the time. Nobody cuts the power, so nothing is synced: a busy disk takes
    minutes for what it owes to others. Chunks are made by who asked for them, and temporary folders are seen by nobody else.
    """
    with ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="model-", dir=memory()))
        for owner, name, replaced in (
            (tempfile, "tempdir", temporary), (os, "sync", lambda: None), (os, "fsync", lambda _: None), (uuid, "uuid4", _in_order()),
            (proving, "time", SimpleNamespace(sleep=lambda _: None)), (plan, "now", lambda: NOW),
            (plan_inputs, "now", lambda: NOW), (landing_file, "SETTLED_NS", AT_REST_NS), (log, "CHECKPOINT_EVERY", SUMMED_UP_EVERY),
            (gold_step, "build", _build), (gold_step, "stage_model", stage_model), (duckdb, "connect", _connecting(duckdb.connect)),
            *((step, "ahead", _one_ahead) for step in AHEAD),
        ):  # fmt: skip
            stack.enter_context(mock.patch.object(owner, name, replaced))
        yield


def _in_order() -> Callable[[], uuid.UUID]:
    """Names that nobody else has, the same ones in each life."""
    numbers = count()
    return lambda: uuid.UUID(bytes=blake2b(str(next(numbers)).encode(), digest_size=16).digest(), version=4)


def _one_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same as in a thread: when an item is given, the next one is made. Whether it could be is said when it is asked for."""
    source = iter(items)

    def make() -> Callable[[], list[Item]]:
        try:
            made = list(islice(source, 1))
        except Exception as error:  # noqa: BLE001  # whatever it is, who asks is told
            return partial(_raise, error)
        return lambda: made

    coming = make()
    while made := coming():
        coming = make()
        yield made.pop()


def _raise(error: Exception) -> Any:
    raise error


def _connecting(real: Callable[..., Any]) -> Callable[..., Any]:
    def connect(path: str = ":memory:", **said: Any) -> Any:
        return _attached(path, " (READ_ONLY)") if said.get("read_only") and "config" in said else real(path, **said)

    return connect


@cache
def _shared() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


@contextmanager
def _attached(path: Path | str, how: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """A database file beside others in one DuckDB: to begin one anew takes ten times as long."""
    name = f"attached_{next(_numbers)}"
    with _shared().cursor() as connection:
        connection.execute(f"ATTACH {literal(str(path))} AS {name}{how}")
        connection.execute(f"USE {name}")
        try:
            yield connection
        finally:
            connection.execute("USE memory")
            connection.execute(f"DETACH {name}")


def _build(
    folder: Path, *, manifest: Path, models: Sequence[str], window: tuple[date, date] | None, pins: Mapping[str, int], lake: Path,
    scratch: Path, replaced: Mapping[str, Collection[str]], discretion: object,
) -> BuildResult:  # fmt: skip
    assert window is not None
    path = scratch / uuid.uuid4().hex / "build.duckdb"
    path.parent.mkdir(parents=True)
    with _attached(path) as connection:
        connection.execute("CREATE SCHEMA staged")
        for name in models:
            _, sql = BY_MONTH[name]
            body = (
                f"SELECT * FROM ({_filled(sql, pins, lake, building=models, window=window, replaced=replaced)}) WHERE day >= ? AND day < ?"
            )
            connection.execute(f"CREATE TABLE staged.{name} AS {body}", list(window))
    return BuildResult(tuple(NodeResult(name, name, "model", None, True, "error", 0, "", 0.0, None) for name in models), path)


def _filled(
    sql: str,
    pins: Mapping[str, int],
    lake: Path,
    *,
    building: Sequence[str],
    window: tuple[date, date],
    replaced: Mapping[str, Collection[str]],
) -> str:
    """The SQL with each input in the place of its name: published rows, and of a model of this build those that it has just made."""
    for table in {name for reads, _ in BY_MONTH.values() for name in reads}:
        if f"{{{table}}}" not in sql:
            continue
        there, made = open_snapshot(lake, table, pins[table]) if table in pins else None, {*replaced.get(table, ())}
        published = there.duckdb_select(partial(_is_not_of, made)) if there else None
        model = table.partition("/")[2]
        if table.startswith(f"{LAYER}/") and model in building:
            outside = f"SELECT * FROM ({published}) WHERE day < DATE '{window[0]}' OR day >= DATE '{window[1]}' UNION ALL BY NAME "
            published = f"{outside if published else ''}SELECT * FROM staged.{model}"
        sql = sql.replace(f"{{{table}}}", f"({published})")
    return sql


def _is_not_of(keys: Collection[str], file: DataFile) -> bool:
    return "".join(file.values) not in keys
