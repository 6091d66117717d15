"""The processes of `assay serve`: the code servers of a workspace, the daemon and the UI, each started once, watched, and ended in order.

A code server carries out whatever it is told to. So each listens on a socket in a folder that only this user can enter, on no port.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import typer
import yaml

from assay.cli.serving_child import WITHOUT_CODE
from assay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

POLL_SECONDS, PATIENCE_SECONDS = 0.5, 12
AGAIN_SECONDS = 5  # a code server that ended is started again, as `dagster dev` does
DAEMON = "the daemon"
PROGRAM = (sys.executable, "-m", "assay.cli.serving_child")
CODE_OPTIONS = ("module_name", "attribute", "package_name", "python_file")  # of an entry of a workspace, and of a code server


class ServerEnded(SettingsError):
    """A part of the UI ended although nobody asked it to."""

    hint = "What it said stands above."


@dataclass(slots=True)
class Children:
    """The processes that were started in the project's folder, and the folder of what they share."""

    project: Path
    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix="assay-serve-")))
    code: list[tuple[Sequence[str], subprocess.Popen[bytes]]] = field(default_factory=list)
    others: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ending: bool = False

    def start_code(self, workspace: Path) -> Path:
        """Start a code server for each entry of a workspace that names code. Returns a workspace of these servers."""
        found = yaml.safe_load(workspace.read_text(encoding="utf-8"))
        entries = [self._served(entry, number, workspace.parent) for number, entry in enumerate(found["load_from"])]
        served = self.folder / "workspace.yaml"
        served.write_text(yaml.safe_dump({"load_from": entries}), encoding="utf-8")
        return served

    def start(self, name: str, command: Sequence[str], given: bytes = b"") -> None:
        """Start the daemon or the UI, which reads a line that it is given from its standard input."""
        self.others[name] = self._start(command, given)

    def start_again(self, name: str, command: Sequence[str]) -> None:
        """Let one end, and start it anew. Runs are the code servers' children, and go on."""
        last = time.monotonic() + PATIENCE_SECONDS
        _ask_to_end([self.others[name]], last)
        _kill([self.others[name]])
        self.start(name, command)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for something that these processes do. Raises ServerEnded when one ends before."""
        while not ready():
            self._require_alive(code=True)
            time.sleep(POLL_SECONDS)

    def watch(self, looks: Sequence[Callable[[], None]]) -> None:
        """Watch over them until one ends that must not: ServerEnded. A code server that ends is started again. The `looks` are called now
        and then; what one raises ends the watch.
        """
        while True:
            time.sleep(POLL_SECONDS)
            for look in looks:
                look()
            self._require_alive()
            for number, (command, process) in enumerate(self.code):
                if process.poll() is not None and not self.ending:
                    lost = process.returncode == WITHOUT_CODE
                    why = "has lost the process that had loaded the code" if lost else f"ended with {process.returncode}"
                    typer.echo(f"assay: a code server {why}; it is started again.", err=True)
                    time.sleep(AGAIN_SECONDS)
                    self.code[number] = command, self._start(command)

    def end(self) -> None:
        """Let them end, the daemon first: it asks the code servers, and starts runs. Whatever does not end is killed."""
        self.ending, last = True, time.monotonic() + PATIENCE_SECONDS
        every = [*self.others.values(), *(process for _, process in self.code)]
        for group in ([self.others[DAEMON]] if DAEMON in self.others else [], every):
            _ask_to_end(group, last)
        _kill(every)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _served(self, entry: dict[str, Any], number: int, folder: Path) -> dict[str, Any]:
        [(kind, said)] = entry.items()
        if kind == "grpc_server":
            return entry
        about = said if isinstance(said, dict) else {kind: said}
        place = self.folder / f"{number}.sock"
        name = about.get("location_name") or str(about.get("module_name") or about.get(kind))
        command = [*PROGRAM, "dagster", "code-server", "start", "--socket", str(place), "--location-name", name, "--log-level", "warning",
                   "--inject-env-vars-from-instance", "--working-directory", str(folder / about.get("working_directory", "."))]  # fmt: skip
        for option in CODE_OPTIONS:
            if about.get(option):
                command += [f"--{option.replace('_', '-')}", str(folder / about[option]) if option == "python_file" else about[option]]
        self.code.append((command, self._start(command)))
        self.wait_until(lambda: _listens(place))
        return {"grpc_server": {"socket": str(place), "location_name": name}}

    def _start(self, command: Sequence[str], given: bytes = b"") -> subprocess.Popen[bytes]:
        # in a session of its own: the terminal's Ctrl-C comes to `assay serve` alone and is handed on once
        started = subprocess.Popen(command, cwd=self.project, stdin=subprocess.PIPE, start_new_session=True, bufsize=0)
        if started.stdin is not None:  # it stays open as long as this process is there: see `serving_child`
            with suppress(BrokenPipeError):
                started.stdin.write(given)
        return started

    def _require_alive(self, *, code: bool = False) -> None:
        """Raise ServerEnded when one of the others ended, or, where it is asked for, a code server; not while they are ended."""
        parts = [*self.others.items(), *(("a code server", process) for _, process in self.code if code)]
        ended = next(((name, process.returncode) for name, process in parts if process.poll() is not None), None)
        if ended is not None and not self.ending:
            name, code_of_exit = ended
            raise ServerEnded(f"Tried to serve; {name} ended with {code_of_exit}.")


def _ask_to_end(group: Sequence[subprocess.Popen[bytes]], last: float) -> None:
    """Ask processes to end, and wait for them until a moment at the latest (`time.monotonic`)."""
    for process in group:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in group:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, last - time.monotonic()))


def _kill(group: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in group:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it left behind as well


def _listens(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(place))
        except OSError:
            return False
        return True
