"""The documents: every command and every Python example in them runs, in a scratch copy of the checkout, and every link leads somewhere.

A fenced block says by its language what it is. `sh` and `python` are run, in the order of the page; the others are only read.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [*GUIDES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
RUN, READ = {"sh", "python"}, {"text", "mermaid", "yaml", "sql"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SPAN = {"FROM": "2013-01-01", "TO": "2013-01-03", "SERVE": "no"}  # `make run` as it is written, but for three days
PORT = re.compile(r"(?<=--port )\d+")
READY_SECONDS, STOP_SECONDS = 300, 30  # a machine may be busy


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    content = page.read_text()
    for fence in FENCE.finditer(content):
        yield Block(page, content[: fence.start()].count("\n") + 1, fence.group(1), fence.group(2))


BLOCKS = [block for page in GUIDES for block in blocks_of(page)]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout; its `.venv` is this one, and counts as ready."""
    copy = tmp_path_factory.mktemp("docs") / "assay"
    for name in known_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".ready":
            (copy / ".venv" / entry.name).symlink_to(entry)
    (copy / ".venv" / ".ready").touch()
    return copy


def known_files() -> list[str]:
    """What a commit of everything would hold: what Git ignores comes and goes while other tests run."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()]


def fill(checkout: Path) -> None:
    """Make what the README makes first, for the pages that come after it and run without it here."""
    if not (checkout / ".assay" / "lake" / "gold").exists():
        made = run(checkout, "sh", "make run")
        assert made.returncode == 0, made.stdout


def environment(checkout: Path) -> dict[str, str]:
    """What a person's shell has: no settings of this process. PYTHONPATH puts the copy before the installed project."""
    left = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "DAGSTER_", "DBT_", "MAKE", "PYTEST_"))}
    quick_java = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    return left | SPAN | {"PYTHONPATH": str(checkout / "platform"), "SPARK_LOCAL_IP": "127.0.0.1", "JAVA_TOOL_OPTIONS": quick_java}


def run(checkout: Path, language: str, text: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-eu", "-o", "pipefail", "-c", text] if language == "sh" else [str(checkout / ".venv/bin/python"), "-c", text]
    return subprocess.run(
        command, cwd=checkout, env=environment(checkout), text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language in RUN], ids=str)
def test_an_example_runs_as_it_is_written(block: Block, checkout: Path) -> None:
    if "pyspark" in block.text and shutil.which("java") is None:
        pytest.skip("no Java on the PATH: the Spark example is not run")
    if block.page.name != "README.md":
        fill(checkout)
    if "assay serve" in block.text:
        with_server_that_answers(checkout, block.text)
        return

    done = run(checkout, block.language, block.text)

    assert done.returncode == 0, f"{block.text}\n{done.stdout}"


def with_server_that_answers(checkout: Path, text: str) -> None:
    """Start it on a free port, wait until it answers, and press Ctrl-C."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command, count = PORT.subn(str(port), text.strip())
    assert count == 1, f"{text} names no port"
    before, _, last = command.rpartition("\n")  # settings may come first
    log = checkout / "serve.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            ["bash", "-c", f"{before}\nexec {last}"],
            cwd=checkout,
            env=environment(checkout),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(f"http://127.0.0.1:{port}/server_info"):
            assert server.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.2)
    finally:
        server.send_signal(signal.SIGINT)
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


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_says_what_it_is(block: Block) -> None:
    assert block.language in RUN | READ, f"{block}: tag the block as one of {sorted(RUN | READ)}"
    if block.language == "yaml":
        yaml.safe_load(block.text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors_of(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_file_of_the_engine_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`((?:platform/)?[a-z_/]+\.py)`", FENCE.sub("", page.read_text()))
    bases = (ROOT, ROOT / "platform", ROOT / "platform/assay", page.parent)
    assert [name for name in named if not any((base / name).exists() for base in bases)] == []


def anchors_of(page: Path) -> set[str]:
    """The anchors that a code host gives to headings."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_documents_name_no_machine_of_their_authors() -> None:
    for page in PAGES:
        assert not re.search(r"/(home|root|Users|work|tmp)/", page.read_text()), page.name
