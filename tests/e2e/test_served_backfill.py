"""The UI's own way: a backfill launched as the backfill page launches it, executed by the daemon's run launcher, judged by its records."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from flights.upstream import drop_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ASSAY = Path(sys.executable).parent / "assay"
START_SECONDS, BACKFILL_SECONDS = 300, 900  # a machine may be busy
LAUNCH = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } } }"
STATUS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"""


@contextmanager
def served(home: Path) -> Iterator[str]:
    """`assay serve` on a free loopback port: webserver, daemon and code server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"ASSAY_HOME": str(home), "PATH": f"{ASSAY.parent}:/usr/bin:/bin"}
    with (home.parent / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [str(ASSAY), "serve", "--port", str(port)], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(url), START_SECONDS, lambda: f"{url} did not answer: {(home.parent / 'serve.log').read_text()[-2000:]}")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/server_info", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float, complaint: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(1)


def graphql(url: str, query: str, variables: dict[str, Any]) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as response:
        return json.load(response)["data"]


@pytest.mark.slow
def test_a_backfill_from_the_ui_publishes_the_good_days_and_shows_the_bad_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    drop_files(home / "landing", date(2013, 1, 1), date(2013, 1, 3))
    (home / "landing/flights/flights_2013-01-02.csv").write_text("no header\n")
    days = ["2013-01-01", "2013-01-02", "2013-01-03"]
    with served(home) as url:
        launched = graphql(url, LAUNCH, {"p": {"assetSelection": [{"path": ["bronze", "flights"]}], "partitionNames": days}})
        backfill = launched["launchPartitionBackfill"]["backfillId"]
        wait_for(lambda: status(url, backfill) != "REQUESTED", BACKFILL_SECONDS, lambda: "the backfill did not end")
        assert status(url, backfill) == "COMPLETED_FAILED"
        os.kill(process_with_the_code(url), signal.SIGKILL)  # as a machine does that runs out of memory
        wait_for(lambda: location(url) == "PythonError", START_SECONDS, lambda: "the process with the code was not missed")
        wait_for(lambda: location(url) == "RepositoryLocation", START_SECONDS, lambda: "the code is not loaded again")
        said = (home.parent / "serve.log").read_text()
        assert "assay: a code server has lost the process that had loaded the code; it is started again." in said
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with dg.DagsterInstance.get() as instance:
        key = dg.AssetKey(["bronze", "flights"])
        assert instance.get_materialized_partitions(key) >= {"2013-01-01", "2013-01-03"}
        assert "2013-01-02" not in instance.get_materialized_partitions(key)
        runs = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill}))
        assert len(runs) == 1, "one run for the whole range"


def process_with_the_code(url: str) -> int:
    """The child of the code server whose parent serves on this port too."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    processes = [(int(pid), int(parent), said) for pid, parent, said in (line.split(maxsplit=2) for line in listed.splitlines())]
    port = url.rpartition(":")[2]
    [serving] = [parent for _, parent, said in processes if "assay.cli.web_server" in said and f"--port {port}" in said]
    [server] = [pid for pid, parent, said in processes if parent == serving and "code-server" in said]
    [found] = [pid for pid, parent, _ in processes if parent == server]
    return found


def location(url: str) -> str:
    """What the UI has of the code location: its repository, or the error with which it was loaded."""
    [entry] = graphql(url, LOCATIONS, {})["workspaceOrError"]["locationEntries"]
    return str(entry["locationOrLoadError"]["__typename"])


def status(url: str, backfill: str) -> str:
    return str(graphql(url, STATUS, {"id": backfill})["partitionBackfillOrError"]["status"])
