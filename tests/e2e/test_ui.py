"""The Dagster UI as a person sees it: a real webserver over a small real lake, looked at through a headless Chromium."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assay.contracts.reading.odcs import load_contracts, load_product
from assay.gold.views import views_of
from flights.definitions import CONTRACTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
READY_SECONDS, STOP_SECONDS, LOOK_MS = 300, 30, 300_000  # a machine may be busy
BOXES = "foreignObject"  # what the graph draws; the side bar lists the same names in plain elements
DATASETS = sorted(load_contracts(CONTRACTS))
MODELS = sorted(path.stem for path in (ROOT / "dbt_project" / "models" / "gold").glob("*.sql"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two days from landing to gold, and a third whose flights file has no more than two columns."""
    home = tmp_path_factory.mktemp("home")
    assert run(home, BIN / "python", "-m", "flights.upstream", "--from", "2013-01-01", "--to", "2013-01-02") == 0
    assert run(home, BIN / "assay", "backfill", "--from", "2013-01-01", "--to", "2013-01-02") == 0
    (home / "landing" / "flights" / "flights_2013-01-04.csv").write_text("year,month\n2013,1\n")
    bad = ("backfill", "--select", "bronze/flights", "--from", "2013-01-04", "--to", "2013-01-04")
    assert run(home, BIN / "assay", *bad) == 1
    return home


def environment(home: Path) -> dict[str, str]:
    return os.environ | {"ASSAY_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "PYTHONWARNINGS": "ignore"}


def run(home: Path, *command: object) -> int:
    done = subprocess.run([str(part) for part in command], env=environment(home), cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done.returncode


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    """A webserver without a daemon: it shows the instance, and no sensor starts a run of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(BIN / "dagster-webserver"), "-w", str(ROOT / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)]
    log = home / "webserver.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=environment(home), cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(f"http://127.0.0.1:{port}/server_info"):
            assert server.poll() is None, f"the webserver ended:\n{log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"the webserver is not ready:\n{log.read_text()[-3000:]}"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)  # stops its code server too
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


TIMELINE = """query CompletedRunTimelineQuery($completedFilter: RunsFilter!, $limit: Int!, $cursor: String) {
  completed: runsOrError(filter: $completedFilter, limit: $limit, cursor: $cursor) { ... on Runs { results {
    id pipelineName status startTime tags { key value }
    repositoryOrigin { id repositoryName repositoryLocationName }
  } } } }"""


def test_the_first_page_lists_the_runs_of_the_command_line(url: str) -> None:
    """The query that the timeline sends; it leaves out what has no start or no origin, and groups the rest by location and job."""
    finished = {"statuses": ["SUCCESS", "FAILURE", "CANCELED"], "updatedAfter": 0}
    content = json.dumps({"query": TIMELINE, "variables": {"completedFilter": finished, "limit": 500}}).encode()
    request = urllib.request.Request(f"{url}/graphql", content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        runs = json.load(answer)["data"]["completed"]["results"]
    assert {run["status"] for run in runs} == {"SUCCESS", "FAILURE"}
    origins = {(run["repositoryOrigin"]["repositoryName"], run["repositoryOrigin"]["repositoryLocationName"]) for run in runs}
    assert origins == {("__repository__", "flights")}
    assert all(run["startTime"] for run in runs)


@pytest.fixture
def page(browser: Browser, url: str, tmp_path: Path) -> Iterator[Page]:
    """A page on the UI. When the test is over a picture is saved, and no script of the page may have failed."""
    context = browser.new_context(base_url=url, viewport={"width": 1600, "height": 1200}, reduced_motion="reduce")
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(LOOK_MS)
    yield page
    picture = tmp_path / "page.png"
    page.screenshot(path=picture)
    print(f"picture: {picture}")
    context.close()
    assert errors == []


def wait_for(page: Page, *texts: str) -> None:
    for text in texts:
        page.get_by_text(text).first.wait_for()


def test_the_asset_graph_shows_every_layer_and_every_asset(page: Page) -> None:
    page.goto("/asset-groups/")
    for layer in ("landing", "bronze", "silver", "gold", "v1", "v2"):
        page.locator(BOXES).filter(has_text=layer).first.wait_for()
    page.keyboard.press("Alt+e")  # each group is drawn as one closed box: open them all
    for name in MODELS:
        page.locator(BOXES).filter(has_text=shortened(name)).first.wait_for()

    drawn = page.locator(BOXES).all_text_contents()  # SVG elements have no innerText

    found = Counter(name for text in drawn for name in [*DATASETS, *MODELS] if shortened(name).fullmatch(text))
    views = Counter(view.current.dataset for view in views_of(load_product(CONTRACTS)))
    assert found == Counter(dict.fromkeys(DATASETS, 3) | {name: 1 + views[name] for name in MODELS}), drawn


def shortened(name: str) -> re.Pattern[str]:
    """The name as the graph writes it: a long one loses its middle."""
    return re.compile(f"{re.escape(name)}|{re.escape(name[:8])}\\w*…\\w*{re.escape(name[-4:])}")


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_silver_asset_says_who_owns_it_what_it_is_and_what_its_columns_mean(page: Page, dataset: str) -> None:
    contract = load_contracts(CONTRACTS)[dataset]

    page.goto(f"/assets/silver/{dataset}")

    wait_for(page, contract.owner, contract.description, "Delta Lake", contract.columns[0].name, contract.columns[0].description)


def test_a_gold_asset_says_who_owns_it_and_shows_its_sql_and_columns(page: Page) -> None:
    page.goto("/assets/gold/carrier_ranking_7d")

    wait_for(page, "flight-data@example.org", "Grain: one row per flight_date and carrier", "carrier_rank", "non-nullable")


def test_the_partitions_page_tells_a_failed_partition_from_those_that_are_published(page: Page) -> None:
    page.goto("/assets/bronze/flights?view=partitions")

    wait_for(page, "Failed (1)", "Materialized (3)")


def test_the_contract_check_shows_which_rules_were_broken_and_that_the_rows_add_up(page: Page) -> None:
    page.goto("/assets/silver/flights?view=checks")

    wait_for(page, "This is a blocking asset check", "dest_known", "tailnum_known", "quarantined", "duplicates")


def test_a_failed_run_says_which_partition_was_refused_and_why(page: Page) -> None:
    page.goto("/runs?q[0]=status%3AFAILURE")
    page.get_by_role("link", name="View", exact=True).first.click()

    wait_for(page, "the partition was refused: 2013-01-04", "flights/flights_2013-01-04.csv")
