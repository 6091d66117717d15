"""Messages by HTTP: a webhook that gets JSON, signed as standardwebhooks.com says, and one that takes what Slack's incoming webhooks do.

No redirect is followed, so neither a message nor its signature goes to another host than the declared one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import re
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assay.alerting.sinks import MessageRefused, SinkFailed, unreachable
from assay.alerting.time_limit import SECONDS, within
from assay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.alerting.alert import Message
    from assay.alerting.wording import Wording
    from assay.settings import SecretReference

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
MOST_BYTES, SHOWN_BYTES = 4096, 100  # of an answer
OF_THE_MESSAGE = {400, 413, 422}  # what an answer says that is about one message, and not about all
SIMPLE = re.compile(r"[A-Za-z0-9_ .,:'-]+")
SHORTEST_SECRET = 4  # letters of a part of an address that an answer must not repeat
PREFIX = "whsec_"  # of a secret in base64, as the standard spells one


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST of JSON to an address, signed if there is a secret. `url` is the address, or says where it is kept."""

    name: str
    url: str | SecretReference
    secret: SecretReference | None = None
    type: str = "webhook"

    def send(self, message: Message, wording: Wording, lost: int = 0) -> str:
        """Post a message. Raises SinkFailed, SettingsError for a secret that is not there."""
        body = json.dumps(wording.payload(message, lost)).encode()
        signed = signature(self.secret.read(), message.key, str(int(time.time())), body) if self.secret else {"webhook-id": message.key}
        return post(self.url, body, signed)


@dataclass(frozen=True, slots=True)
class Slack:
    """A POST of a text, as Slack's incoming webhooks and those of Mattermost and Rocket.Chat take it. The address itself is the secret."""

    name: str
    url: str | SecretReference
    type: str = "slack"

    def send(self, message: Message, wording: Wording, lost: int = 0) -> str:
        """Post a message. Raises SinkFailed, SettingsError for an address that is not there."""
        text = wording.text(message, lost).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return post(self.url, json.dumps({"text": text}).encode(), {"webhook-id": message.key})


def signature(secret: str, key: str, at: str, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows who has sent a message, and when."""
    text = secret.strip()
    try:
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else text.encode()
    except binascii.Error:
        raise SettingsError(f"The secret begins with {PREFIX} and is no base64.", hint="`openssl rand -base64 32` makes one.") from None
    made = base64.b64encode(hmac.new(raw, f"{key}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    return {"webhook-id": key, "webhook-timestamp": at, "webhook-signature": f"v1,{made}"}


def url_fault(url: str) -> str:
    """What is wrong with an address, without repeating it: it may be a secret. Empty if nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable() or " " in url:
        return "it is no address of http or https"
    if parts.username or parts.password:
        return "it has a password in it"
    return (
        "" if parts.scheme == "https" or host in LOOPBACK else "it is not https, and not of this machine: messages could be read on the way"
    )


def post(address: str | SecretReference, body: bytes, headers: Mapping[str, str]) -> str:
    """Post JSON, and say what came back. Raises SinkFailed for anything but success."""
    url = address if isinstance(address, str) else address.read().strip()
    if fault := url_fault(url):
        raise SettingsError(f"The address cannot be used: {fault}.", hint="Give one such as https://alerts.example.org/assay.")
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=SECONDS)
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with within(SECONDS, lambda: connection.sock):
            connection.request("POST", target, body, {"Content-Type": "application/json", "User-Agent": "assay", **headers})
            answer = connection.getresponse()
            said = answer.read(MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(host, error) from None
    finally:
        connection.close()
    return _judged(host, answer.status, _told(said, target))


def _told(said: bytes, target: str) -> str:
    """An answer that is a few plain words, such as Slack's `no_service`. One that repeats a part of the address is not told."""
    text = " ".join(said[: SHOWN_BYTES + 1].decode("utf-8", "replace").split())
    repeats = any(part in text for part in re.split(r"[/?&=]", target) if len(part) >= SHORTEST_SECRET)
    return text if len(text) <= SHOWN_BYTES and SIMPLE.fullmatch(text) and not repeats else ""


def _judged(host: str, status: int, told: str) -> str:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return f"{host} answered {status}{f': {told}' if told else ''}"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise SinkFailed(f"{host} answered {status}, a redirect, which is not followed.", hint="Declare the address that it leads to.")
    kind = MessageRefused if status in OF_THE_MESSAGE else SinkFailed
    raise kind(f"{host} answered {status}{f': {told}' if told else ''}.")
