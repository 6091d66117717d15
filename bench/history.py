"""History: the size of Dagster's own record after ten years of daily runs, and what its UI takes to answer, before and after maintenance.

`python bench/history.py [YEARS...]`. A few days are run for real; the others are rows and files like theirs, with other ids and times. The
questions are asked of the UI's own web server, as its pages ask them. Ends with 1 if an answer about assets has changed.
"""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from clock import BENCH, clean_environment, output_of
from worlds import scratch

YEARS, RUNS_A_DAY, REAL_DAYS = (1, 5, 10), 2, 2
LAST = date(2026, 1, 1)
FIRST = LAST - timedelta(days=3700)
DEFINITIONS = f"""
import dagster as dg
DAYS = dg.DailyPartitionsDefinition("{FIRST}", end_date="{LAST}")
def made(name, deps):
    check = dg.AssetCheckSpec("contract", asset=name, partitions_def=DAYS)
    @dg.asset(name=name, deps=deps, partitions_def=DAYS, check_specs=[check], group_name="lake")
    def asset():
        yield dg.MaterializeResult(metadata={{"rows": 5}}, check_results=[dg.AssetCheckResult(passed=True, check_name="contract")])
    return asset
ASSETS = [made("bronze", []), made("silver", ["bronze"]), made("gold", ["silver"])]
defs = dg.Definitions(ASSETS, jobs=[dg.define_asset_job("daily", "*")])
"""
KEY = '{path: ["gold"]}'
QUESTIONS = {
    "runs list": "{runsOrError(limit: 30) {... on Runs {results {runId status tags {key value} startTime}}}}",
    "asset page": f"{{assetNodeOrError(assetKey: {KEY}) {{... on AssetNode {{"
    "assetMaterializations(limit: 100) {partition timestamp runId tags {key value}}}}}",
    "partitions": f"{{assetNodeOrError(assetKey: {KEY}) {{... on AssetNode {{assetPartitionStatuses "
    "{... on TimePartitionStatuses {ranges {startKey endKey status}}} partitionStats {numMaterialized numFailed}}}}",
    "checks": f'{{assetCheckExecutions(assetKey: {KEY}, checkName: "contract", limit: 25) {{partition status timestamp}}}}',
}
KEPT = ("partitions",)  # whose answers are those of before; the others list history


def main() -> int:
    """Take the measure at each number of years."""
    if sys.argv[1:2] == ["--live"]:
        live(Path(sys.argv[2]))
        return 0
    if sys.argv[1:2] == ["--maintain"]:
        print(maintain(Path(sys.argv[2])))
        return 0
    kept = [measure(int(years)) for years in sys.argv[1:] or YEARS]
    return 0 if all(kept) else 1


def measure(years: int) -> bool:
    """Let an instance live for some years, and clean it up; returns whether the answers about assets are the same."""
    with scratch() as home:
        output_of([BENCH / "history.py", "--live", home])
        days = years * 365
        replicate(home / "dagster", [LAST - timedelta(days=number) for number in range(days, REAL_DAYS, -1)])
        before, answers, cost = size(home), ask(home), output_of([BENCH / "history.py", "--maintain", home])
        after, again = size(home), ask(home)
    print(f"  {years} years, {days * RUNS_A_DAY:,} runs: {cost.strip()}; {before / 1e6:.0f} MB before, {after / 1e6:.0f} MB after")
    for name in QUESTIONS:
        print(f"    {name}: {answers[name][0] * 1e3:.0f} ms before, {again[name][0] * 1e3:.0f} ms after")
    same = all(answers[name][1] == again[name][1] for name in KEPT)
    print(f"history: {before / after:.1f} x smaller{'' if same else ', and the answers are others'}", flush=True)
    return same


def live(home: Path) -> None:
    """Run a few days for real."""
    import logging

    import dagster as dg

    logging.disable(logging.CRITICAL)
    folder = home / "dagster"
    folder.mkdir(parents=True)
    (home / "lived.py").write_text(DEFINITIONS)
    shutil.copy(BENCH.parent / "platform/assay/orchestration/dagster.yaml", folder)
    os.environ["DAGSTER_HOME"] = str(folder)
    sys.path.insert(0, str(home))
    import lived

    with dg.DagsterInstance.get() as instance:
        for number in range(REAL_DAYS, 0, -1):
            for _ in range(RUNS_A_DAY):
                day = str(LAST - timedelta(days=number))
                lived.defs.resolve_job_def("daily").execute_in_process(instance=instance, partition_key=day)


def replicate(folder: Path, days: list[date]) -> None:
    """Let each day have runs as the first real one, so many days ago: rows and files, under other ids."""
    runs, index = (sqlite3.connect(folder / "history" / name) for name in ("runs.db", "runs/index.db"))
    with closing(runs), closing(index):
        model = [run for (run,) in runs.execute("SELECT run_id FROM runs ORDER BY id LIMIT ?", (RUNS_A_DAY,))]
        real_day = str(LAST - timedelta(days=REAL_DAYS))
        tables = {runs: ("runs", "run_tags"), index: ("event_logs", "asset_event_tags", "asset_check_executions")}
        rows = {table: list(_rows(database, table, model)) for database, names in tables.items() for table in names}
        for database, names in tables.items():  # what is older comes first: the real ones get greater numbers
            for table in names:
                database.execute(f"UPDATE {table} SET id = id + 1000000000")
        index.execute("UPDATE asset_event_tags SET event_id = event_id + 1000000000")
        index.execute("UPDATE asset_check_executions SET evaluation_event_storage_id = evaluation_event_storage_id + 1000000000")
        index.execute("UPDATE asset_keys SET cached_status_data = NULL")
        first = min(row[0] for row in rows["event_logs"])
        count = len(rows["event_logs"])
        for number, day in enumerate(days):
            past = timedelta(days=(LAST - timedelta(days=REAL_DAYS) - day).days)
            names_of = {run: str(uuid.uuid4()) for run in model} | {real_day: str(day)}
            for database, names in tables.items():
                for table in names:
                    database.executemany(
                        *_insert(table, [_moved(table, row, names_of, past, number * count - first + 1) for row in rows[table]])
                    )
            for run in model:
                _files(folder, run, names_of[run], past)
        for database in (runs, index):
            database.commit()


def _rows(database: sqlite3.Connection, table: str, model: list[str]) -> Iterator[tuple[Any, ...]]:
    places = ",".join("?" * len(model))
    chosen = (
        f"event_id IN (SELECT id FROM event_logs WHERE run_id IN ({places}))" if table == "asset_event_tags" else f"run_id IN ({places})"
    )
    yield from database.execute(f"SELECT * FROM {table} WHERE {chosen} ORDER BY id", model)


def _insert(table: str, rows: list[tuple[Any, ...]]) -> tuple[str, list[tuple[Any, ...]]]:
    return f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows


def _moved(table: str, row: tuple[Any, ...], names: dict[str, str], past: timedelta, further: int) -> tuple[Any, ...]:
    """A row of another day: ids, days and times are others."""

    def value(number: int, old: object) -> object:
        if number == 0 and table != "event_logs":
            return None
        if isinstance(old, int) and (number == 0 or (table, number) in {("asset_event_tags", 1), ("asset_check_executions", 8)}):
            return old + further
        if isinstance(old, float):
            return old - past.total_seconds()
        if isinstance(old, str):
            for before, after in names.items():
                old = old.replace(before, after)
            with_time = old[:4].isdigit() and old[4:5] == "-" and ":" in old[:20]
            return str(datetime.fromisoformat(old) - past) if with_time else old
        return old

    return tuple(value(number, old) for number, old in enumerate(row))


def _files(folder: Path, model: str, name: str, past: timedelta) -> None:
    then = time.time() - past.total_seconds()
    events = folder / "history/runs" / f"{name}.db"
    shutil.copy(folder / "history/runs" / f"{model}.db", events)
    logs = folder / "storage" / name / "compute_logs"
    shutil.copytree(folder / "storage" / model / "compute_logs", logs)
    for path in (events, *logs.iterdir(), logs.parent):
        os.utime(path, (then, then))


def maintain(home: Path) -> str:
    """Remove what is spent; returns what, and how long it took."""
    from assay.orchestration.history import History
    from assay.orchestration.instance import instance_of
    from assay.settings import Settings

    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    with instance_of(home / "dagster") as instance:
        began = time.perf_counter()
        first = History(Settings(home, home), instance).execute()
        took, began = time.perf_counter() - began, time.perf_counter()
        second = History(Settings(home, home), instance).execute()
    again = time.perf_counter() - began
    assert not second.runs, second
    return f"{first} removed in {took:.1f} s, nothing found again in {again:.1f} s{'; ' + first.told if first.told else ''}"


def size(home: Path) -> int:
    """The bytes that the instance takes on the disk."""
    return sum(path.stat().st_blocks * 512 for path in (home / "dagster").rglob("*"))


def ask(home: Path) -> dict[str, tuple[float, Any]]:
    """What the UI's questions take in a web server that has answered each once before, and the answers."""
    found = {}
    with serving(home) as address:
        for name, question in QUESTIONS.items():
            post(address, question)
            times = []
            for _ in range(5):
                began = time.perf_counter()
                answer = post(address, question)
                times.append(time.perf_counter() - began)
            found[name] = (sorted(times)[2], answer)
    return found


def post(address: str, question: str) -> object:
    """The answer to a question of GraphQL."""
    asked = urllib.request.Request(address, json.dumps({"query": question}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=300) as answered:
        answer = json.load(answered)
    if "errors" in answer:
        raise SystemExit(f"history: {question}: {answer}")
    return answer["data"]


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Dagster's web server on the instance, until it answers."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "dagster-webserver", "-f", home / "lived.py", "-p", str(port), "--log-level", "error"]
    with tempfile.TemporaryFile() as said:
        server = subprocess.Popen(command, env=clean_environment({"DAGSTER_HOME": str(home / "dagster")}), stdout=said, stderr=said)
        try:
            address = f"http://127.0.0.1:{port}/graphql"
            for _ in range(240):
                try:
                    post(address, "{version}")
                    break
                except OSError:
                    time.sleep(0.5)
            yield address
        finally:
            server.terminate()
            server.wait(60)


if __name__ == "__main__":
    sys.exit(main())
