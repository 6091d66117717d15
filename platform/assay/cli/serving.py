"""The Dagster UI with its daemon, as a child of this process: it is said to be there when it answers, and ends when it is asked to."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress

import typer

from assay.cli.running import prepare
from assay.errors import SettingsError
from assay.settings import CHECKOUT, Settings
from assay.stopping import Stopped, at_the_end

HOST = "127.0.0.1"
POLL_SECONDS, PATIENCE_SECONDS = 0.5, 12


class ServerEnded(SettingsError):
    """The UI ended although nobody asked it to."""

    hint = "What it said stands above."


def serve(settings: Settings, port: int) -> None:
    """Serve until a signal comes. Raises SettingsError for a port that cannot be had, ServerEnded when Dagster ends by itself."""
    _require_free(port)
    prepare(settings)
    typer.echo(f"Starting the Dagster UI on port {port} ...")
    command = shutil.which("dagster", path=os.path.dirname(sys.executable)) or "dagster"  # noqa: PTH120  # a search path is text
    arguments = [command, "dev", "--workspace", str(settings.workspace), "--host", HOST, "--port", str(port)]
    # in a session of its own: the terminal's Ctrl-C comes here alone and is handed on once
    server = subprocess.Popen(arguments, cwd=CHECKOUT, start_new_session=True)
    with at_the_end(lambda stopped: _end(server, stopped)):
        while server.poll() is None and not _answers(port):
            time.sleep(POLL_SECONDS)
        if server.poll() is None:
            typer.echo(f"Dagster UI: http://{HOST}:{port} (Ctrl-C ends it)")
            sys.stdout.flush()
        raise ServerEnded(f"Tried to serve on port {port}; Dagster ended with {server.wait()}.")


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a port would not be free for a minute after its last use
        try:
            probe.bind((HOST, port))
        except OSError as error:
            said = (error.strerror or "it cannot be had").lower()
            raise SettingsError(f"Tried to serve on port {port}; {said}.", hint="Name another with --port.") from error


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=2) as answer:  # http, and this machine
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _end(server: subprocess.Popen[bytes], stopped: Stopped) -> None:
    """Let Dagster end its webserver and daemon; whatever does not end is killed. To be asked to end is no failure of a server."""
    stopped.code = 0
    with suppress(ProcessLookupError):
        server.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(PATIENCE_SECONDS)
        os.killpg(server.pid, signal.SIGKILL)
