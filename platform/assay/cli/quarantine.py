"""`assay quarantine ..`: look at rejected rows, judge them again, decide about them. A thin shell over `lake` and `orchestration`."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # typer reads the annotations of a command
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.escaping import visible
from assay.cli.formats import Format
from assay.cli.quarantine_decisions import discard, restore
from assay.cli.quarantine_options import Dataset, Output, Partition, Rule, open_quarantine, require_known
from assay.errors import TableUnreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date
    from pathlib import Path

    from assay.cli.quarantine_reports import Choice, Rows


app = typer.Typer(no_args_is_help=True, help="Rejected rows: what is held and why, judge it again, take it off the list.")
app.command()(discard)
app.command()(restore)


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
    from assay.cli.homes import settings_of_home
    from assay.cli.quarantine_reports import OVERVIEW, Choice, sums_of
    from assay.lake.quarantine.reader import quarantined_datasets

    settings = settings_of_home()
    lake = settings.lake
    datasets = [name for name in quarantined_datasets(lake) if dataset in {None, name}]
    if dataset and not datasets:
        open_quarantine(settings, dataset)
    found = [row for name in datasets for row in _overview(lake, name, Choice(rule, partition))]
    if not found:
        require_known(settings, dataset, rule, partition)
    if dataset and not datasets:
        return
    _print(OVERVIEW, found, output)
    if output is Format.TABLE:
        for said in sums_of(settings, datasets):
            typer.echo(said)


def _overview(lake: Path, dataset: str, choice: Choice) -> Rows:
    """The overview of a dataset; nothing, which is said, of one that is damaged: the others are not concerned."""
    from assay.cli.quarantine_reports import overview
    from assay.lake.quarantine.reader import View

    try:
        return overview(View.open(lake, dataset), choice)
    except TableUnreadable as error:
        typer.echo(f"assay: {visible(str(error))}", err=True)
        return []


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
    from assay.cli.homes import settings_of_home
    from assay.cli.quarantine_reports import Choice, shown_rows
    from assay.lake.quarantine.reader import Fate

    if refused and discarded:
        raise typer.BadParameter("Give --refused or --discarded, not both.")
    fate = Fate.REFUSED if refused else Fate.DISCARDED if discarded else Fate.HELD
    settings = settings_of_home()
    view = open_quarantine(settings, dataset)
    names, rows = shown_rows(view, fate, Choice(rule, partition), raw=raw) if view else ([], [])
    if not rows:
        require_known(settings, dataset, rule, partition)
    if view is None:
        return
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
    from assay.cli.homes import settings_of_home
    from assay.cli.quarantine_reports import HISTORY, told

    settings = settings_of_home()
    view = open_quarantine(settings, dataset)
    found = told(view, partition, limit) if view else []
    if not found:
        require_known(settings, dataset, None, partition)
    if view is not None:
        _print(HISTORY, found, output)


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
    from assay.cli.homes import settings_of_home
    from assay.cli.quarantine_reports import Choice
    from assay.cli.replaying import run_replay

    settings, days = settings_of_home(), _days(first, last)
    require_known(settings, dataset, rule, partition)
    if open_quarantine(settings, dataset) is not None:
        raise typer.Exit(0 if run_replay(settings, dataset, Choice(rule, partition), days) else 1)


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


def _days(first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    if first is None and last is None:
        return None
    if first is None or last is None or first > last:
        raise typer.BadParameter("Give both --from and --to, the first day not after the last.")
    return first.date(), last.date()
