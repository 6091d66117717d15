"""The history that Dagster keeps of runs, without what is spent: runs that ended long ago, their events and logs, and old ticks.

First the runs go, as when the UI deletes them; then whatever is left of runs that are not there. So whoever is killed in between, or
has deleted a run in the UI, leaves nothing for good. What stays, because the UI reads it, is said in `spent_runs` and `spent_events`.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.lake.workplaces import deleting
from assay.maintenance.sqlite_space import Space
from assay.maintenance.unfinished import bytes_of, remove
from assay.orchestration.instance import DATABASES
from assay.orchestration.spent_events import RUNLESS, Resting, SpentEvents, forget_runless
from assay.orchestration.spent_runs import SpentRuns, forget, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import dagster as dg

    from assay.settings import Settings

AT_WORK = "the space of its databases is given back once no run is at work ({} now)"
A_DAY = 86400


@dataclass(frozen=True, slots=True)
class SpentHistory:
    """What goes of an instance's history: how many runs, events and ticks, and the bytes of it; `told` says what else could."""

    runs: int
    events: int
    ticks: int
    freed: int
    told: str = ""

    def __bool__(self) -> bool:
        return bool(self.runs or self.events or self.ticks or self.freed)

    def __str__(self) -> str:
        return f"{self.runs:,} runs, {self.events:,} events, {self.ticks:,} ticks"


@dataclass(frozen=True)
class History:
    """The history of an instance, of which what is older than `run_days` of the settings may go. `run` is the id of the run that asks."""

    settings: Settings
    instance: dg.DagsterInstance
    waits: Callable[[str], None] = lambda _: None
    run: str | None = None

    def execute(self, *, dry_run: bool = False) -> SpentHistory:
        """Remove what is spent; returns what. A dry run removes nothing, and cannot know what the databases would give back."""
        with deleting(self.settings.scratch, self.waits):
            before = datetime.now(UTC) - timedelta(days=self.settings.run_days)
            spent = SpentRuns(self.instance, before, Resting.of(self._log)).found()
            there = set(self.instance.run_storage.get_run_ids()) - set(spent)
            files = dict(self._files(there, spent, before))
            events, freed, ticks = SpentEvents(self._log, there, before), sum(files.values()), sum(self._ticks(dry_run=dry_run))
            if dry_run:
                return SpentHistory(len(spent), events.count(), ticks, freed)
            for run_id in spent:
                self.instance.compute_log_manager.delete_logs(prefix=[run_id])
            forget(self.instance.run_storage, spent)
            removed = events.remove()
            for path in files:
                remove(path)
            given, told = self._give_back(before)
            return SpentHistory(len(spent), removed, ticks, freed + given, told)

    @property
    def _log(self) -> Any:  # noqa: ANN401  # its base class does not declare all that each storage can do
        return self.instance.event_log_storage

    def _ticks(self, *, dry_run: bool) -> Iterator[int]:
        """Those that are older than `retention` in dagster.yaml keeps them, also of what does not tick any more: Dagster forgets only whose
        turn it is.
        """
        for state in self.instance.all_instigator_state() if self.instance.schedule_storage else ():
            for status, days in self.instance.get_tick_retention_settings(state.instigator_type).items():
                if days <= 0:
                    continue
                of, before = (state.instigator_origin_id, state.selector_id), time.time() - days * A_DAY
                yield len(self.instance.get_ticks(*of, before=before, statuses=[status]))
                if not dry_run:
                    self.instance.purge_ticks(*of, before, [status])

    def _files(self, there: Collection[str], spent: Collection[str], before: datetime) -> Iterator[tuple[Path, int]]:
        """What is on the disk of runs that are not there, and its bytes: where each has a file of events, that, and what their steps have
        printed. What is young may be of a run that begins, unless it is known to be spent.
        """
        found = {path: path.name for path in Path(self.instance.storage_directory()).glob("*-*-*-*-*")}
        if self._log.is_run_sharded:
            found |= {Path(self._log.path_for_shard(one)): one for one in self._log.get_all_run_ids()}
        known = frozenset(spent)
        for path, run_id in found.items():
            if not _is_id(run_id) or run_id in there or path.is_symlink():
                continue
            if run_id in known or path.lstat().st_mtime < before.timestamp():
                yield from ((one, bytes_of(one)) for one in ([path] if path.is_dir() else _with_its_log(path)))

    def _give_back(self, before: datetime) -> tuple[int, str]:
        """Bytes that the databases of SQLite have given back to the disk, and why they could give more. Not while a run is at work."""
        files = [self.settings.dagster_home / name for name in DATABASES]
        if self._log.is_run_sharded and (runless := Path(self._log.path_for_shard(RUNLESS))).exists():
            forget_runless(self._log, before)
            files.append(runless)
        spaces = [space for space in map(Space.of, filter(Path.exists, files)) if space.pays]
        if spaces and (running := unfinished(self.instance, self.run)):
            return 0, AT_WORK.format(running)
        given, told = 0, []
        for space in spaces:
            if why := space.give_back():
                told.append(why)
            else:
                given += space.size - Space.of(space.file).size
        return given, "; ".join(told)


def _with_its_log(database: Path) -> list[Path]:
    """A file of SQLite last: what is beside it would be taken for that of another of its name."""
    return [database.with_name(f"{database.name}{end}") for end in ("-wal", "-shm", "")]


def _is_id(name: str) -> bool:
    with suppress(ValueError):
        return str(uuid.UUID(name)) == name
    return False
