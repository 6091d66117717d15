"""One signal ends `assay backfill` in order, at whatever it is, and the next backfill goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from assay import stopping
from flights.upstream import drop_files

ASSAY = Path(sys.executable).parent / "assay"
FIRST, LAST = date(2013, 1, 1), date(2013, 1, 5)
LONGEST_SECONDS = stopping.GRACE_SECONDS + stopping.LONGEST_SECONDS + 10  # what is promised; two on a machine with nothing else to do
DYING_SECONDS = 5
STOPPED_WHILE_IT_IMPORTS = """
import os, signal, sys
class CtrlC:
    def find_spec(self, name, path, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, CtrlC())
from assay.cli.__main__ import main
main()
"""
UNINTERRUPTIBLE = """
import hashlib, sys
from assay import stopping
stopping.obey()
with stopping.at_the_end(lambda stopped: print("last act:", stopped.by)), stopping.takes_itself_apart():
    print("at work", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000_000)
"""


def start(home: Path, *command: str) -> subprocess.Popen[str]:
    """As the background of a script starts it, where SIGINT is ignored."""
    environment = {"PATH": f"{ASSAY.parent}:/usr/bin:/bin", "ASSAY_HOME": str(home), "HOME": str(home)}
    ignoring = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    return subprocess.Popen(ignoring, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def stop_at(process: subprocess.Popen[str], words: str, number: signal.Signals, *, group: bool = True) -> str:
    """Send a signal once these words were said; returns what was said. The terminal sends Ctrl-C to the whole group."""
    assert process.stdout
    said = ""
    while words not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    time.sleep(0.2)
    began = time.monotonic()
    (os.killpg if group else os.kill)(process.pid, number)
    said += process.communicate(timeout=300)[0]
    assert time.monotonic() - began < LONGEST_SECONDS, said
    return said


def of_session(session: int) -> list[str]:
    """The processes that are left of one, without those that are dead and not yet waited for by init. One that was killed takes a moment
    to be so.
    """
    found, until = [""], time.monotonic() + DYING_SECONDS
    while found and time.monotonic() < until:
        said = subprocess.run(["ps", "-o", "stat=,args=", "-s", str(session)], capture_output=True, text=True, check=False).stdout
        found = [line for line in said.splitlines() if not line.startswith("Z")]
    return found


@pytest.mark.slow
def test_one_signal_ends_a_backfill_in_order_and_the_next_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    drop_files(home / "landing", FIRST, LAST)
    for words, number, group in (
        ("bronze/flights", signal.SIGINT, True), ("silver/flights", signal.SIGTERM, False), ("gold/", signal.SIGINT, True)
    ):  # fmt: skip
        process = start(home, str(ASSAY), "backfill")
        said = stop_at(process, words, number, group=group)
        assert process.returncode == 128 + number, said
        assert "`assay backfill` goes on with them." in said
        assert "Partitions: " in said
        assert f"stopped by {'Ctrl-C' if number == signal.SIGINT else number.name}" in said
        assert "Traceback" not in said
        assert "Exception" not in said
        assert not of_session(process.pid)
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with dg.DagsterInstance.get() as instance:
        states = {run.status for run in instance.get_runs()}
        assert states <= {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}, states
        taken = [instance.event_log_storage.get_concurrency_info(key) for key in instance.event_log_storage.get_concurrency_keys()]
        assert not any(info.active_slot_count for info in taken)
    process = start(home, str(ASSAY), "backfill")
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert "published" in said


def test_work_that_cannot_be_interrupted_is_not_waited_for(tmp_path: Path) -> None:
    process = start(tmp_path, sys.executable, "-c", UNINTERRUPTIBLE)
    said = stop_at(process, "at work", signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM
    assert "last act: SIGTERM" in said


def test_ctrl_c_while_python_still_imports_ends_it_with_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED_WHILE_IT_IMPORTS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "assay: stopped by Ctrl-C.\n")
