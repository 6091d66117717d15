"""Writers that take turns: each is a real call of the product's code in a thread that stands still at every point where another may come.

A point is a place where the code looks at a table or changes the disk. They are where all writers pass: the opening of a snapshot, the
staging of files, the commit of deltalake and the entries of a log that are written without it, the removal of files. Only threads of a
`Writer` stop there. Nobody runs beside a writer that runs, so the same choices give the same course, and nobody waits without end: what
would, says who waits for what.
"""

from __future__ import annotations

import fcntl
import sys
import threading
import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeVar
from unittest import mock

from assay.erasure import old_files, waiting
from assay.gold import step as gold_step
from assay.lake import constraints, log, publisher, snapshots, staged, staging, workplaces
from assay.maintenance.cleaning import Cleaning

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

Result = TypeVar("Result")
LONGEST_SECONDS = 120  # that a segment may take on however busy a machine
_here = threading.local()
_begun: list[Writer] = []


class Kind(StrEnum):
    """What a writer is about to do, or has done."""

    LOOK = "look at"
    STAGE = "stage"
    STAGED = "staged"
    COMMIT = "commit"
    COMMITTED = "committed"
    CREATE = "create"
    CREATED = "created"
    REMOVE = "remove files of"
    FORGET = "forget bounds of"
    WAIT = "wait for"


AHEAD_OF_COMMIT, AFTER_COMMIT = frozenset({Kind.COMMIT, Kind.CREATE}), frozenset({Kind.COMMITTED, Kind.CREATED})


class Point(NamedTuple):
    kind: Kind
    table: str

    def __str__(self) -> str:
        return f"{self.kind} {self.table}"


class Fault(StrEnum):
    """What the storage does to one commit."""

    LOST = "is not made"
    UNSAID = "is made, and not acknowledged"


class Ended(BaseException):
    """Raised in a writer at its point: its process was told to end, and unwinds."""


class StorageFault(OSError):
    """What a storage says of a commit that it did not make, or of one that it made."""


class WaitsForEver(AssertionError):
    """Somebody waits for what nobody brings about."""


@dataclass(eq=False)
class Writer:
    """One call on its way. It stands at `at` until it is resumed; `error` is what it ended with."""

    name: str
    work: Callable[[], object]
    then: Callable[[Any], None] = lambda _: None  # what the machine notes of a result
    result: object = None
    at: Point | None = None
    error: BaseException | None = None
    done: bool = False
    fault: Fault | None = None
    faulted: bool = False
    has_place: bool = False  # it is known to be at work
    stops: Collection[Kind] = frozenset(Kind)
    stops_in: str = ""  # the layer whose tables it stops at; of a point that is a wait, or without a layer, any
    places: list[Path] = field(default_factory=list)  # the folders in which it builds gold
    locks: list[IO[str]] = field(default_factory=list)  # the files that it has locked
    _go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _stop: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    hangs: bool = False  # it came to no point in time: where its thread is nobody knows, and it is left there
    _end: bool = False
    _dead: bool = False
    _thread: threading.Thread | None = None

    def resume(self, stops: Collection[Kind] = frozenset(Kind), layer: str = "") -> None:
        """Let it run to its next point of some kinds, in a layer if one is named, or to its end."""
        self.stops, self.stops_in = stops, layer
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            _begun.append(self)
            self._thread.start()
        else:
            self._go.release()
        if not self._stop.acquire(timeout=LONGEST_SECONDS):
            self.hangs = True
            raise WaitsForEver(
                f"{self.name} came to no point within {LONGEST_SECONDS} s after {self.at or 'its beginning'}:\n{self._where()}"
            )

    def end(self) -> None:
        """Let it unwind from where it stands, as a process does that is told to end. Raises WaitsForEver if it goes on all the same."""
        if not (self.done or self.hangs):
            self._end = True
            self.resume()  # from now on it stands nowhere

    @property
    def held(self) -> str:
        """The names of the files that it has locked."""
        return ", ".join(sorted({Path(one.name).name for one in self.locks if not one.closed}))

    def vanish(self) -> None:
        """What the kernel does when a process is killed: it lets go of its locks. The thread stays where it stands."""
        self._dead = True
        for lock in self.locks:
            if not lock.closed:
                fcntl.flock(lock, fcntl.LOCK_UN)

    @property
    def waits(self) -> bool:
        """Whether it stands where it waits for others."""
        return self.at is not None and self.at.kind is Kind.WAIT

    @property
    def is_about_to_commit(self) -> bool:
        """Whether it stands where it has seen its staged files, with nothing left but to name them."""
        return not self._dead and self.at is not None and self.at.kind in AHEAD_OF_COMMIT

    def _where(self) -> str:
        """Where its thread is, as a traceback says it."""
        frame = sys._current_frames().get(self._thread.ident or 0) if self._thread else None
        return "".join(traceback.format_stack(frame)) if frame else "its thread is gone"

    def _run(self) -> None:
        _here.writer = self
        try:
            self.result = self.work()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the machine judges it
            self.error = error
        self.done, self.at = True, None
        self._stop.release()

    def pause(self, point: Point) -> None:
        is_there = point.kind is Kind.WAIT or point.table.startswith(self.stops_in)
        if point.kind in self.stops and is_there and not self._end:
            self.at = point
            self._stop.release()
            self._go.acquire()
        if self._end:
            raise Ended

    def take_fault(self, fault: Fault) -> bool:
        """Whether this commit is the one that the storage fails; then it is no more."""
        if self.fault is not fault:
            return False
        self.fault, self.faulted = None, True
        return True


def alone(work: Callable[[], Result]) -> Result:
    """Do something while nobody else is at work. It stops nowhere, and if it does not end it says where it is."""
    writer = Writer("whoever is alone", work)
    writer.resume(frozenset())
    if writer.error is not None:
        raise writer.error
    return writer.result  # type: ignore[return-value]  # of a writer that has ended


def point(kind: Kind, table: str) -> Writer | None:
    """Stand still, if this is the thread of a writer."""
    writer: Writer | None = getattr(_here, "writer", None)
    if writer is not None:
        writer.pause(Point(kind, table))
    return writer


def wait_for(what: str) -> None:
    """Stand still until others have gone on. Raises WaitsForEver where there is nobody who lets them: in no writer's thread."""
    if point(Kind.WAIT, what) is None:
        raise WaitsForEver(f"This waits for {what}, and nobody goes on meanwhile. {standing(_begun)}")


def standing(writers: Collection[Writer]) -> str:
    """Where some writers stand, and which locks they hold."""
    there = [one for one in writers if not one.done]
    return "; ".join(f"{one.name} stands at {one.at} and holds {one.held or 'no lock'}" for one in there) or "Nobody else is at work."


@contextmanager
def points() -> Iterator[None]:
    """Inside, writers stop at their points, those that begin there. Losers of a race look again at once: a pause of theirs is a point."""
    _begun.clear()
    with ExitStack() as stack:
        for owner, name, replaced in (
            (snapshots, "newest_commit", _looked),
            (staging, "_write_all", _staged),
            (log, "put", _put),
            (constraints, "put", _put),
            (old_files.OldFiles, "remove", _removed),
            (old_files, "replace_file", _forgotten),
            (gold_step, "workplace", _held),
        ):
            stack.enter_context(mock.patch.object(owner, name, replaced(getattr(owner, name))))
        without_sleep = SimpleNamespace(time=publisher.time.time, sleep=lambda _: None)
        stack.enter_context(mock.patch.object(publisher, "time", without_sleep))
        stack.enter_context(mock.patch.object(workplaces, "fcntl", SimpleNamespace(**{**vars(fcntl), "flock": _locked})))
        stack.enter_context(mock.patch.object(Cleaning, "carry_out", _carried_out(Cleaning.carry_out)))
        waits = SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: wait_for("those at work"))  # patience is the machine's
        stack.enter_context(mock.patch.object(waiting, "time", waits))
        yield


def table_of(folder: Path | str) -> str:
    """The name of a table, of the last two parts of its folder."""
    return "/".join(Path(folder).parts[-2:])


def _looked(real: Callable[..., Any]) -> Callable[..., Any]:
    def newest_commit(table: Path) -> Any:
        point(Kind.LOOK, table_of(table))
        return real(table)

    return newest_commit


def _staged(real: Callable[..., Any]) -> Callable[..., Any]:
    def write_all(pool: Any, staging_: staged.Staging, parts: Any, notes: Any) -> None:
        parts, table = list(parts), staging_.slice.spec.name
        if not parts:
            return
        point(Kind.STAGE, table)
        real(pool, staging_, parts, notes)
        point(Kind.STAGED, table)

    return write_all


def _put(real: Callable[..., Any]) -> Callable[..., Any]:
    def put(folder: Path, version: int, actions: Any) -> bool:
        first = version == 0
        writer = point(Kind.CREATE if first else Kind.COMMIT, table_of(folder))
        if not first and writer is not None and writer.take_fault(Fault.LOST):
            raise StorageFault("the disk is full")
        done: bool = real(folder, version, actions)
        if not first and done and writer is not None and writer.take_fault(Fault.UNSAID):
            raise StorageFault("no answer")
        point(Kind.CREATED if first else Kind.COMMITTED, table_of(folder))
        return done

    return put


def _removed(real: Callable[..., Any]) -> Callable[..., Any]:
    def remove(self: old_files.OldFiles, *args: Any) -> list[Path]:
        point(Kind.REMOVE, table_of(self.table))
        gone: list[Path] = real(self, *args)
        return gone

    return remove


def _forgotten(real: Callable[..., Any]) -> Callable[..., Any]:
    def replace_file(path: Path, *args: Any, **kwargs: Any) -> None:
        point(Kind.FORGET, table_of(path.parents[1]))
        real(path, *args, **kwargs)

    return replace_file


def _locked(lock: IO[str], how: int) -> None:
    """A lock that is waited for is a point."""
    writer: Writer | None = getattr(_here, "writer", None)
    if how & (fcntl.LOCK_NB | fcntl.LOCK_UN):
        fcntl.flock(lock, how)
    else:
        while not _took(lock, how):
            wait_for(Path(lock.name).name)
    if writer is not None:
        writer.locks.append(lock)


def _took(lock: IO[str], how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _carried_out(real: Callable[..., Any]) -> Callable[..., Any]:
    def carry_out(self: Cleaning, lake: Path) -> None:
        if self.removals:
            point(Kind.REMOVE, self.name)
        while any(one.is_about_to_commit and not one.has_place for one in _begun):
            wait_for("commits")  # nobody stands there for as many days as maintenance takes for old, for whom it does not wait
        writer, _here.writer = getattr(_here, "writer", None), None  # it looks once more, and removes: nobody stops in between for long
        try:
            real(self, lake)
        finally:
            _here.writer = writer

    return carry_out


def _held(real: Callable[..., Any]) -> Callable[..., Any]:
    @contextmanager
    def workplace(scratch: Path, what: str) -> Iterator[Path]:
        with real(scratch, what) as folder:
            if writer := getattr(_here, "writer", None):
                writer.places.append(folder)
            yield folder

    return workplace
