"""The UI's Dagster instance, as it is used by a command that executes its runs itself: runs, events and pools are the same.

What such a run prints is on the terminal of its caller, so it is not captured as well: Dagster would start two Python processes for each
step to mirror it, and a Ctrl-C ends each of them in a traceback.
"""

from __future__ import annotations

import os
import pwd
import re
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import dagster as dg
import yaml
from dagster_shared.check import CheckError

from assay.errors import PermanentFailure
from assay.lake.durable import replace_file
from assay.orchestration.sqlite_patience import wait_patiently, waits_told
from assay.permissions import share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from assay.settings import Settings

NOT_CAPTURED = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}  # as Dagster documents it
DESCRIPTION, NAME = "dagster.yaml", "in-process.yaml"
DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")  # that SQLite makes; it never lets a group write them

DATABASE = re.compile(r"\.db(-wal|-shm|-journal)?$")
SHUT = re.compile(r"unable to open database file|attempt to write a readonly database|access permission denied")
LACKING = re.compile(r"no such (table|column)\b|table \S+ has no column\b")


class InstanceMisdescribed(PermanentFailure):
    """`dagster.yaml`, which people edit, does not say what Dagster can use."""

    hint = "Correct it; or move it away and run `assay init`, which copies the usual one. Nothing was changed."


class InstanceOutdated(PermanentFailure):
    """The databases of Dagster's instance have other tables than this version of Dagster asks for."""

    hint = (
        "With a copy at hand and DAGSTER_HOME set, `dagster instance migrate` brings an older one up to date. Or move its databases away "
        "and run `assay init`: its history begins anew, the tables stay."
    )


class InstanceClosed(PermanentFailure):
    """A database of Dagster's instance, or a folder of it, is not this user's to read and write."""

    hint = "Let this user read and write it, or work as that user. A group shares a home by ASSAY_GROUP. What is published is whole."


class InstanceDamaged(PermanentFailure):
    """A database of Dagster's instance cannot be read. What is published is not in it."""

    hint = "Stop what uses it; put back a copy, or move the file away and run `assay init`: its history begins anew, the tables stay."


def share_instance(settings: Settings) -> None:
    """Let the group that shares the home write the instance's databases, which are made for that if they are not there."""
    files = [settings.dagster_home / name for name in DATABASES]
    if not all(file.exists() for file in files):
        with instance_of(settings.dagster_home):
            pass
    share(settings, files)


@contextmanager
def instance_of(dagster_home: Path, tell: Callable[[str], None] = lambda _: None) -> Iterator[dg.DagsterInstance]:
    """The instance that `dagster.yaml` in this folder describes. Closed at the end. `tell` is given for whose locks it waits.

    Raises InstanceMisdescribed if nobody can use what it says; also for what happens inside, InstanceDamaged if one of its databases
    cannot be read, InstanceClosed if this user may not read and write it, InstanceOutdated if it has not the tables that are asked for.
    """
    wait_patiently()
    _write_down(dagster_home)
    try:
        with waits_told(tell), _described(dagster_home) as instance:
            yield instance
    except Exception as error:
        if damaged := _damaged(dagster_home, error):
            raise InstanceDamaged(f"Tried to use Dagster's instance; {damaged}.") from error
        if shut := _shut(dagster_home, error):
            raise InstanceClosed(f"Tried to use Dagster's instance; {shut}.") from error
        if lacks := _lacks(error):
            raise InstanceOutdated(f"Tried to use Dagster's instance in {dagster_home}; {lacks}: it is of another version.") from error
        raise


def _write_down(dagster_home: Path) -> None:
    """The description for a command: as the instance's own, but for what is printed, which is not captured."""
    path = dagster_home / DESCRIPTION
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InstanceMisdescribed(f"Tried to read {path}; {' '.join(str(error).split())}.") from error
    if not isinstance(said, dict):
        raise InstanceMisdescribed(f"Tried to read {path}; it is no mapping of settings.")
    replace_file(dagster_home / NAME, yaml.safe_dump(said | {"compute_logs": NOT_CAPTURED}).encode())


def _described(dagster_home: Path) -> dg.DagsterInstance:
    try:
        return dg.DagsterInstance.from_config(str(dagster_home), NAME)
    except (dg.DagsterError, CheckError, ImportError, TypeError) as error:  # a class that is none is a TypeError to Dagster
        faults = [one.message.partition(" Expected:")[0] for one in getattr(error, "errors", ())]  # after it, all that could be said
        told = "; ".join(faults or [str(error)]).rstrip(".")
        raise InstanceMisdescribed(f"Tried to use {dagster_home / DESCRIPTION}; {' '.join(told.split())}.") from error


def _lacks(error: BaseException | None) -> str | None:
    """What SQLite says that a database has not, such as `no such table: kvs`; None for any other error."""
    return _operational(error, LACKING)


def _shut(dagster_home: Path, error: BaseException | None) -> str | None:
    """Which database or folder this user may not use, and whose it is, if that is what SQLite met: it names none."""
    if _operational(error, SHUT) is None:
        return None
    for path in (dagster_home, *sorted(path for path in dagster_home.rglob("*") if path.is_dir() or DATABASE.search(path.name))):
        if not os.access(path, os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)):
            return f"{path} cannot be read and written to by this user; it belongs to {_owner(path)}"
    return None


def _owner(path: Path) -> str:
    number = path.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _operational(error: BaseException | None, words: re.Pattern[str]) -> str | None:
    """What SQLite says if an error comes from that and begins with some words."""
    while error is not None and not (isinstance(error, sqlite3.OperationalError) and words.match(str(error))):
        error = getattr(error, "orig", None) or error.__cause__
    return None if error is None else str(error)


def _damaged(dagster_home: Path, error: BaseException | None) -> str | None:
    """Which database an error of SQLite is about, and what it says; None for any other error, such as that another process writes."""
    while error is not None and type(error) is not sqlite3.DatabaseError:
        error = getattr(error, "orig", None) or error.__cause__
    if error is None:
        return None
    for path in [path for path in sorted(dagster_home.rglob("*.db")) if path.stat().st_size]:
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as database:
                said = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as why:
            said = str(why)
        if said != "ok":
            return f"{path} is damaged: {' '.join(said.split())}"
    return f"a database of it is damaged: {error}"
