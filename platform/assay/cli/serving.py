"""The Dagster UI with its daemon, until a signal comes: on which port, for whom, and that it is said to be there when it answers.

Only the UI listens where others can reach it, and only with the guard (`web_guard.py`) before it.
"""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import sys
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

import typer

from assay.cli import web_peers
from assay.cli.progress import say_waiting
from assay.cli.running import prepare
from assay.cli.serving_children import DAEMON, PROGRAM, Children, ServerEnded
from assay.cli.serving_clock import ClockWatch
from assay.cli.serving_watch import HomeWatch
from assay.cli.web_server import Asked
from assay.errors import SettingsError
from assay.settings import SecretReference, Settings
from assay.stopping import Stopped, at_the_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HOST = "127.0.0.1"
LOOPBACK = (HOST, "localhost")
STRANGER = "somebody-elses-name.invalid"
NEW, SHORTEST_TOKEN, TOKEN_BYTES = "new", 16, 32


def serve(settings: Settings, port: int, token: str | None = None, hosts: Sequence[str] = (), *, read_only: bool = False) -> None:
    """Serve until a signal comes, to this user, or to whoever has the token.

    Raises SettingsError for a port or a token that cannot be had, ServerEnded when Dagster ends by itself or serves unguarded, or when its
    instance goes, and what `instance_of` raises for one that cannot be used.
    """
    secret = secret_of(token)
    _require_free(port)
    asked = Asked(names_of(port, hosts, secret), f"assay-{port}", secret, web_peers.can_tell(), read_only)
    prepare(settings)
    _require_instance(settings)
    typer.echo(f"Starting the Dagster UI on port {port} ...")
    children = Children(settings.workspace.parent)
    with at_the_end(lambda stopped: _end(children, stopped)):
        try:
            daemon = _start(children, settings, port, asked)
            typer.echo(f"Dagster UI: http://{HOST}:{port}{f'/?token={secret}' if token == NEW else ''} (Ctrl-C ends it)")
            if not secret and not asked.knows_users:
                typer.echo(
                    "assay: every user of this machine can use it: the system does not say whose a connection is. --token asks for one.",
                    err=True,
                )
            sys.stdout.flush()
            children.watch([HomeWatch(settings).look, ClockWatch(settings, daemon).look])
        finally:
            children.end()


def _require_instance(settings: Settings) -> None:
    """Raise what is wrong with Dagster's instance: its own processes would say so in tracebacks."""
    from assay.orchestration.instance import instance_of

    with instance_of(settings.dagster_home, say_waiting):
        pass


def _start(children: Children, settings: Settings, port: int, asked: Asked) -> Callable[[], object]:
    """Start all, and wait until the UI answers; what is returned starts the daemon again."""
    workspace = ["--workspace", str(children.start_code(settings.workspace))]
    daemon = [*PROGRAM, "dagster-daemon", "run", *workspace]
    children.start(DAEMON, daemon)
    web = [sys.executable, "-m", "assay.cli.web_server", "--host", HOST, "--port", str(port), *workspace, "--dagster-log-level", "warning"]
    children.start("the UI", [*web, *(["--read-only"] if asked.read_only else [])], asked.to_json())
    children.wait_until(lambda: _status(port, f"{HOST}:{port}") is not None)
    require_guard(port)
    return partial(children.start_again, DAEMON, daemon)


def require_guard(port: int) -> None:
    """Raise ServerEnded if what listens there carries out what only the guard refuses."""
    if _status(port, STRANGER) != HTTPStatus.FORBIDDEN:
        hint = "Dagster is not the version that is locked: install what requirements.lock says. It is stopped."
        raise ServerEnded("Tried to serve; the UI answers without its guard.", hint=hint)


def names_of(port: int, hosts: Sequence[str], secret: str) -> tuple[str, ...]:
    """The names that the UI goes by. Raises SettingsError for one by which others than this machine's users come, without a token."""
    for name in hosts:
        if name.partition(":")[0].lower() not in LOOPBACK and not secret:
            hint = "Give it one with --token, and have the proxy send it."
            raise SettingsError(
                f"--allow-host {name} is for a proxy, which speaks for others than this user, and no token is asked for.", hint=hint
            )
    return (*(f"{name}:{port}" for name in LOOPBACK), *(name.lower() for name in hosts))


def secret_of(token: str | None) -> str:
    """The token that is asked for; empty if none is. It is never an argument: the list of processes shows those."""
    if token is None:
        return ""
    if token == NEW:
        if not sys.stdout.isatty():
            hint = "Name one that is kept somewhere: --token file:/path or env:NAME."
            raise SettingsError("--token new prints the token, and the standard output is no terminal.", hint=hint)
        return secrets.token_urlsafe(TOKEN_BYTES)
    found = SecretReference.parse(token, "--token").read().strip()
    if len(found) < SHORTEST_TOKEN or not found.isascii() or not found.isprintable():
        raise SettingsError(
            f"The token in {token} is not {SHORTEST_TOKEN} letters long, or has others than ASCII's.",
            hint="`openssl rand -hex 32` makes one.",
        )
    return found


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a port would not be free for a minute after its last use
        try:
            probe.bind((HOST, port))
        except OSError as error:
            said = (error.strerror or "it cannot be had").lower()
            raise SettingsError(f"Tried to serve on port {port}; {said}.", hint="Name another with --port.") from error


def _status(port: int, host: str) -> int | None:
    """What the UI answers to a request for this host; None while it does not answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/server_info", headers={"Host": host})
        return connection.getresponse().status
    return None


def _end(children: Children, stopped: Stopped) -> None:
    """To be asked to end is no failure of a server."""
    stopped.code = os.EX_OK
    children.end()
