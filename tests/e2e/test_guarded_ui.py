"""Whose orders the UI takes: those of its own pages and of its user's programs; of no other page, name, user, and of nobody when it only shows."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from guarded_ui import JSON, LAUNCH, RUN_SECONDS, RUNS, Served, content_of, order, page_from_elsewhere, served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from assay.cli.web_peers import can_tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

NOBODY = 65534
Request = tuple[str, str, dict[str, str], str | None]
TOKEN = "a token for tests that is long enough"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
EVIL = {"Origin": "http://evil.example"}
REPORT = "/report_asset_materialization/bronze/airlines"
AIRLINES = "carrier,name\nAA,American\n"
GIVEN_IN_ADDRESS = f"/graphql?query={quote(LAUNCH)}&variables={quote(json.dumps(order('bronze/airlines', 'attack')))}"
ORDER = json.dumps({"query": LAUNCH, "variables": order("bronze/airlines", "attack")})


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server as it is started without options. Nothing has landed, so the sensor starts nothing."""
    with served(tmp_path_factory.mktemp("plain") / "home") as server:
        yield server


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that only shows, to those who have the token, and goes by another name as well."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "token").write_text(f"{TOKEN}\n")
    with served(folder / "home", "--read-only", "--token", f"file:{folder / 'token'}", "--allow-host", "assay.example.org") as server:
        yield server


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(("POST", "/graphql", JSON | EVIL, ORDER), 403, id="a page from elsewhere"),
        pytest.param(("POST", "/graphql", JSON | {"Origin": "null"}, ORDER), 403, id="a page without an origin"),
        pytest.param(("POST", "/graphql", JSON | {"Origin": "http://127.0.0.1:1"}, ORDER), 403, id="a page of another port"),
        pytest.param(("POST", "/graphql", JSON | {"Sec-Fetch-Site": "same-site"}, ORDER), 403, id="a page of the same site"),
        pytest.param(("POST", "/graphql", JSON | {"Host": "evil.example"}, ORDER), 403, id="a name that was bound to this machine"),
        pytest.param(("POST", "/graphql", JSON | {"Host": ""}, ORDER), 403, id="no name"),
        pytest.param(("POST", "/graphql", {"Content-Type": "text/plain"}, ORDER), 415, id="text"),
        pytest.param(("POST", "/graphql", {"Content-Type": "text/plain; application/json"}, ORDER), 415, id="text that says JSON"),
        pytest.param(("POST", GIVEN_IN_ADDRESS, {}, None), 415, id="an order in the address of a POST"),
        pytest.param(("POST", GIVEN_IN_ADDRESS, {"Content-Type": "application/x-www-form-urlencoded"}, ""), 415, id="a form"),
        pytest.param(("GET", GIVEN_IN_ADDRESS, {}, None), 405, id="an order in the address of a GET"),
        pytest.param(
            ("GET", GIVEN_IN_ADDRESS, {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}, None), 403, id="a link to an order"
        ),
        pytest.param(("HEAD", GIVEN_IN_ADDRESS, {}, None), 405, id="an order in the address of a HEAD"),
        pytest.param(("OPTIONS", "/graphql", EVIL, None), 403, id="a question before an order"),
        pytest.param(("OPTIONS", "/graphql", {}, None), 405, id="another method"),
        pytest.param(("POST", REPORT, JSON | EVIL, "{}"), 403, id="a report from elsewhere"),
        pytest.param(("POST", REPORT, {"Content-Type": "text/plain"}, "{}"), 415, id="a report as text"),
        pytest.param(("GET", "/", LINK | {"Sec-Fetch-Dest": "iframe"}, None), 403, id="a frame"),
        pytest.param(("GET", "/server_info", {"X-Forwarded-For": "127.0.0.1:3000"}, None), 403, id="a proxy without a token"),
    ],
)
def test_what_the_user_did_not_order_is_not_done(ui: Served, request_: Request, status: int) -> None:
    answer = ui.ask(*request_)

    assert answer.status == status, answer.body
    assert not any(name.startswith("access-control-") for name in answer.headers)
    assert ui.runs("attack") == []


def test_a_web_socket_from_elsewhere_is_not_opened(ui: Served) -> None:
    for origin in ("http://evil.example", "null"):
        with pytest.raises(InvalidStatus, match="403"):
            connect(f"ws://127.0.0.1:{ui.port}/graphql", origin=origin, subprotocols=["graphql-ws"])  # type: ignore[arg-type,list-item]  # names of text


def test_answers_say_that_no_other_page_may_frame_or_read_them(ui: Served) -> None:
    page = ui.ask("GET", "/", {"Accept": "text/html"})

    assert page.status == 200
    assert page.headers["x-frame-options"] == "SAMEORIGIN"
    assert page.headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]


def test_a_link_from_elsewhere_opens_a_page(ui: Served) -> None:
    assert ui.ask("GET", "/assets", LINK).status == 200


@pytest.mark.skipif(os.geteuid() != 0 or not can_tell(), reason="only root can be somebody else")
def test_another_user_of_this_machine_is_not_served(ui: Served) -> None:
    os.seteuid(NOBODY)
    try:
        theirs = socket.create_connection(("127.0.0.1", ui.port))
    finally:
        os.seteuid(0)
    with theirs:
        theirs.sendall(f"GET /server_info HTTP/1.1\r\nHost: 127.0.0.1:{ui.port}\r\nConnection: close\r\n\r\n".encode())
        refused = theirs.makefile("rb").read().decode()

    assert refused.startswith("HTTP/1.1 403")
    assert "of another user" in refused
    assert ui.ask("GET", "/server_info").status == 200


ATTACK = """<body><script>
const ui = "URL", given = "GIVEN", order = ORDER, done = [];
const tried = (what, work) => Promise.resolve().then(work).then(() => done.push(what), () => done.push(what));
const socket = () => new Promise(over => { const s = new WebSocket(ui.replace("http", "ws") + "/graphql", "graphql-ws"); s.onopen = () => { document.title = "opened"; over() }; s.onerror = over });
Promise.all([
  tried("simple", () => fetch(ui + given, {method: "POST", mode: "no-cors"})),
  tried("text", () => fetch(ui + "/graphql", {method: "POST", mode: "no-cors", body: order})),
  tried("json", () => fetch(ui + "/graphql", {method: "POST", headers: {"Content-Type": "application/json"}, body: order})),
  tried("report", () => fetch(ui + "REPORT", {method: "POST", mode: "no-cors"})),
  tried("image", () => new Promise(over => { const i = new Image(); i.onload = i.onerror = over; i.src = ui + given })),
  tried("socket", socket),
]).then(() => { const f = document.createElement("form"); f.method = "POST"; f.action = ui + given; f.target = "_self"; document.body.append(f); document.body.dataset.done = done.length; })
</script></body>"""


def test_a_page_from_elsewhere_starts_no_run_in_a_browser(ui: Served, browser: Browser) -> None:
    script = ATTACK.replace("URL", ui.url).replace("GIVEN", GIVEN_IN_ADDRESS).replace("REPORT", REPORT).replace("ORDER", json.dumps(ORDER))
    before = ui.query('{ assetOrError(assetKey: {path: ["bronze", "airlines"]}) { ... on Asset { assetMaterializations { runId } } } }')
    with page_from_elsewhere(script) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("document.body.dataset.done == 6", timeout=120_000)
        assert page.title() != "opened"
        page.evaluate("document.forms[0].submit()")
        page.get_by_text("assay: This was sent by a page from").wait_for(timeout=60_000)
        page.close()

    assert ui.runs() == []
    assert (
        ui.query('{ assetOrError(assetKey: {path: ["bronze", "airlines"]}) { ... on Asset { assetMaterializations { runId } } } }')
        == before
    )


def test_the_same_order_of_a_program_of_the_user_is_carried_out(ui: Served) -> None:
    launched = ui.query(LAUNCH, **order("bronze/airlines", "program"))

    assert launched["data"]["launchPipelineExecution"]["__typename"] == "LaunchRunSuccess", launched
    assert len(ui.runs("program")) == 1


def test_the_ui_itself_starts_a_run_and_shows_its_events_as_they_come(
    ui: Served, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    context = browser.new_context(base_url=ui.url, viewport={"width": 1600, "height": 1200}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(120_000)
    sockets, errors = list[str](), list[str]()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sockets.append(str(frame))))
    page.on("pageerror", lambda error: errors.append(str(error)))
    land(ui)

    page.goto("/assets/bronze/airlines")
    materialize(page)

    run = ended(ui)
    assert run["status"] == "SUCCESS", run
    page.goto(f"/runs/{run['runId']}")
    page.get_by_text("RUN_SUCCESS").first.wait_for()
    assert any("LogMessageEvent" in frame or "PipelineRunLogs" in frame for frame in sockets), sockets[:3]
    assert errors == []
    context.close()


def land(ui: Served) -> None:
    folder = ui.log.parent / "home/landing/airlines"
    folder.mkdir(exist_ok=True)
    (folder / "airlines_2013-01-01.csv").write_text(AIRLINES)


def materialize(page: Page) -> None:
    page.get_by_role("button", name="Materialize").first.click()


def ended(ui: Served) -> dict[str, str]:
    """The run that was started by hand, when it is over."""
    deadline = time.monotonic() + RUN_SECONDS
    while not (found := [run for run in ui.runs() if run["status"] in ("SUCCESS", "FAILURE", "CANCELED")]):
        assert time.monotonic() < deadline, ui.runs()
        time.sleep(0.5)
    return found[0]


def test_nobody_comes_in_without_the_token_and_nothing_of_it_is_told(shown: Served) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"assay-{shown.port}={TOKEN}"}, {"Authorization": f"Basic {TOKEN}"}):
        assert shown.ask("GET", "/server_info", headers).status == 401
    assert shown.ask("GET", "/server_info?token=wrong").status == 401
    assert shown.ask("POST", f"/graphql?token={quote(TOKEN)}", JSON, json.dumps({"query": RUNS})).status == 401
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{shown.port}/graphql", subprotocols=["graphql-ws"])  # type: ignore[list-item]  # a name of text
    told = [shown.log, *(path for path in (shown.log.parent / "home").rglob("*") if path.is_file()), *Path("/proc").glob("[0-9]*/cmdline")]
    assert not [path for path in told if TOKEN in content_of(path)]


def test_an_address_with_the_token_is_given_a_cookie_that_is_not_the_token(shown: Served) -> None:
    moved = shown.ask("GET", f"/assets?token={quote(TOKEN)}&view=list")

    assert (moved.status, moved.headers["location"], moved.headers["referrer-policy"]) == (303, "/assets?view=list", "no-referrer")
    cookie, *said = moved.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(said)
    assert TOKEN not in cookie
    assert shown.ask("GET", "/server_info", {"Cookie": cookie}).status == 200


def test_a_proxy_speaks_for_its_own_name_with_the_token(shown: Served) -> None:
    said = BEARER | {"Host": "assay.example.org", "Origin": "https://assay.example.org", "X-Forwarded-For": "192.0.2.7"}

    assert shown.query("{ version }", said)["data"]["version"]
    assert shown.ask("GET", "/server_info", said | {"Host": "other.example.org"}).status == 403


def test_a_ui_that_only_shows_carries_out_no_order_in_any_way(shown: Served) -> None:
    launched = shown.query(LAUNCH, BEARER, **order("bronze/airlines", "attack"))
    assert launched["data"] is None
    assert "only shows" in launched["errors"][0]["message"]
    for kind in ("materialization", "check", "observation"):
        assert shown.ask("POST", f"/report_asset_{kind}/bronze/airlines", JSON | BEARER, "{}").status == 403
    assert shown.runs("attack", BEARER) == []


def test_a_web_socket_carries_out_no_order(shown: Served, ui: Served) -> None:
    """Not Dagster's either: it looks for what is subscribed to, and there is no such order among that."""
    for server, headers in ((shown, BEARER), (ui, {})):
        with connect(f"ws://127.0.0.1:{server.port}/graphql", additional_headers=headers, subprotocols=["graphql-ws"]) as socket_:  # type: ignore[list-item]
            socket_.send(json.dumps({"type": "connection_init"}))
            socket_.send(
                json.dumps({"type": "start", "id": "1", "payload": {"query": LAUNCH, "variables": order("bronze/airlines", "attack")}})
            )
            assert json.loads(socket_.recv())["type"] == "connection_ack"
            assert json.loads(socket_.recv())["type"] in ("error", "data")
        assert server.runs("attack", headers) == []


def test_a_server_that_is_killed_leaves_no_process(shown: Served) -> None:
    assert sorted(word for line in shown.processes for word in ("code-server", "dagster-daemon", "web_server") if word in line) == [
        "code-server", "dagster-daemon", "web_server",
    ]  # fmt: skip
    before, deadline = shown.processes, time.monotonic() + 120

    os.kill(shown.pid, signal.SIGKILL)

    while left := [line for line in map(arguments_of, Path("/proc").glob("[0-9]*/cmdline")) if line in before]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def arguments_of(process: Path) -> str:
    return content_of(process).replace("\0", " ")
