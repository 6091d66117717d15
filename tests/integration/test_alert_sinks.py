"""Messages arrive at real servers of HTTP and SMTP as they should, and whatever a server does, nothing hangs and no secret is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from alert_servers import Mails, Posts, certificate, mail_server, web_server

from assay.alerting import mailing, posting
from assay.alerting.alert import Edge, Kind, Message, Part
from assay.alerting.delivery import deliver
from assay.alerting.mailing import Mail
from assay.alerting.posting import Slack, Webhook
from assay.alerting.sinks import MessageRefused, SinkFailed
from assay.alerting.state import Memory
from assay.alerting.wording import About, Wording
from assay.settings import SecretMissing, SecretReference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2024, 3, 5, 12, tzinfo=UTC)
AT = NOW.isoformat()
MESSAGE = Message(Kind.FAILED, Edge.BEGAN, AT, (Part("silver/sales", "it <broke> & stays", AT, ("2024-03-01",), 1),))
CLEARED = Message(Kind.FAILED, Edge.CLEARED, "2024-03-05T15:00:00+00:00", MESSAGE.parts)
WORDING = Wording("market", about={"sales": About("owner@example.org")})
PASSWORD = SecretReference("env", "MAIL_PASSWORD")
ADDRESSES = ("owner", "team@example.org")


@pytest.fixture
def web() -> Iterator[Posts]:
    with web_server(Posts()) as posts:
        yield posts


def test_a_webhook_gets_json_that_is_signed_as_the_standard_says(web: Posts, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"0123456789abcdef"
    monkeypatch.setenv("HOOK", f"whsec_{base64.b64encode(raw).decode()}\n")
    assert Webhook("a", web.url, SecretReference("env", "HOOK")).send(MESSAGE, WORDING) == "127.0.0.1 answered 200: ok"
    headers, body = web.taken[0]
    signed = f"{MESSAGE.key}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-id"] == MESSAGE.key
    told = json.loads(body)
    assert (told["id"], told["kind"], told["edge"], told["product"]) == (MESSAGE.key, "failed", "began", "market")
    assert told["subjects"][0]["owner"] == "owner@example.org"
    assert told["subjects"][0]["first_partitions"] == ["2024-03-01"]


def test_a_slack_webhook_gets_a_text_that_is_no_markup(web: Posts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK", web.url)
    Slack("team", SecretReference("env", "SLACK")).send(MESSAGE, WORDING)
    text = json.loads(web.taken[0][1])["text"]
    assert text.startswith("[market] silver/sales failed: 2024-03-01")
    assert "it &lt;broke&gt; &amp; stays" in text


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, MessageRefused), (413, MessageRefused), (404, SinkFailed), (403, SinkFailed), (500, SinkFailed), (302, SinkFailed)],
)
def test_an_answer_that_is_no_success_says_so_and_not_the_address(
    web: Posts, status: int, kind: type[SinkFailed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK", web.url)
    web.status, web.said = status, b"POST /hooks/T0000SECRET cannot be found"
    with pytest.raises(SinkFailed, match=f"127.0.0.1 answered {status}") as raised:
        Slack("team", SecretReference("env", "SLACK")).send(MESSAGE, WORDING)
    assert type(raised.value) is kind
    assert "T0000SECRET" not in str(raised.value)


def test_a_redirect_is_not_followed(web: Posts) -> None:
    with web_server(Posts()) as elsewhere:
        web.status, web.location = 307, elsewhere.url
        with pytest.raises(SinkFailed, match="a redirect, which is not followed"):
            Webhook("a", web.url).send(MESSAGE, WORDING)
        assert elsewhere.taken == []


def test_a_few_plain_words_of_a_server_are_told(web: Posts) -> None:
    web.status, web.said = 404, b"no_service"
    with pytest.raises(SinkFailed, match="answered 404: no_service"):
        Webhook("a", web.url).send(MESSAGE, WORDING)


@pytest.mark.parametrize("said", [b"\x1b[31mred", "\u202e".encode(), b"a" * 500_000, b"<html>"])
def test_what_else_a_server_says_is_not(web: Posts, said: bytes) -> None:
    web.status, web.said = 500, said
    with pytest.raises(SinkFailed, match=r"answered 500\.$"):
        Webhook("a", web.url).send(MESSAGE, WORDING)


def test_a_server_that_drips_is_left_in_time(web: Posts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 1.0)
    web.drip = 0.2
    began = time.monotonic()
    with pytest.raises(SinkFailed, match="it took more than 1 s"):
        Webhook("a", web.url).send(MESSAGE, WORDING)
    assert time.monotonic() - began < 10


def test_a_secret_that_is_not_there_says_where_it_was_looked_for(web: Posts) -> None:
    with pytest.raises(SecretMissing, match="NO_SUCH_SECRET is not set"):
        Webhook("a", web.url, SecretReference("env", "NO_SUCH_SECRET")).send(MESSAGE, WORDING)
    assert web.taken == []


def test_a_mail_goes_to_the_owner_by_starttls_and_login_and_what_clears_answers_what_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("MAIL_PASSWORD", "right")
    with mail_server(Mails(user="u", password="right"), context) as mails:
        sink = Mail("owners", "localhost", "assay@example.org", ADDRESSES, mails.port, username="u", password=PASSWORD)
        assert "took it for owner@example.org, team@example.org" in sink.send(MESSAGE, WORDING)
        sink.send(MESSAGE, WORDING)
        sink.send(CLEARED, WORDING)
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        with pytest.raises(SinkFailed, match=r"localhost refused the login \(535\)\.$"):
            sink.send(MESSAGE, WORDING)
    (to, first), (_, again), (_, end) = mails.taken
    assert to == ["owner@example.org", "team@example.org"]
    assert first["Message-ID"] == again["Message-ID"] != end["Message-ID"], "a mail that comes twice is known by its id"
    assert first["References"] == end["In-Reply-To"]
    assert end["Subject"] == "[market] cleared after 3 h: silver/sales failed: 2024-03-01"
    assert "it <broke> & stays" in first.get_content()


def test_a_server_whose_certificate_nobody_trusts_gets_neither_password_nor_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, context = certificate(tmp_path)
    monkeypatch.setenv("MAIL_PASSWORD", "right")
    with mail_server(Mails(user="u", password="right"), context) as mails:
        sink = Mail("owners", "localhost", "assay@example.org", ADDRESSES, mails.port, username="u", password=PASSWORD)
        with pytest.raises(SinkFailed, match="its certificate is not trusted"):
            sink.send(MESSAGE, WORDING)
        assert mails.taken == []


def test_an_address_that_a_mail_server_does_not_know_keeps_nobody_else_from_the_mail() -> None:
    with mail_server(Mails(unknown={"owner@example.org"})) as mails:
        sink = Mail("owners", "127.0.0.1", "assay@example.org", ADDRESSES, mails.port, mailing.PLAIN)
        assert sink.send(MESSAGE, WORDING) == "127.0.0.1 took it for team@example.org; it does not know owner@example.org"
        mails.unknown.add("team@example.org")
        with pytest.raises(MessageRefused, match="knows none of the recipients"):
            sink.send(MESSAGE, WORDING)
        mails.unknown, mails.answer = set(), "554 it looks like spam"
        with pytest.raises(MessageRefused, match=r"127\.0\.0\.1 answered 554: it looks like spam"):
            sink.send(MESSAGE, WORDING)
    with pytest.raises(SinkFailed, match="could not be reached"):
        sink.send(MESSAGE, WORDING)


def test_a_server_without_starttls_gets_no_mail() -> None:
    with mail_server(Mails()) as mails:
        with pytest.raises(SinkFailed, match="STARTTLS extension not supported"):
            Mail("owners", "127.0.0.1", "assay@example.org", ADDRESSES, mails.port).send(MESSAGE, WORDING)
        assert mails.taken == []


def test_a_sink_that_hangs_holds_up_no_other(web: Posts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 2.0)
    with web_server(Posts(drip=0.2)) as hanging:
        sinks = {"hangs": Webhook("hangs", hanging.url), "works": Webhook("works", web.url)}
        memory = Memory().with_news([MESSAGE], lambda _: sinks)
        memory, said = deliver(memory, sinks, WORDING, lambda: NOW)
    assert web.keys() == [MESSAGE.key]
    assert [one.left for one in memory.waiting] == [("hangs",)]
    assert said == ["The sink hangs failed: 127.0.0.1 could not be reached: it took more than 2 s."]
