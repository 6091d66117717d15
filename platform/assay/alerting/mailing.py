"""Messages by e-mail (SMTP), over TLS or STARTTLS. One that is sent twice has one Message-ID; what is cleared answers what began."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from assay.alerting.alert import DIGITS, Edge
from assay.alerting.sinks import SHOWN, MessageRefused, SinkFailed, unreachable
from assay.alerting.time_limit import SECONDS, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.alerting.alert import Message
    from assay.alerting.wording import Wording
    from assay.settings import SecretReference

STARTTLS, TLS, PLAIN = "starttls", "tls", "none"
PORTS = {STARTTLS: 587, TLS: 465, PLAIN: 25}
OWNER = "owner"  # in `to`: whoever owns the dataset
WHOLE = 20.0  # seconds of one mail: a dozen answers are waited for


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to some people, and to the owner of what it is about where `to` says so."""

    name: str
    host: str
    sender: str
    to: tuple[str, ...]
    port: int
    security: str = STARTTLS
    username: str = ""
    password: SecretReference | None = None
    type: str = "email"

    def send(self, message: Message, wording: Wording, lost: int = 0) -> str:
        """Send a mail. Raises SinkFailed, SettingsError for a password that is not there."""
        to = self.recipients(message, wording)
        if not to:
            return "there is nobody to send it to: what it is about has no owner"
        password = self.password.read().strip() if self.password else ""
        mail, server = self.written(message, wording, to, lost), self._server()
        try:
            with within(WHOLE, lambda: server.sock):
                refused = self._deliver(server, password, mail, to)
        except (OSError, smtplib.SMTPException) as error:
            raise _failure(self.host, error) from None
        finally:
            server.close()
        left = f"; it does not know {', '.join(sorted(refused))}" if refused else ""
        return f"{self.host} took it for {', '.join(one for one in to if one not in refused)}{left}"

    def _server(self) -> smtplib.SMTP:
        if self.security == TLS:
            return smtplib.SMTP_SSL(timeout=SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(timeout=SECONDS)

    def _deliver(self, server: smtplib.SMTP, password: str, mail: EmailMessage, to: Sequence[str]) -> Sequence[str]:
        server._host = self.host  # type: ignore[attr-defined]  # noqa: SLF001  # the name that its certificate must have
        server.connect(self.host, self.port)
        if self.security == STARTTLS:
            server.starttls(context=ssl.create_default_context())
        if self.username:
            server.login(self.username, password)
        refused = server.send_message(mail, self.sender, to)
        server.quit()
        return list(refused)

    def recipients(self, message: Message, wording: Wording) -> list[str]:
        """Who gets a message."""
        owners = [wording.known(part).owner for part in message.parts]
        found = [one for entry in self.to for one in (owners if entry == OWNER else [entry])]
        return [one for one in dict.fromkeys(found) if one]

    def written(self, message: Message, wording: Wording, to: Sequence[str], lost: int = 0) -> EmailMessage:
        """The mail itself. A header has no line ends: a reason cannot add one."""
        mail = EmailMessage()
        mail["Subject"] = " ".join(wording.title(message).split())
        mail["From"], mail["To"] = self.sender, ", ".join(to)
        mail["Date"] = format_datetime(datetime.fromisoformat(message.at))
        mail["Message-ID"] = f"<{message.key}@assay>"
        mail["Auto-Submitted"] = "auto-generated"  # so that no absence notice answers
        first = message.parts[0]
        thread = f"<{hashlib.sha256(f'{message.kind} {first.subject} {first.since}'.encode()).hexdigest()[:DIGITS]}@assay>"
        if message.edge is not Edge.BEGAN:
            mail["In-Reply-To"] = thread
        mail["References"] = thread
        mail.set_content(wording.text(message, lost))
        return mail


def _failure(host: str, error: BaseException) -> SinkFailed:
    """What went wrong, in few words of the server's; its answer to a login may repeat what was sent, so it is not told."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return SinkFailed(f"{host} refused the login ({error.smtp_code}).")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return MessageRefused(f"{host} knows none of the recipients: {', '.join(sorted(error.recipients))}.")
    if isinstance(error, smtplib.SMTPResponseException):
        raw = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
        told = ascii(raw[:SHOWN].decode("utf-8", "replace"))[1:-1]
        kind = MessageRefused if isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500 else SinkFailed
        return kind(f"{host} answered {error.smtp_code}: {told}.")
    return unreachable(host, error)
