"""`assay serve` for tests of its guard: a real server, requests with any header, orders that would start a run, pages from elsewhere."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSAY = Path(sys.executable).parent / "assay"
START_SECONDS, RUN_SECONDS = 300, 600  # a machine may be busy
LAUNCH = """mutation($p: ExecutionParams!) { launchPipelineExecution(executionParams: $p) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } ... on UnauthorizedError { message } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Served:
    """A server that runs, on a port of this machine."""

    port: int
    log: Path
    pid: int

    @property
    def processes(self) -> list[str]:
        """What its processes were started with, from the list of processes: they share a folder, which the UI's is started with."""
        every = [line.replace("\0", " ") for line in map(content_of, Path("/proc").glob("[0-9]*/cmdline"))]
        folder = re.search(
            r"\S+/assay-serve-[^/]+/", next((line for line in every if f"--port {self.port} " in line and "web_server" in line), "")
        )
        return [line for line in every if folder and folder.group() in line]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None) -> Answer:
        """Send one request as it is said, and nothing else: a Host of its own is sent instead of the right one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode("utf-8", "replace"))

    def query(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> Any:
        answer = self.ask("POST", "/graphql", JSON | (headers or {}), json.dumps({"query": query, "variables": variables}))
        return json.loads(answer.body)

    def runs(self, mark: str | None = None, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """The runs that were ordered with a mark, or those that a person started in the UI."""
        found = self.query(RUNS, headers)["data"]["runsOrError"]["results"]
        tag = {"key": "mark", "value": mark} if mark else {"key": "dagster/from_ui", "value": "true"}
        return [run for run in found if tag in run["tags"]]


def order(asset: str, mark: str) -> dict[str, Any]:
    """What starts a run of one asset, with a mark by which it is known again."""
    selector = {
        "repositoryName": "__repository__", "repositoryLocationName": "flights", "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": asset.split("/")}],
    }  # fmt: skip
    tags = {"tags": [{"key": "mark", "value": mark}]}
    return {"p": {"selector": selector, "runConfigData": {}, "mode": "default", "executionMetadata": tags}}


@contextmanager
def served(home: Path, *arguments: str, **variables: str) -> Iterator[Served]:
    """`assay serve` with these arguments, until the block ends; nothing of it is left then."""
    port, log = free_port(), home.parent / f"serve-{time.monotonic_ns()}.log"
    environment = os.environ | {"ASSAY_HOME": str(home), "PATH": f"{ASSAY.parent}:/usr/bin:/bin"} | variables
    with log.open("wb") as out:
        server = subprocess.Popen(
            [str(ASSAY), "serve", "--port", str(port), *arguments], env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "Dagster UI: " not in log.read_text():
            assert server.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.2)
        yield Served(port, log, server.pid)
    finally:
        killed = server.poll() == -signal.SIGKILL
        server.send_signal(signal.SIGINT)
        assert killed or server.wait(60) == 0, log.read_text()[-3000:]


@contextmanager
def page_from_elsewhere(content: str) -> Iterator[str]:
    """A page on a server of its own: another port is another origin. Gives its address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def content_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it ended meanwhile
        return ""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
