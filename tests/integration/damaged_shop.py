"""A small lake with a table of each kind, and what can happen to the files of a table: power cuts, disks, other people's hands."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl
from deltalake import DeltaTable
from order_shop import Shop

from assay.lake.claims import claims_table
from assay.lake.erasures import begin, record
from assay.lake.fence import fence_now
from assay.lake.foreign import files_noted
from assay.lake.publisher import Provenance, publish
from assay.lake.quarantine.decisions import Decision, Kind, decide
from assay.lake.quarantine.reader import Fate, View
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage
from orders import write_contracts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ROWS = [{"number": "1"}, {"number": "5"}, {"number": "6"}, {"number": "2", "amount": "-1"}, {"number": "4", "customer": "eve"}]
TABLES = (
    "bronze/customers", "bronze/orders", "claims/orders", "decisions/orders", "erasures/requests", "gold/by_month", "gold/in_all",
    "quarantine/orders", "silver/customers", "silver/orders",
)  # fmt: skip
READABLE = ("bronze", "decisions", "erasures", "gold", "quarantine", "silver")  # what `assay sql` shows


def build(folder: Path) -> Shop:
    """Every kind of table: with and without partitions, with a log of several entries, some of them published twice."""
    shop = Shop(folder / "home", write_contracts(folder / "home/contracts")).open()
    lake = shop.home / "lake"
    for day in (1, 2):
        shop.drop(day, [row | {"day": f"2024-01-0{day}"} for row in ROWS])
        shop.ingest([day])
        shop.refine([day])
    held = View.open(lake, "orders").rows(Fate.HELD).filter(pl.col("source_row") == 4)
    decide(lake, "orders", Decision(Kind.DISCARD, "ada", datetime(2024, 2, 1, tzinfo=UTC), "a test"), held, 0, fence=fence_now(lake))
    claim = {
        "key": "1", "arrival": date(2024, 1, 1), "source_file": "orders/a.csv", "source_row": 1, "source_hash": "h", "displaced": False,
        "_partition": "2024-01-01",
    }  # fmt: skip
    table = claims_table(lake, "orders")
    table.store(table.stage(pl.DataFrame([claim]), {"2024-01-01": 7}), {}, Provenance())
    record(lake, begin(lake, "customer", "token", "ada").done(datetime(2024, 2, 2, tzinfo=UTC), {}))
    months = [Partition(month, (month,)) for month in ("2024-01-01", "2024-02-01")]
    rows = pl.DataFrame({"month": [date(2024, 1, 1), date(2024, 2, 1)], "total": [1, 2]})
    for keys in (months, months[1:]):
        _publish(lake, "gold/by_month", ("month",), keys, rows.filter(pl.col("month") >= date.fromisoformat(keys[0].key)))
    _publish(lake, "gold/in_all", (), [WHOLE], pl.DataFrame({"total": [3]}))
    _publish(lake, "gold/in_all", (), [WHOLE], pl.DataFrame({"total": [4]}))
    return shop


def _publish(lake: Path, name: str, by: tuple[str, ...], parts: Sequence[Partition], rows: pl.DataFrame) -> None:
    spec = TableSpec(name, rows.to_arrow().schema, by)
    staging = stage(lake / name, Slice(spec, tuple(parts)), [rows])
    publish(lake, staging, {part.key: 1 for part in parts} | files_noted(staging))


def copy_of(shop: Shop, home: Path) -> Path:
    """A lake that begins as the shop's is: of hard links, so nothing in it may be written to in place."""
    return shutil.copytree(shop.home, home, copy_function=os.link) / "lake"


def tree_of(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies below a folder."""
    return {str(path.relative_to(folder)): (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


@dataclass(frozen=True)
class Damage:
    """Something that happens to a table: `act` is given its folder; `words` are said of it."""

    act: Callable[[Path], object]
    words: str
    deep: bool = False  # whether the bytes have to be read to see it


def live_file(table: Path) -> Path:
    """The first data file of the newest version."""
    snapshot = open_snapshot(table.parents[1], f"{table.parent.name}/{table.name}")
    return table / next(file.path for file in snapshot.files)


def entries(table: Path) -> list[Path]:
    """The log, oldest first."""
    return sorted((table / "_delta_log").glob("*.json"))


def overwrite(path: Path, content: bytes) -> None:
    """Another content under the name."""
    path.unlink()
    path.write_bytes(content)


def flip(path: Path) -> None:
    """One bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    overwrite(path, bytes(content))


def folder_instead(path: Path) -> None:
    """A folder where a file was."""
    path.unlink()
    path.mkdir()


def with_checkpoint(table: Path) -> Path:
    """Let the table have a checkpoint; its file."""
    DeltaTable(str(table)).create_checkpoint()
    return next((table / "_delta_log").glob("*.checkpoint.parquet"))


def without_middle(table: Path) -> None:
    """An entry is gone that others follow."""
    entries(table)[-2].unlink()


def cut_between_lines(table: Path) -> None:
    """The newest entry ends after its first line, as if the file system had kept one block of it."""
    newest = entries(table)[-1]
    overwrite(newest, newest.read_bytes().partition(b"\n")[0])


FILES: dict[str, Damage] = {
    "a data file is missing": Damage(lambda table: live_file(table).unlink(), "is missing"),
    "a data file is empty": Damage(lambda table: overwrite(live_file(table), b""), "has 0 bytes, not "),
    "a data file is cut": Damage(lambda table: overwrite(live_file(table), live_file(table).read_bytes()[:-9]), " bytes, not "),
    "a folder lies in the place of a data file": Damage(lambda table: folder_instead(live_file(table)), "is no file"),
    "a bit of a data file has flipped": Damage(lambda table: flip(live_file(table)), "has other bytes than were committed", deep=True),
    "a data file is another one of its size": Damage(
        lambda table: overwrite(live_file(table), os.urandom(live_file(table).stat().st_size)), "has other bytes than were committed", deep=True
    ),
}  # fmt: skip
LOGS: dict[str, Damage] = {
    "the newest entry is empty": Damage(lambda table: overwrite(entries(table)[-1], b""), "is empty"),
    "the newest entry is cut": Damage(lambda table: overwrite(entries(table)[-1], entries(table)[-1].read_bytes()[:-40]), "cannot be read"),
    "the newest entry is cut in its first line": Damage(lambda table: overwrite(entries(table)[-1], entries(table)[-1].read_bytes()[:50]), "cannot be read"),
    "the newest entry is cut between two lines": Damage(cut_between_lines, "actions that it was committed with"),
    "the newest entry is of zeros": Damage(lambda table: overwrite(entries(table)[-1], b"\0" * 900), "cannot be read"),
    "the newest entry is something else": Damage(lambda table: overwrite(entries(table)[-1], b"[1]\n"), "line 1 is no action"),
    "an entry in the middle is missing": Damage(without_middle, "is missing"),
    "an entry in the middle is empty": Damage(lambda table: overwrite(entries(table)[-2], b""), "is empty"),
    "the first entry is missing": Damage(lambda table: entries(table)[0].unlink(), "is missing"),
    "the checkpoint is cut": Damage(lambda table: overwrite(with_checkpoint(table), b"PAR1 and no more"), "cannot be read"),
    "the checkpoint is missing": Damage(lambda table: with_checkpoint(table).unlink(), "names the checkpoint"),
    "the log is gone": Damage(lambda table: shutil.rmtree(table / "_delta_log"), "_delta_log is gone"),
    "the log is empty": Damage(lambda table: [path.unlink() for path in (table / "_delta_log").iterdir()], "has no entries"),
}  # fmt: skip
DAMAGES = FILES | LOGS
