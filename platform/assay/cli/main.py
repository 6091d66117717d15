"""The command line: `assay ...`, a thin shell over the rooms below it. Each command reads its arguments, calls a room, and prints."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003  # typer reads the annotations of a command
from pathlib import Path
from typing import Annotated

import typer

from assay.cli.alerting import app as alerts
from assay.cli.checking_lake import check_lake
from assay.cli.contracting import app as contracts
from assay.cli.erasing import erase
from assay.cli.formats import Format
from assay.cli.homes import work_privately
from assay.cli.keys import app as keys
from assay.cli.keys import make_keys
from assay.cli.landing import landing
from assay.cli.maintaining import maintain
from assay.cli.permitting import permissions
from assay.cli.quarantine import app as quarantine
from assay.lake.format import FORMAT
from assay.settings import load_settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Nothing is published until it is assayed.", pretty_exceptions_enable=False
)

app.add_typer(contracts, name="contracts")
app.add_typer(quarantine, name="quarantine")
app.add_typer(keys, name="keys")
app.add_typer(alerts, name="alerts")
app.command()(erase)
app.command()(landing)
app.command()(check_lake)
app.command()(maintain)
app.command()(permissions)


def _print_release(wanted: bool) -> None:  # noqa: FBT001  # as typer calls it
    if wanted:
        from assay.code_version import release

        typer.echo(f"assay {release()}, lake format {FORMAT}")
        raise typer.Exit


@app.callback()
def _before_any_command(
    *,
    _: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_release, help="Print the release, and end.")] = False,
) -> None:
    work_privately()


@app.command()
def tables() -> None:
    """List the published tables: rows, partitions, size, version; then the consumer views of gold, and who reads which.

    Example: assay tables
    """
    from assay.cli.looking import list_tables

    raise typer.Exit(0 if list_tables() else 1)


@app.command()
def views() -> None:
    """Print SQL that makes the consumer views of gold (v1, v2, ..) in any DuckDB, over what is published now.

    Example: assay views > views.sql
    """
    from assay.cli.consumer_views import print_statements
    from assay.cli.homes import settings_of_home

    print_statements(settings_of_home())


@app.command()
def sql(
    query: Annotated[
        str, typer.Argument(help="One query over the schemas bronze, silver, gold, v1, v2, .., quarantine, discarded, refused, decisions.")
    ],
    output: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
) -> None:
    """Read the lake with SQL (DuckDB), each table at its newest published version. Bronze hides personal data.

    Example: assay sql "select carrier, avg(on_time_share) from gold.carrier_punctuality_daily group by 1" --format csv
    """
    from assay.cli.looking import run_query

    run_query(query, output)


@app.command()
def backfill(
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; default: all.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, inclusive.")] = None,
    select: Annotated[str, typer.Option(help="Assets, in Dagster's selection syntax.")] = "*",
    force: Annotated[bool, typer.Option("--force", help="Build partitions that are up to date as well.")] = False,  # noqa: FBT002  # a flag
    clock_is_right: Annotated[bool, typer.Option("--clock-is-right", help="It was ahead before.")] = False,  # noqa: FBT002  # a flag
) -> None:
    """Bring partitions up to date, from bronze to gold, in the instance that the UI shows.

    Example: assay backfill --from 2013-06-01 --to 2013-06-30 --select 'key:"silver/*"'
    """
    from assay.cli.running import run_backfill

    span = (first.date() if first else None, last.date() if last else None)
    _require_both(*span)
    raise typer.Exit(run_backfill(load_settings(), *span, select=select, force=force, clock_is_right=clock_is_right))


def _require_both(first: date | None, last: date | None) -> None:
    if (first is None) != (last is None):
        raise typer.BadParameter("Give both --from and --to, or neither for everything that has landed.")
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}.")


@app.command()
def new(
    dataset: Annotated[str, typer.Argument(help="The dataset's name: small letters, digits and _.")],
    sample: Annotated[Path, typer.Option("--from", help="A file of it: CSV, JSON Lines, Parquet or Avro; text may be compressed.")],
    *,
    owner: Annotated[str | None, typer.Option(help="E-mail address of the owner, or team:NAME; default: git's user.email.")] = None,
    to: Annotated[Path | None, typer.Option(help="Folder of the contracts; default: the product's.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows are looked at.")] = 100_000,
    event_time: Annotated[str | None, typer.Option(help="Column of the event time, or `none` for a snapshot; default: a guess.")] = None,
) -> None:
    """Draft a contract from a sample file; every guess in it says why. Nothing is overwritten.

    Example: assay new web_orders --from web_orders_2024-03-01.csv --owner you@example.org
    """
    from assay.cli.drafting import new_dataset

    new_dataset(load_settings(), dataset, sample, owner=owner, folder=to, rows=rows, event_time=event_time)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The project's name, and its folder's: small letters, digits and _.")],
    sample: Annotated[Path, typer.Option("--from", help="A file of its first dataset: CSV, JSON Lines, Parquet or Avro.")],
    *,
    dataset: Annotated[str | None, typer.Option(help="The dataset's name; default: what the file's name begins with.")] = None,
    owner: Annotated[str | None, typer.Option(help="E-mail address of the owner, or team:NAME; default: git's user.email.")] = None,
    folder: Annotated[Path, typer.Option("--in", help="Where the project's folder is made.")] = Path(),
    event_time: Annotated[str | None, typer.Option(help="Column of the event time, or `none` for a snapshot; default: a guess.")] = None,
) -> None:
    """Make a project of one's own: a contract drafted from a sample, a gold model, tests, CI, a Makefile. It works at once.

    Example: assay create my_platform --from web_orders_2024-03-01.csv --owner you@example.org
    """
    from assay.cli.creating import create_project

    create_project(name, sample, dataset=dataset, owner=owner, folder=folder, event_time=event_time)


@app.command()
def summary() -> None:
    """Say what is in the lake, what is in quarantine and why, where it lies and how to read it.

    Example: assay summary
    """
    from assay.cli.looking import summarize

    raise typer.Exit(0 if summarize() else 1)


@app.command()
def init() -> None:
    """Prepare the folders, Dagster's instance, a masking key and dbt's manifest; what is there already is left alone.

    Example: assay init
    """
    from assay.cli.running import prepare

    settings = load_settings()
    prepare(settings)
    make_keys(settings)
    typer.echo(f"Ready: {settings.home}")


@app.command()
def serve(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Let the UI show everything and change nothing. The daemon goes on.")
    ] = False,
    token: Annotated[
        str | None, typer.Option(help="Ask for a token: env:NAME or file:/path say where it is, `new` makes and prints one.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name, or NAME:PORT, that the UI goes by too, behind a proxy or a tunnel.")
    ] = None,
) -> None:
    """Serve the Dagster UI with its daemon on 127.0.0.1, until Ctrl-C, to this user or to whoever has the token.

    Example: assay serve --port 3001 --read-only
    """
    from assay.cli.serving import serve as run

    run(load_settings(), port, token, allow_host or (), read_only=read_only)
