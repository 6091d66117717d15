"""Kills under `assay serve`: a run that the arrival sensor has asked for is killed at a boundary, then server and daemon; a backfill goes on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING

from shim import Story
from trying import copy

from command_line import BIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from people_world import People
    from trying import Calm, Tally

LONGEST_SECONDS, LOOK_SECONDS = 900, 0.5  # the daemon looks every 30 seconds, and a machine may be busy
SEEN_SECONDS = 3  # that the daemon has to see the death of a run


def kill_served(calm: Calm, folder: Path, moments: Iterable[int], tally: Tally) -> None:
    """Moments of what the sensor brings about; afterwards a person works from the command line."""
    for moment in moments:
        world = folder / f"{calm.tale.name}-served-{moment}"
        people, story = copy(calm.begun, world), Story(world, folder / "notes-of-one", calm.story.skipped, moment, alone=True)
        what = f"{calm.tale.name} under assay serve, killed {'after' if moment % 2 else 'before'} boundary {moment // 2} (--at {moment})"
        if not _served(people, story, folder / "served.log"):
            tally.note(f"{what}: it was not come to in {LONGEST_SECONDS} s: {(folder / 'served.log').read_text()[-1500:]}")
        tally.tried["served runs killed"] += 1
        tally.judge(what, people, replace(calm, versions={}))  # two runs of one table publish in whatever order they come
        print(f"{what}: {tally}", flush=True)
        for note in folder.glob("notes-of-one.*"):
            note.unlink()
    tally.wait()
    shutil.rmtree(calm.begun.parent)


def _served(people: People, story: Story, log: Path) -> bool:
    """Serve until the moment has come, then kill all that serves; False if it did not come."""
    environment = people.environment | story.environment
    with log.open("wb") as said, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        command = [str(BIN / "assay"), "serve", "--port", str(free.getsockname()[1])]
        free.close()
        server = subprocess.Popen(command, env=environment, stdout=said, stderr=said, start_new_session=True)
        deadline, come = time.monotonic() + LONGEST_SECONDS, False
        while not come and time.monotonic() < deadline and server.poll() is None:
            time.sleep(LOOK_SECONDS)
            come = _has_come(story)
        time.sleep(SEEN_SECONDS)
        while left := _processes_of(story):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, SIGKILL)
            server.poll()
            time.sleep(LOOK_SECONDS)
        server.wait()
    return come


def _has_come(story: Story) -> bool:
    assert story.moment is not None
    try:
        return any(entry.boundary == story.moment // 2 for entry in story.entries())
    except FileNotFoundError:  # nothing has begun
        return False


def _processes_of(story: Story) -> list[int]:
    """Whoever tells this story and is alive, whatever has started it."""
    mark, found = f"FAULTS_LOG={story.environment['FAULTS_LOG']}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
