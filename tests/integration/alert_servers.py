"""Real servers on this machine that alerts are sent to: one of HTTP, one of SMTP. Each keeps what it was sent and can be told to fail."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path


@dataclass
class Posts:
    """What a web server was sent: headers and body of each POST. It answers with `status` and `said`, after `pause` seconds."""

    url: str = ""
    status: int = 200
    said: bytes = b"ok"
    location: str = ""
    drip: float = 0.0
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def keys(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.taken]


@contextmanager
def web_server(posts: Posts) -> Iterator[Posts]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if posts.drip:
                self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
                for _ in range(600):
                    time.sleep(posts.drip)
                    self.wfile.write(b"x")  # never the end of the line
            self.send_response(posts.status)
            if posts.location:
                self.send_header("Location", posts.location)
            self.end_headers()
            self.wfile.write(posts.said)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    posts.url = f"http://127.0.0.1:{server.server_address[1]}/hooks/T0000SECRET"
    try:
        yield posts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of this machine that nobody else has signed, and a context of a server with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    )
    signed = made.add_extension(names, critical=False).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    file, secret = folder / "server.pem", folder / "server.key"
    file.write_bytes(signed.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, secret)
    return file, context


@dataclass
class Mails:
    """What a mail server took, and whom it does not know."""

    port: int = 0
    user: str = ""
    password: str = ""
    unknown: set[str] = field(default_factory=set)
    answer: str = "250 OK"
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if address in self.unknown:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # as above
        if self.answer.startswith("250"):
            self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return self.answer

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        good = (data.login, data.password) == (self.user.encode(), self.password.encode())
        return AuthResult(success=good, handled=True) if good else AuthResult(success=False, handled=False)


@contextmanager
def mail_server(mails: Mails, tls: ssl.SSLContext | None = None) -> Iterator[Mails]:
    """A server of mails; with `tls` one that takes nothing before STARTTLS and a login."""
    secure: dict[str, Any] = {"tls_context": tls, "require_starttls": True, "auth_required": True, "authenticator": mails.authenticate}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        mails.port = free.getsockname()[1]
    controller = Controller(mails, hostname="127.0.0.1", port=mails.port, **(secure if tls else {}))
    controller.start()
    try:
        yield mails
    finally:
        controller.stop()
