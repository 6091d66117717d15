"""The token that lets somebody use the UI: sent by programs with each request, by a person once, in the address, for a cookie.

The cookie is made from the token but is not it, and no page can read it or have it sent from elsewhere. Nothing here prints the token.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

PARAMETER, BEARER = "token", "Bearer "


@dataclass(frozen=True, slots=True)
class Entry:
    """Who has the token comes in; without a token, everybody does."""

    token: str = field(default="", repr=False)
    cookie: str = "assay"

    def admits(self, scope: MutableMapping[str, Any], headers: Mapping[str, str]) -> bool:
        """Whether a request brings the token, or the cookie that was given for it."""
        if not self.token:
            return True
        given = headers.get("authorization", "")
        return (
            _same(given.removeprefix(BEARER), self.token if given.startswith(BEARER) else "")
            or _same(_cookies(headers).get(self.cookie, ""), self._pass)
            or self._in_address(scope)
        )

    def exchange(self, scope: MutableMapping[str, Any]) -> dict[str, str] | None:
        """For an address with the token: where to go on, without it, and the cookie. It is for a request that was let in."""
        if not self._in_address(scope):
            return None
        rest = [pair for pair in _query(scope) if pair[0] != PARAMETER]
        place = "/" + quote(scope["path"]).lstrip("/") + (f"?{urlencode(rest)}" if rest else "")
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        return {
            "location": place,
            "set-cookie": f"{self.cookie}={self._pass}; Path=/; HttpOnly; SameSite=Strict{secure}",
            "referrer-policy": "no-referrer",
        }

    @property
    def _pass(self) -> str:
        return hmac.new(self.token.encode(), b"assay: the cookie", hashlib.sha256).hexdigest()

    def _in_address(self, scope: MutableMapping[str, Any]) -> bool:
        if not self.token or scope["type"] != "http" or scope["method"] != "GET":
            return False
        return any(_same(value, self.token) for name, value in _query(scope) if name == PARAMETER)


def _same(given: str, wanted: str) -> bool:
    """In constant time, so that no answer tells how much of a guess is right. Nothing is never the same as anything."""
    return bool(wanted) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def _query(scope: MutableMapping[str, Any]) -> list[tuple[str, str]]:
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _cookies(headers: Mapping[str, str]) -> dict[str, str]:
    try:
        return {name: one.value for name, one in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}
