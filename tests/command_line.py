"""`assay ..` as a person types it, in this process or in one of its own. Both give the exit code and what was said on either stream.

In this process a command takes milliseconds, where a new Python takes seconds to import Dagster and to start dbt. A process of its own is
for what only a process shows: signals, pipes, users, another checkout, and how long an import takes.
"""

from __future__ import annotations

import ctypes
import gc
import io
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BIN = Path(sys.executable).parent
Done = subprocess.CompletedProcess[str]


def shell(home: Path, **more: str) -> dict[str, str]:
    """The environment of a person who has set nothing but the home."""
    return {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(home), "ASSAY_HOME": str(home)} | more


def assay(*arguments: str, environment: Mapping[str, str], folder: Path | None = None, stdin: str = "") -> Done:
    """Run a command in this process. It sees this environment only, works in that folder, and reads and writes streams of its own."""
    from assay.cli.exit_codes import run
    from assay.cli.main import app

    with ExitStack() as stack:
        given, out, err = (stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="")) for _ in range(3))
        given.write(stdin)
        given.seek(0)
        with surroundings(environment, folder), standard_streams(given, out, err):
            code = run(app, arguments)
        out.seek(0)
        err.seek(0)
        return Done(["assay", *arguments], code, out.read(), err.read())


def assay_process(*arguments: str, environment: Mapping[str, str], folder: Path | None = None, stdin: str = "") -> Done:
    """Run a command in a process of its own."""
    return process(BIN / "assay", *arguments, environment=environment, folder=folder, stdin=stdin)


def as_program(stdin: str, *arguments: str) -> None:
    """What a child of the nursery does that is this command from its first line to its end."""
    from assay.cli.__main__ import main
    from dbt_beside import have_dbt_ready

    have_dbt_ready()
    sys.stdin, sys.argv = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"), ["assay", *arguments]
    main()


def process(*command: object, environment: Mapping[str, str], folder: Path | None = None, stdin: str = "") -> Done:
    """Run any program to its end."""
    words = [str(one) for one in command]
    return subprocess.run(words, env=dict(environment), cwd=folder, input=stdin, capture_output=True, text=True, check=False)


@contextmanager
def surroundings(environment: Mapping[str, str], folder: Path | None) -> Iterator[None]:
    """What a command finds around it, and may change: afterwards all is as it was."""
    variables, place, collects, umask = dict(os.environ), Path.cwd(), gc.get_threshold(), os.umask(0)
    os.umask(umask)
    try:
        replace_environment(environment)
        os.chdir(folder or place)
        yield
    finally:
        gc.set_threshold(*collects)
        os.umask(umask)
        os.chdir(place)
        replace_environment(variables)


def replace_environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


@contextmanager
def standard_streams(*files: IO[str]) -> Iterator[None]:
    """Inside, the three standard streams are these files, for Python as for engines and processes that write to the numbers 0, 1 and 2."""
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in range(3)]
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        # they are never closed: what Dagster's loggers took for the standard error must still be one
        sys.stdin, sys.stdout, sys.stderr = (open(number, mode, encoding="utf-8", closefd=False) for number, mode in enumerate("rww"))  # noqa: SIM115
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdin, sys.stdout, sys.stderr = before
        for number, old in enumerate(kept):
            os.dup2(old, number)
            os.close(old)


def obey_modes() -> None:
    """Give up what lets root read and write whatever the modes of files say (CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH)."""
    header, rights = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, rights) == 0
    for place in (0, 1):  # effective, permitted
        rights[place] &= ~0b110
    assert libc.capset(header, rights) == 0
