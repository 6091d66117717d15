"""To whom the UI is served: whose a connection is, which names and tokens are good ones, and that nothing is served unguarded."""

from __future__ import annotations

import os
import socket
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from assay.cli.serving import names_of, require_guard, secret_of
from assay.cli.serving_children import ServerEnded
from assay.cli.web_peers import can_tell, user_of
from assay.cli.web_token import Entry
from assay.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LINE = "   1: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  1001        0 12345 1 0000000000000000 20 4 30 10 -1\n"
CLIENT, SERVER = ("127.0.0.1", 50_000), ("127.0.0.1", 3_000)
THEIRS, OURS = "0100007F:C350", "0100007F:0BB8"
MAPPED = "0000000000000000FFFF0000"


def table(folder: Path, **line: str) -> tuple[Path, ...]:
    """A table of connections as Linux shows it, with one line."""
    (folder / "tcp").write_text(HEAD + LINE.format(**{"local": THEIRS, "remote": OURS, "state": "01"} | line))
    return (folder / "missing", folder / "tcp")


def test_a_connection_is_its_users(tmp_path: Path) -> None:
    assert user_of(CLIENT, SERVER, table(tmp_path)) == 1001
    assert user_of(CLIENT, SERVER, table(tmp_path, local=MAPPED + THEIRS, remote=MAPPED + OURS)) == 1001


@pytest.mark.parametrize("line", [{"state": "06"}, {"local": OURS, "remote": THEIRS}, {"remote": "0100007F:0BB9"}], ids=str)
def test_nobody_is_told_of_one_that_is_closing_or_another(tmp_path: Path, line: dict[str, str]) -> None:
    """Of one that is closing the kernel would say root's."""
    assert user_of(CLIENT, SERVER, table(tmp_path, **line)) is None
    assert user_of(("somewhere", 1), SERVER, table(tmp_path)) is None


@pytest.mark.skipif(not can_tell(), reason="this system does not tell whose a connection is")
def test_our_own_connection_is_ours_until_it_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        client = ours.getsockname()
        assert user_of(client, listening.getsockname()) == os.geteuid()
        ours.close()
        assert user_of(client, listening.getsockname()) is None


def test_a_name_of_others_needs_a_token_and_one_of_this_machine_does_not() -> None:
    assert names_of(3000, ["localhost:8080"], "") == ("127.0.0.1:3000", "localhost:3000", "localhost:8080")
    assert "assay.example.org" in names_of(3000, ["Assay.example.org"], "a secret")
    with pytest.raises(SettingsError, match="no token is asked for"):
        names_of(3000, ["assay.example.org"], "")


@pytest.mark.parametrize("content", ["", "short", "a token that is long enough but for an \xe4"])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused_without_being_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(SettingsError, match="is not 16 letters long") as refused:
        secret_of(f"file:{tmp_path / 'token'}")
    assert not content or content not in str(refused.value)


def test_the_token_itself_is_no_argument() -> None:
    with pytest.raises(SettingsError, match="--token is no reference to a secret") as refused:
        secret_of("0123456789abcdef0123456789abcdef")
    assert "0123" not in str(refused.value)


def test_a_new_token_is_not_printed_where_it_would_be_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match="no terminal"):
        secret_of("new")
    assert capsys.readouterr().out == ""


def test_a_server_that_answers_strangers_is_not_said_to_be_there() -> None:
    with HTTPServer(("127.0.0.1", 0), Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ServerEnded, match="without its guard"):
            require_guard(server.server_port)
        server.shutdown()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_an_entry_without_a_token_admits_and_exchanges_nothing() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"token="}
    assert Entry().admits(scope, {})
    assert Entry().exchange(scope) is None
    assert not Entry("a secret").admits(scope, {"authorization": "Bearer "})
    assert "a secret" not in repr(Entry("a secret"))


def test_an_address_with_the_token_never_leads_to_another_host() -> None:
    scope = {"type": "http", "method": "GET", "path": "//evil.example/x", "query_string": b"token=a%20secret", "scheme": "https"}
    moved = Entry("a secret").exchange(scope)
    assert moved is not None
    assert moved["location"] == "/evil.example/x"
    assert moved["set-cookie"].endswith("; Secure")
