"""The guard before the UI: whose requests are carried out. It sees each request before Dagster's web server, which asks nobody anything.

A browser sends requests for whatever page it shows, so a page from elsewhere must not be able to give orders, to read answers, to draw the
UI in a frame, or to come in under a name of its own. Nothing here knows Dagster but for the paths that it serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from assay.cli.web_token import Entry

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS = ("GET", "HEAD", "POST")
GRAPHQL = "/graphql"
NO_PAGES = (
    GRAPHQL,
    "/report_asset_",
    "/logs/",
    "/notebook",
    "/dagit/notebook",
    "/download_debug/",
)  # where a link from elsewhere leads to nothing
JSON = "application/json"
OURS = ("same-origin", "none")  # of Sec-Fetch-Site: the UI itself, and what a person typed
ONCE = (b"host", b"origin", b"content-type", b"authorization")  # two of them could be read apart
HEADERS = {
    "x-frame-options": "SAMEORIGIN",
    "content-security-policy": "frame-ancestors 'self'",
    "referrer-policy": "same-origin",  # with no-referrer a form of the UI itself would come from the origin null
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
REPLACED = ("x-frame-options", "referrer-policy", "cross-origin-", "x-content-type-options", "access-control-")


class Refused(Exception):
    """A request that is not carried out: the status of the answer, and what it says."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom the guard lets in. `names` are the values of Host that this server answers to; `whose` tells whose process made a connection.

    Without `whose` anybody on this machine may come, as far as `entry` does not ask for a token.
    """

    names: frozenset[str]
    entry: Entry
    users: frozenset[int] = frozenset()
    whose: Callable[[tuple[str, int], tuple[str, int]], int | None] | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """An ASGI application: the one behind it, for those whom the rules let in."""

    app: App
    rules: Rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            headers = headers_of(scope)
            self.judge(scope, headers)
            moved = self.rules.entry.exchange(scope)
        except Refused as refused:
            await _answer(scope, send, refused.status, refused.why, {})
            return
        if moved is not None:
            await _answer(scope, send, HTTPStatus.SEE_OTHER, "", moved)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [
                    (name, value) for name, value in message.get("headers", ()) if not name.decode("latin-1").lower().startswith(REPLACED)
                ]
                message["headers"] = [*kept, *((name.encode(), value.encode()) for name, value in HEADERS.items())]
            await send(message)

        await self.app(scope, receive, send_guarded)

    def judge(self, scope: Scope, headers: Mapping[str, str]) -> None:
        """Raise Refused for a request that must not be carried out."""
        host = headers.get("host", "").lower()
        if host not in self.rules.names:
            raise Refused(HTTPStatus.FORBIDDEN, f"This server is not {host!a}. If it is meant to be, start it with --allow-host.")
        self._judge_peer(scope, headers)
        _judge_origin(scope, headers, host)
        if not self.rules.entry.admits(scope, headers):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "This server asks for its token: open the address that has it, or send it as Authorization: Bearer.",
            )
        if scope["type"] == "http":
            _judge_order(scope, headers, read_only=self.rules.read_only)

    def _judge_peer(self, scope: Scope, headers: Mapping[str, str]) -> None:
        """Who reaches 127.0.0.1 is anybody who has an account on this machine."""
        if self.rules.whose is None:
            return
        if "x-forwarded-for" in headers:
            raise Refused(
                HTTPStatus.FORBIDDEN,
                "This came through a proxy, which speaks for others. Start the server with --token, and give it to the proxy.",
            )
        client, server = scope.get("client"), scope.get("server")
        found = self.rules.whose(tuple(client), tuple(server)) if client and server else None
        if found not in self.rules.users:
            said = "of another user" if found is not None else "of nobody whom this server can tell"
            raise Refused(
                HTTPStatus.FORBIDDEN,
                f"This is a connection {said}. The server answers to its own user; --token lets others in who have it.",
            )


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers by their names. Raises Refused when one that decides is there twice."""
    names = [name.lower() for name, _ in scope["headers"]]
    if twice := [name for name in ONCE if names.count(name) > 1]:
        raise Refused(HTTPStatus.BAD_REQUEST, f"The header {twice[0].decode()} is there more than once.")
    return {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _judge_origin(scope: Scope, headers: Mapping[str, str], host: str) -> None:
    """Whose page a browser shows that sends this. Programs that are no browsers say nothing, and no page can make a browser say nothing."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
        raise Refused(HTTPStatus.FORBIDDEN, f"This was sent by a page from {origin!a}, not by the UI.")
    if site is None or site in OURS:
        return
    asked = (scope.get("method"), headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    if asked != ("GET", "navigate", "document") or scope["path"].startswith(NO_PAGES):
        raise Refused(HTTPStatus.FORBIDDEN, "This was sent by a page from elsewhere, not by the UI.")


def _judge_order(scope: Scope, headers: Mapping[str, str], *, read_only: bool) -> None:
    """What is no page is asked for by POST and as JSON: a form, an image or a link cannot do that."""
    method, path = scope["method"], scope["path"]
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method not in METHODS:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{method!a} is not served.")
    if method != "POST":
        if path.rstrip("/") == GRAPHQL and "text/html" not in headers.get("accept", ""):
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "A query is sent by POST.")
        return
    if kind != JSON and (kind or path.rstrip("/") == GRAPHQL):
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send {JSON}, not {kind!a}.")
    if read_only and path.rstrip("/") != GRAPHQL:
        raise Refused(HTTPStatus.FORBIDDEN, "This server only shows.")


async def _answer(scope: Scope, send: Send, status: HTTPStatus, said: str, headers: Mapping[str, str]) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    body = f"assay: {said}\n".encode() if said else b""
    every = {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        "cache-control": "no-store",
        **HEADERS,
        **headers,
    }
    await send(
        {"type": "http.response.start", "status": status, "headers": [(name.encode(), value.encode()) for name, value in every.items()]}
    )
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
