"""`assay quarantine discard` and `restore`: a person decides about rejected rows; who, when and why is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.quarantine_options import Dataset, Partition, Rule, SourceFile, SourceRow, open_quarantine
from assay.cli.user import user_name
from assay.settings import load_settings

if TYPE_CHECKING:
    import polars as pl

    from assay.lake.quarantine.decisions import Kind
    from assay.lake.quarantine.reader import View

By = Annotated[str | None, typer.Option(help="Who decides; default: the user of this machine.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def discard(
    dataset: Dataset,
    *,
    reason: Annotated[str, typer.Option(help="Why these rows are not wanted.")],
    rule: Rule = None,
    partition: Partition = None,
    source_file: SourceFile = None,
    source_row: SourceRow = None,
    by: By = None,
    yes: Yes = False,
) -> None:
    """Take rows off the quarantine for good; who decided it, when and why is kept, and `restore` takes it back.

    Example: assay quarantine discard flights --rule dest_known --partition 2013-01-02 --reason "test flights" --yes
    """
    from assay.cli.quarantine_reports import Choice
    from assay.lake.quarantine.decisions import Kind
    from assay.lake.quarantine.reader import Fate

    choice = Choice(rule, partition, source_file, source_row)
    if choice.is_open:
        raise typer.BadParameter("Say which rows: --rule, --partition, --source-file, --source-row.")
    view = _to_decide(dataset)
    _decide(view, Kind.DISCARD, choice.of(view.rows(Fate.HELD)), reason, by, yes=yes)


def restore(
    dataset: Dataset,
    *,
    decision: Annotated[int | None, typer.Option(help="The number of the decision to take back.")] = None,
    rule: Rule = None,
    partition: Partition = None,
    source_file: SourceFile = None,
    source_row: SourceRow = None,
    reason: Annotated[str, typer.Option(help="Why they are wanted again.")] = "",
    by: By = None,
    yes: Yes = False,
) -> None:
    """Take back a discard: the rows are in quarantine again if the contract still rejects them.

    Example: assay quarantine restore flights --decision 1 --yes
    """
    import polars as pl

    from assay.cli.quarantine_reports import Choice
    from assay.lake.quarantine.decisions import Kind, in_force

    choice = Choice(rule, partition, source_file, source_row)
    if choice.is_open and decision is None:
        raise typer.BadParameter("Say which rows: --decision, --rule, --partition, --source-file, --source-row.")
    view = _to_decide(dataset)
    rows = choice.of(in_force(view.decisions)) if view.decisions else None
    if rows is not None and decision is not None:
        rows = rows.filter(pl.col("decision") == decision)
    _decide(view, Kind.RESTORE, rows, reason, by, yes=yes)


def _to_decide(dataset: str) -> View:
    """The quarantine of a dataset that somebody decides about: it has to have one, where decisions can be written."""
    from assay.cli.homes import require_writable, settings_of_home

    settings = settings_of_home()
    if (view := open_quarantine(settings, dataset)) is None:
        raise typer.Exit(1)
    require_writable(settings.lake)
    return view


def _decide(view: View, kind: Kind, rows: pl.DataFrame | None, because: str, by: str | None, *, yes: bool) -> None:
    """Record a decision about these rows, in one commit, after asking; no rows, no decision."""
    from assay.cli.quarantine_reports import sums_of
    from assay.lake.quarantine.decisions import Decision, decide, taken
    from assay.lake.workplaces import workplace

    settings = load_settings()
    if rows is None or rows.is_empty():
        typer.echo(f"{view.dataset}: no such row to {kind}; nothing was changed. `assay quarantine list` counts those there are.", err=True)
        raise typer.Exit(1)
    counts = ", ".join(f"{rule} {count}" for rule, count in sorted(rows["rule"].value_counts().iter_rows()))
    partitions = sorted(rows["_partition"])
    typer.echo(f"{view.dataset}: {kind} {rows.height} rows ({counts}), partitions {partitions[0]} to {partitions[-1]}.")
    if not yes:
        typer.confirm("Go on?", abort=True)
    decision = Decision(kind, by or user_name(), datetime.now(UTC), because)
    with workplace(settings.scratch, f"a decision about {view.dataset}"):
        number = decide(settings.lake, view.dataset, decision, rows, taken(view.decisions), fence=view.fence)
    typer.echo(f"Decision {number} is recorded. `assay quarantine history {view.dataset}` shows it.")
    for said in sums_of(settings, [view.dataset]):
        typer.echo(said)
