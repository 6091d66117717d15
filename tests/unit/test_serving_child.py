"""A code server ends when the process that has loaded the code is gone: nobody asks it for more than it has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from assay.cli.serving_child import WITHOUT_CODE

SERVER = """
import subprocess, sys, threading, time
from assay.cli import serving_child

serving_child.LOOK_SECONDS = 0.05
threading.Thread(target=serving_child._end_without_code, daemon=True).start()
time.sleep(0.3)  # as long as code is loaded there is no child yet
children = [subprocess.Popen(["sleep", "600"])]
print(children[0].pid, flush=True)
while True:
    time.sleep(0.02)
    ended = [one for one in children if one.poll() is not None]
    if ended and len(children) == 1:
        children.append(subprocess.Popen(["sleep", "600"]))  # the code is loaded anew
        print(children[1].pid, flush=True)
"""


def test_a_code_server_ends_when_its_process_is_gone_and_no_other_has_come() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        for _ in range(2):
            os.kill(int(server.stdout.readline()), signal.SIGKILL)
        assert server.wait(60) == WITHOUT_CODE
