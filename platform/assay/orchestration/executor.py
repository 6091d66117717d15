"""The executor of runs that Dagster starts: its in-process executor, in a process whose end others can tell, whatever way it ends.

For whose lock on a database of the instance such a run waits is said on the standard error: its log is in the databases.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.orchestration.pools import watching
from assay.orchestration.run_locks import RunLocks
from assay.orchestration.sqlite_patience import waits_told

if TYPE_CHECKING:
    from collections.abc import Iterator

_held = ExitStack()  # to the end of the process: the run is recorded as ended only after its executor is done


class Guarded(dg.Executor):
    """Another executor, with a run lock of its run, and an eye on the pools that it waits for."""

    def __init__(self, inner: dg.Executor) -> None:
        self.inner = inner

    @property
    def retries(self) -> Any:  # noqa: ANN401  # Dagster's own type is private
        """As the other does."""
        return self.inner.retries

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:  # noqa: ANN401  # Dagster's own types are private
        """As the other does."""
        instance, run_id = plan_context.instance, plan_context.run_id
        _held.enter_context(RunLocks.of(instance).hold(run_id, "a run of the UI, a sensor or a schedule"))
        with watching(instance, run_id, lambda _: None), waits_told(_say):
            yield from self.inner.execute(plan_context, execution_plan)


def _say(words: str) -> None:
    sys.stderr.write(f"assay: {words}\n")  # what a step says is shown with its run, all else where the server runs
    sys.stderr.flush()


def _guarded(init_context: dg.InitExecutorContext) -> dg.Executor:
    create = dg.in_process_executor.executor_creation_fn
    assert create is not None  # noqa: S101  # Dagster's own has one
    return Guarded(create(init_context))


# under the name and with the configuration of Dagster's, so that what people have said to it holds
guarded_executor = dg.ExecutorDefinition(
    dg.in_process_executor.name,
    config_schema=dg.in_process_executor.config_schema,  # type: ignore[arg-type]  # what one definition was given, another takes
    executor_creation_fn=_guarded,
    description="The steps of a run one after the other in its own process, whose end others can tell.",
)
