"""`assay quarantine ..`: look at rejected rows, judge them again, decide about them. A thin shell over `lake` and `orchestration`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.formats import Format
from assay.cli.user import user_name
from assay.errors import PermanentFailure
from assay.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date
    from pathlib import Path

    import polars as pl

    from assay.lake.decisions import Kind
    from assay.lake.quarantine_reader import View


class NothingRejected(PermanentFailure):
    """A dataset has no quarantine."""


app = typer.Typer(no_args_is_help=True, help="Rejected rows: what is held and why, judge it again, take it off the list.")

Dataset = Annotated[str, typer.Argument(help="A dataset, as `flights`.")]
Rule = Annotated[str | None, typer.Option(help="The first error rule that a row breaks.")]
Partition = Annotated[str | None, typer.Option(help="A partition as quarantine shows it; `arrival/<key>` if the event date is unreadable.")]
SourceFile = Annotated[str | None, typer.Option(help="The landing file, as quarantine shows it.")]
SourceRow = Annotated[int | None, typer.Option(help="The row in its file, from 1.")]
Output = Annotated[Format, typer.Option("--format", help="How to print.")]
By = Annotated[str | None, typer.Option(help="Who decides; default: the user of this machine.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    rule: Rule = None,
    partition: Partition = None,
    output: Output = Format.TABLE,
) -> None:
    """Count rejected rows by dataset and rule: held, discarded by a steward, or of a refused partition.

    Example: assay quarantine list --rule dest_known
    """
    from assay.cli.quarantine_reports import OVERVIEW, Choice, overview, sums_of
    from assay.lake.quarantine_reader import View, quarantined_datasets

    settings = load_settings()
    lake = settings.lake
    datasets = [name for name in quarantined_datasets(lake) if dataset in {None, name}]
    if dataset and not datasets:
        _open(lake, dataset)
    found = [row for name in datasets for row in overview(View.open(lake, name), Choice(rule, partition))]
    _print(OVERVIEW, found, output)
    if output is Format.TABLE:
        for said in sums_of(settings, datasets):
            typer.echo(said)


@app.command()
def show(
    dataset: Dataset,
    *,
    rule: Rule = None,
    partition: Partition = None,
    limit: Annotated[int, typer.Option(help="At most so many rows.", min=1)] = 20,
    raw: Annotated[bool, typer.Option("--raw", help="Show the landed values too.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="The rows of partitions that are refused now.")] = False,
    discarded: Annotated[bool, typer.Option("--discarded", help="The rows that a steward discarded.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show rejected rows: the reason, the file and the row in it, the run.

    Example: assay quarantine show flights --rule dest_known --limit 5
    """
    from assay.cli.quarantine_reports import Choice, shown_rows
    from assay.lake.quarantine_reader import Fate

    if refused and discarded:
        raise typer.BadParameter("Give --refused or --discarded, not both.")
    fate = Fate.REFUSED if refused else Fate.DISCARDED if discarded else Fate.HELD
    names, rows = shown_rows(_open(load_settings().lake, dataset), fate, Choice(rule, partition), raw=raw)
    _print(names, rows[:limit], output, hidden={"source_hash"} if raw else {"source_hash", "raw"})
    if len(rows) > limit:
        typer.echo(f"{limit} of {len(rows)} rows; --limit shows more.", err=True)


@app.command()
def history(
    dataset: Dataset,
    *,
    partition: Partition = None,
    limit: Annotated[int, typer.Option(help="At most so many events, the newest.", min=1)] = 50,
    output: Output = Format.TABLE,
) -> None:
    """Say when which rows were held, came back or were discarded, and by which run or person; oldest first, in UTC.

    Example: assay quarantine history flights --partition 2013-01-01
    """
    from assay.cli.quarantine_reports import HISTORY, told

    _print(HISTORY, told(_open(load_settings().lake, dataset), partition, limit), output)


@app.command()
def replay(
    dataset: Dataset,
    *,
    rule: Rule = None,
    partition: Partition = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the partitions; default: all.")
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, inclusive.")] = None,
) -> None:
    """Judge the partitions that hold such rows again, under the contract of now; what passes is published where it belongs.

    Example: assay quarantine replay flights --rule dest_known --from 2013-01-01 --to 2013-01-31
    """
    from assay.cli.quarantine_reports import Choice
    from assay.cli.replaying import run_replay

    settings = load_settings()
    _open(settings.lake, dataset)
    days = _days(first, last)
    raise typer.Exit(0 if run_replay(settings, dataset, Choice(rule, partition), days) else 1)


@app.command()
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
    from assay.lake.decisions import Kind
    from assay.lake.quarantine_reader import Fate

    choice, view = Choice(rule, partition, source_file, source_row), _open(load_settings().lake, dataset)
    if choice.is_open:
        raise typer.BadParameter("Say which rows: --rule, --partition, --source-file, --source-row.")
    _decide(view, Kind.DISCARD, choice.of(view.rows(Fate.HELD)), reason, by, yes=yes)


@app.command()
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
    from assay.lake.decisions import Kind, in_force

    choice, view = Choice(rule, partition, source_file, source_row), _open(load_settings().lake, dataset)
    if choice.is_open and decision is None:
        raise typer.BadParameter("Say which rows: --decision, --rule, --partition, --source-file, --source-row.")
    rows = choice.of(in_force(view.decisions)) if view.decisions else None
    if rows is not None and decision is not None:
        rows = rows.filter(pl.col("decision") == decision)
    _decide(view, Kind.RESTORE, rows, reason, by, yes=yes)


def _print(names: Sequence[str], rows: Sequence[tuple[Any, ...]], output: Format, hidden: Collection[str] = ()) -> None:
    """Print rows; a table is for people: short runs and times, and without the columns that are too wide for one."""
    from assay.cli.printing import print_records
    from assay.cli.quarantine_reports import for_people

    if output is Format.TABLE and not rows:
        typer.echo("No such row.")
        return
    if output is Format.TABLE:
        names, rows = for_people(names, rows, without=hidden)
    print_records(names, rows, output)


def _open(lake: Path, dataset: str) -> View:
    """The quarantine of a dataset. Raises NothingRejected when there is none."""
    from assay.lake.quarantine_reader import View, quarantined_datasets

    known = quarantined_datasets(lake)
    if dataset not in known:
        raise NothingRejected(
            f"Tried to read the quarantine of {dataset!r}; no row of such a dataset was ever rejected.",
            hint=f"Rows were rejected of: {', '.join(known) or 'no dataset'}.",
        )
    return View.open(lake, dataset)


def _decide(view: View, kind: Kind, rows: pl.DataFrame | None, because: str, by: str | None, *, yes: bool) -> None:
    """Record a decision about these rows, in one commit, after asking; no rows, no decision."""
    from assay.cli.quarantine_reports import sums_of
    from assay.lake.decisions import Decision, decide, taken

    settings = load_settings()
    lake = settings.lake
    if rows is None or rows.is_empty():
        typer.echo(f"{view.dataset}: no such row to {kind}; nothing was changed.")
        return
    counts = ", ".join(f"{rule} {count}" for rule, count in sorted(rows["rule"].value_counts().iter_rows()))
    partitions = sorted(rows["_partition"])
    typer.echo(f"{view.dataset}: {kind} {rows.height} rows ({counts}), partitions {partitions[0]} to {partitions[-1]}.")
    if not yes:
        typer.confirm("Go on?", abort=True)
    number = decide(lake, view.dataset, Decision(kind, by or user_name(), datetime.now(UTC), because), rows, taken(view.decisions))
    typer.echo(f"Decision {number} is recorded. `assay quarantine history {view.dataset}` shows it.")
    for said in sums_of(settings, [view.dataset]):
        typer.echo(said)


def _days(first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    if first is None and last is None:
        return None
    if first is None or last is None or first > last:
        raise typer.BadParameter("Give both --from and --to, the first day not after the last.")
    return first.date(), last.date()
