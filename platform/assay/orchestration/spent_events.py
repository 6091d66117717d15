"""Spent events: rows of Dagster's event log that are of runs which are not there any more, and that no question of its UI reads.

What is read is the newest of its kind, by asset, partition and type of event, or by check and partition: that stays, whatever became of its
run, and with it its tags, in which data versions are. The tables are Dagster's, in whatever database it keeps them. The row with the
greatest number stays as well: SQLite would give its number again, and cursors would pass over what comes next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

RUNS_AT_ONCE = 500  # in one transaction: whoever writes meanwhile waits for it
RUNLESS = ""  # the run of an event that no run has made
PLANNED, MADE = "ASSET_MATERIALIZATION_PLANNED", "ASSET_MATERIALIZATION"

_EVENTS = sa.table(
    "event_logs",
    *(sa.column(name) for name in ("id", "run_id", "dagster_event_type", "asset_key", "partition")),
    sa.column("timestamp", sa.TIMESTAMP),
)
_TAGS = sa.table("asset_event_tags", sa.column("event_id"))
_CHECKS = sa.table(
    "asset_check_executions",
    *(sa.column(name) for name in ("id", "run_id", "asset_key", "check_name", "partition", "execution_status")),
    sa.column("evaluation_event_storage_id"),
    sa.column("create_timestamp", sa.TIMESTAMP),
)
_ASSETS = sa.table("asset_keys", sa.column("last_run_id"))
_EVENT, _CHECK = _EVENTS.c, _CHECKS.c


@dataclass(frozen=True, slots=True)
class Resting:
    """The ids of runs that the event log asks for: the newest of each asset and of who waits for a pool, and, of partitions that were tried
    and not made since, those of the last attempt.
    """

    newest: frozenset[str]
    attempts: frozenset[str]

    @classmethod
    def of(cls, storage: Any) -> Resting:  # noqa: ANN401  # its base class does not declare all that each storage can do
        """Ask an event log."""
        last = (
            sa.select(sa.func.max(_EVENT.id))
            .where(_EVENT.dagster_event_type.in_((PLANNED, MADE)))
            .group_by(_EVENT.asset_key, _EVENT.partition)
        )
        tried = sa.select(_EVENT.run_id).where(_EVENT.dagster_event_type == PLANNED, _EVENT.id.in_(last)).distinct()
        checked = sa.select(sa.func.max(_CHECK.id)).group_by(_CHECK.asset_key, _CHECK.check_name, _CHECK.partition)
        unchecked = sa.select(_CHECK.run_id).where(_CHECK.execution_status == "PLANNED", _CHECK.id.in_(checked)).distinct()
        with storage.index_connection() as connection:
            newest, *others = (set(connection.execute(one).scalars()) for one in (sa.select(_ASSETS.c.last_run_id), tried, unchecked))
        return cls(frozenset(newest | storage.get_concurrency_run_ids()), frozenset.union(*map(frozenset, others)))


@dataclass(frozen=True, slots=True)
class SpentEvents:
    """The events of before a moment in an event log, as far as their run is not `there`."""

    storage: Any
    there: Collection[str]
    before: datetime

    def count(self) -> int:
        """How many are spent."""
        found = 0
        for runs in self._gone():
            with self.storage.index_connection() as connection:
                found += connection.execute(
                    sa.select(sa.func.count()).select_from(self._events(runs, self._checks(runs)).subquery())
                ).scalar_one()
        return found

    def remove(self) -> int:
        """Remove them, some runs at a time; returns how many. Killed on the way, the next removal finds what is left."""
        removed = 0
        for runs in self._gone():
            with self.storage.index_connection() as connection:
                connection.execute(_CHECKS.delete().where(_CHECK.id.in_(self._checks(runs))))
                spent = self._events(runs, None)
                connection.execute(_TAGS.delete().where(_TAGS.c.event_id.in_(spent)))
                removed += connection.execute(_EVENTS.delete().where(_EVENT.id.in_(spent))).rowcount
        return removed

    def _gone(self) -> Iterator[Sequence[str]]:
        with self.storage.index_connection() as connection:
            known = {run for column in (_EVENT.run_id, _CHECK.run_id) for run in connection.execute(sa.select(column).distinct()).scalars()}
        gone = sorted(known - {None, *self.there})
        for first in range(0, len(gone), RUNS_AT_ONCE):
            yield gone[first : first + RUNS_AT_ONCE]

    def _checks(self, runs: Sequence[str]) -> sa.Select[Any]:
        """The rows of checks that are not the newest evaluation, or plan, of their partition."""
        newest = sa.select(sa.func.max(_CHECK.id)).group_by(
            _CHECK.asset_key, _CHECK.check_name, _CHECK.partition, _CHECK.execution_status == "PLANNED"
        )
        return sa.select(_CHECK.id).where(_CHECK.run_id.in_(runs), _CHECK.create_timestamp < self._limit, _CHECK.id.not_in(newest))

    def _events(self, runs: Sequence[str], going: sa.Select[Any] | None) -> sa.Select[Any]:
        """The events that are not the newest of their kind; those of checks stay as long as their row does, unless it is `going`.

        That something was planned says nothing once its run is gone.
        """
        newest = (
            sa.select(sa.func.max(_EVENT.id))
            .where(_EVENT.asset_key.is_not(None), _EVENT.dagster_event_type != PLANNED)
            .group_by(_EVENT.asset_key, _EVENT.dagster_event_type, _EVENT.partition)
        )
        checks = sa.select(_CHECK.evaluation_event_storage_id).where(_CHECK.evaluation_event_storage_id.is_not(None))
        if going is not None:
            checks = checks.where(_CHECK.id.not_in(going))
        return sa.select(_EVENT.id).where(
            _EVENT.run_id.in_(runs),
            _EVENT.timestamp < self._limit,
            _EVENT.id.not_in(newest),
            _EVENT.id.not_in(checks),
            _EVENT.id < sa.select(sa.func.max(_EVENT.id)).scalar_subquery(),
        )

    @property
    def _limit(self) -> datetime:
        return self.before.astimezone(UTC).replace(tzinfo=None)  # as the tables have it


def forget_runless(storage: Any, before: datetime) -> None:  # noqa: ANN401  # as above
    """Where each run has a file, and what no run has made one as well: remove from it what is older. The UI reads it elsewhere."""
    limit = before.astimezone(UTC).replace(tzinfo=None)
    with storage.run_connection(RUNLESS) as connection:
        connection.execute(
            _EVENTS.delete().where(_EVENT.timestamp < limit, _EVENT.id < sa.select(sa.func.max(_EVENT.id)).scalar_subquery())
        )
