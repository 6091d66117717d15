"""What the command line says of runs while they work and when they end: what was published, what was not and why, what waits in landing."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assay.cli.echo import echo
from assay.stopping import Stopped, at_the_end

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import dagster as dg

    from assay.orchestration.backfill import Ran, Request
    from assay.orchestration.plan import Planner


def announce(request: Request) -> None:
    """A run begins."""
    for note in request.notes:
        echo(f"assay: {note}", err=True)
    echo(f"{request.title} ...")


def say_waiting(words: str) -> None:
    """A run waits for another."""
    echo(f"assay: {words}", err=True)


def say_what_became(ran: Ran) -> None:
    """A run has ended."""
    echo(f"  {'ok' if ran.failure is None else 'FAILED'}: {ran.said}")


def say_failures(done: Sequence[Ran]) -> bool:
    """Why runs failed: one line for each step that did. Whether any did."""
    for ran in done:
        for words in (ran.failure or "").splitlines():
            echo(f"assay: run {ran.run_id}: {words}", err=True)
    return any(ran.failure for ran in done)


def say_end(done: Sequence[Ran], seconds: float, *, of_all: bool) -> None:
    """All has been done, in so many seconds; of some tables only, unless it was `of_all`."""
    fine = "every partition that has landed is up to date" if of_all else "what is selected is up to date, or waits for more than that"
    if done:
        echo(f"{counted(done)}; {seconds:.1f} s.")
    else:
        echo(f"Nothing to do: {fine} (looked in {seconds:.1f} s).")


def counted(done: Sequence[Ran]) -> str:
    """What became of the partitions of all runs."""
    total = Counter[str]()
    for ran in done:
        total.update({str(status): count for status, count in ran.outcomes.items()})
    said = ", ".join(f"{count:,} {status}" for status, count in total.items() if count)
    return f"Partitions: {said or 'none published'}"


def say_landing(planner: Planner, only: Collection[dg.AssetKey] | None) -> None:
    """Print what waits and what is ignored of the files of some assets' datasets, and of the files that belong to none."""
    from assay.orchestration.landing import Landing

    datasets = {"", *planner.contracts} if only is None else {"", *(key.path[-1] for key in only)}
    for note in Landing.look(planner).of(datasets).notes():
        echo(note)


@contextmanager
def told_when_stopped(done: Sequence[Ran], go_on: str) -> Iterator[None]:
    """Inside, a command that is stopped says what it has done, and that a command goes on with the rest. Raises SystemExit.

    One that an error ends says why runs before have failed.
    """

    def tell(_: Stopped) -> None:
        echo(f"assay: {counted(done)}; the others are as they were. `{go_on}` goes on with them.", err=True)

    with at_the_end(tell):
        try:
            yield
        except Stopped as stopped:
            tell(stopped)
            raise SystemExit(stopped.code) from None
        except Exception:
            say_failures(done)  # they are often why there was no going on
            raise
