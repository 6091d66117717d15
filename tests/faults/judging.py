"""Judging: what must be true of a home at whatever instant its last process has ended, and what of it once it was worked on again."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import polars as pl
from people_world import database, found_in
from tales import ADA, BACKFILL, REMARK, SILVER
from warm import run

from assay.cli.lake_reader import connect
from assay.cli.quarantine_reports import sums_of
from assay.errors import TableDamaged
from assay.lake.erasures import DONE, erasures
from assay.lake.snapshots import Snapshot, newest, open_snapshot, table_names
from assay.masking.keyring import read_ring
from assay.masking.tokens import tokenizer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from people_world import People
    from tales import Tale

BY_CHANCE = {
    "removal",
    "removed_at",
    "run_id",
    "_publication",
    "decided_at",
    "asked_at",
    "done_at",
    "contract_version",
}  # what no two runs have in common
TOKEN = re.compile(r"\btok_([a-z0-9]{1,16})_")
State = dict[str, list[str]]
Versions = dict[str, int]  # the newest version of each table


class Wrong(AssertionError):
    """A promise that was broken."""


def require(good: object, complaint: str) -> None:
    if not good:
        raise Wrong(complaint)


def content(snapshot: Snapshot) -> str:
    """A digest of the rows of a version, all read, whatever is chance left out."""
    rows = snapshot.scan().collect()
    rows = rows.drop([name for name in rows.columns if name in BY_CHANCE or name == "detail"])
    said = sorted(map(str, rows.select(sorted(rows.columns)).rows()))
    return hashlib.blake2b("\n".join(said).encode(), digest_size=8).hexdigest()


def history(lake: Path) -> dict[str, list[str]]:
    """The content of each version of each table; that of an old version whose files an erasure has removed is unknown, and empty."""
    found: dict[str, list[str]] = {}
    for name in table_names(lake):
        for version in range(open_snapshot(lake, name).version + 1):
            try:
                found.setdefault(name, []).append(content(open_snapshot(lake, name, version)))
            except (TableDamaged, OSError, pl.exceptions.PolarsError):
                found.setdefault(name, []).append("")
    return found


def state(people: People) -> State:
    """What readers see, however it came about."""
    connection = connect(people.home / "lake")
    names = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
    found = {}
    for schema, name in sorted(names):
        if schema in {"main", "erasures"}:
            continue
        rows = connection.sql(f'SELECT * FROM "{schema}"."{name}"').pl()
        rows = rows.drop([column for column in rows.columns if column in BY_CHANCE])
        found[f"{schema}.{name}"] = sorted(map(str, rows.rows()))
    return {name: rows for name, rows in found.items() if rows}


def terms(people: People) -> list[str]:
    """What tells of Ada: her values, and her tokens by every key."""
    keys = read_ring(people.settings.masking_keys).keys
    return [ADA, REMARK, *(tokenizer(key, "subject:customer")(ADA) for key in keys)]


def judge(people: People, calm: dict[str, list[str]] | None, *, but: Collection[str] = ()) -> None:
    """At any instant: each table can be read whole, each sum closes, each token's key is there, Dagster's files are sound.

    `but` are tables that were damaged: beside them the others are read.
    """
    lake = people.home / "lake"
    for name in table_names(lake):
        if name in but or (table := newest(lake, name)) is None:
            continue  # it was about to be made
        known = (calm or {}).get(name, [])
        found = content(table)
        if table.version < len(known) and known[table.version]:
            require(found == known[table.version], f"version {table.version} of {name} is none of the undisturbed run")
    seen = state(people) if lake.exists() and not but else {}
    wrong = [said for said in sums_of(people.settings) if "is NOT" in said and "has begun and is not done" not in said]
    require(not wrong, f"a sum does not close: {wrong}")
    used = {key for rows in seen.values() for row in rows for key in TOKEN.findall(row)}
    known_keys = {key.id for key in read_ring(people.settings.masking_keys).keys} if used else used
    require(used <= known_keys, f"published with keys that are gone: {used - known_keys}")
    for file in (people.home / "dagster").rglob("*.db"):
        with database(file) as copied:
            said = copied.execute("PRAGMA integrity_check").fetchall()
        require(said == [("ok",)], f"{file.name}: {said}")
    for one in erasures(lake) if lake.exists() else []:
        if one.state == DONE:
            require_erased(people)


def require_erased(people: People) -> None:
    found = [path for path in found_in(people.home, terms(people)) if not path.startswith("landing/") and not path.endswith("-shm")]
    require(not found, f"there is a receipt, and she is in {found[:4]}")


def judge_the_end(people: People, tale: Tale, calm: State) -> None:
    """What a person runs next succeeds, and leaves what the undisturbed command has left; then nothing is left to do."""
    lake, gold = people.home / "lake", "gold.paid_by_town"
    without_gold = tale.command == BACKFILL and not tale.gold_there and not (lake / "gold").exists()
    if without_gold:  # it has not been come to: to build it takes longer than all the rest
        run(people, *SILVER)
    else:
        tale.go_on(people)
    found = state(people)
    if "rotate" not in tale.command:
        wanted = {name: rows for name, rows in calm.items() if not (without_gold and name == gold)}
        require(found.keys() == wanted.keys(), f"tables: {sorted(found.keys() ^ wanted.keys())}")
        wrong = [name for name in wanted if found[name] != wanted[name]]
        require(not wrong, "".join(_difference(name, found[name], wanted[name]) for name in wrong))
    if not without_gold:
        said = run(people, "backfill")
        require("Nothing to do" in said, f"a second backfill has something to do: {said}")
    judge(people, None)
    if tale.name == "erase":
        require([one.state for one in erasures(lake)] == [DONE], "there is no receipt, or more than one")


def _difference(name: str, found: list[str], wanted: list[str]) -> str:
    more, less = (sorted({*one} - {*other})[:2] for one, other in ((found, wanted), (wanted, found)))
    return f"{name}: {len(found)} rows instead of {len(wanted)}; too much {json.dumps(more)}, missing {json.dumps(less)}. "


def tables_of(paths: Iterable[str]) -> Versions:
    """The newest versions by the names of commits, such as `home/lake/silver/payments/_delta_log/00..1.json`."""
    found: Versions = {}
    for path in paths:
        table, _, entry = path.partition("/_delta_log/")
        if entry.endswith(".json") and entry[:20].isdecimal():
            found[table] = max(found.get(table, -1), int(entry[:20]))
    return found
