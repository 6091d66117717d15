"""dbt in a process of its own: it answers, it says what went wrong, it is replaced when it dies, and it does not outlive its caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.gold import dbt_process
from assay.gold.dbt_process import DbtDied
from assay.gold.dbt_runner import DbtFailed

pytestmark = pytest.mark.slow  # each test starts a process that imports dbt
PROJECT = Path(__file__).parents[2] / "dbt_project"
CALLER = """
import sys
from pathlib import Path
from assay.gold import dbt_process
print(dbt_process.start().process.pid, flush=True)
dbt_process.parse(Path(sys.argv[1]), Path(sys.argv[2]))
"""

NEVER_CALLED = """
import sys, time
from pathlib import Path
from assay.gold import dbt_process
from assay.gold.parsed import parse_project
project = Path(sys.argv[1])
engine = dbt_process.start(project, parse_project(project))
children = Path(f"/proc/{engine.process.pid}/task/{engine.process.pid}/children")
while not children.read_text():
    time.sleep(0.01)
time.sleep(0.3)
dbt_process.stop()
assert engine.process.wait() == -9
"""


def gone(pid: int, seconds: float) -> bool:
    """Whether a process ends (or is only waited for) within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


def test_an_error_of_the_other_process_is_raised_here_with_its_hint_once(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: broken\nprofile: [\n")
    with pytest.raises(DbtFailed, match="Tried to parse") as raised:
        dbt_process.parse(tmp_path, tmp_path / "target")
    assert str(raised.value).count("Run `dbt build`") == 1


def test_a_killed_process_is_an_error_that_may_pass_and_the_next_call_gets_a_new_one(tmp_path: Path) -> None:
    engine = dbt_process.start()
    with pytest.raises(DbtDied, match=f"ended with -{signal.SIGKILL.value}"):
        engine.call(os.kill, engine.process.pid, signal.SIGKILL)
    dbt_process.parse(PROJECT, tmp_path)
    assert (tmp_path / "manifest.json").exists()


def test_it_ends_in_the_middle_of_its_work_when_its_caller_is_killed(tmp_path: Path) -> None:
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(PROJECT), str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    pid = int(caller.stdout.readline())
    os.kill(pid, 0)
    caller.kill()
    caller.wait()
    caller.stdout.close()
    assert gone(pid, seconds=120)


def test_ctrl_c_does_not_reach_it_not_even_while_it_starts(tmp_path: Path) -> None:
    engine = dbt_process.start()
    engine.process.send_signal(signal.SIGINT)
    dbt_process.parse(PROJECT, tmp_path)
    engine.process.send_signal(signal.SIGINT)
    dbt_process.parse(PROJECT, tmp_path)
    assert dbt_process.start() is engine


def test_a_caller_that_leaves_before_the_answer_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    engine = dbt_process.start()
    engine.call(exec, "import __main__; __main__.GRACE_SECONDS = 120")  # a busy machine may need more than the usual second to end in order
    engine.pipe.send((time.sleep, (0.5,), {}))
    engine.was_called = True
    dbt_process.stop()
    assert engine.process.wait(timeout=120) == 0
    assert capfd.readouterr().err == ""


def test_where_it_is_kept_it_serves_one_backfill_after_the_other_and_ends_then() -> None:
    with dbt_process.kept():
        engine = dbt_process.start()
        assert engine.call(os.getpid) == engine.process.pid
        dbt_process.stop()
        assert dbt_process.start() is engine
    assert engine.process.wait(timeout=120) == 0


def test_it_ends_when_it_is_not_needed_any_more() -> None:
    engine = dbt_process.start()
    assert engine.call(os.getpid) == engine.process.pid
    dbt_process.stop()
    assert engine.process.wait(timeout=120) == 0
    assert dbt_process.start().process.pid != engine.process.pid


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="whether it has begun is read from /proc")
def test_one_that_was_never_called_is_killed_without_a_word() -> None:
    done = subprocess.run([sys.executable, "-c", NEVER_CALLED, str(PROJECT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
