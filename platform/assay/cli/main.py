"""The command line: `assay ...`, a thin shell over the rooms below it. Each command reads its arguments, calls a room, and prints."""

from __future__ import annotations

import sys
from datetime import date, datetime  # noqa: TC003  # typer reads the annotations of a command
from pathlib import Path  # noqa: TC003  # typer reads the annotations of a command
from typing import Annotated

import typer

from assay.cli.erasing import erase
from assay.cli.formats import Export, Format
from assay.cli.keys import app as keys
from assay.cli.keys import make_keys
from assay.cli.landing import landing
from assay.cli.quarantine import app as quarantine
from assay.errors import AssayError
from assay.process import leave
from assay.settings import load_settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Nothing is published until it is assayed.", pretty_exceptions_enable=False
)


contracts = typer.Typer(no_args_is_help=True, help="What the datasets promise.")
app.add_typer(contracts, name="contracts")
app.add_typer(quarantine, name="quarantine")
app.add_typer(keys, name="keys")
app.command()(erase)
app.command()(landing)


@app.command()
def tables() -> None:
    """List the published tables: rows, partitions, size, version; then the consumer views of gold, and who reads which.

    Example: assay tables
    """
    from assay.cli.consumer_views import print_views
    from assay.cli.lake_reader import facts
    from assay.cli.printing import print_tables

    settings = load_settings()
    print_tables(facts(settings.lake))
    print_views(settings)


@app.command()
def views() -> None:
    """Print SQL that makes the consumer views of gold (v1, v2, ..) in any DuckDB, over what is published now.

    Example: assay views > views.sql
    """
    from assay.cli.consumer_views import print_statements

    print_statements(load_settings())


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
    from assay.cli.bronze_reader import open_columns
    from assay.cli.consumer_views import views_for
    from assay.cli.lake_reader import query as run
    from assay.cli.printing import print_rows

    settings = load_settings()
    print_rows(run(settings.lake, query, open_columns(settings, query), views_for(settings, query)), output)


@app.command()
def backfill(
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; default: all.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, inclusive.")] = None,
    select: Annotated[str, typer.Option(help="Assets, in Dagster's selection syntax.")] = "*",
    force: Annotated[bool, typer.Option("--force", help="Build partitions that are up to date as well.")] = False,  # noqa: FBT002  # a flag
) -> None:
    """Bring partitions up to date, from bronze to gold, in the instance that the UI shows.

    Example: assay backfill --from 2013-06-01 --to 2013-06-30 --select 'key:"silver/*"'
    """
    from assay.cli.running import run_backfill

    span = (first.date() if first else None, last.date() if last else None)
    _require_both(*span)
    raise typer.Exit(0 if run_backfill(load_settings(), *span, select=select, force=force) else 1)


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
def summary() -> None:
    """Say what is in the lake, what is in quarantine and why, where it lies and how to read it.

    Example: assay summary
    """
    from assay.cli.printing import print_summary

    print_summary(load_settings())


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


@contracts.command("compile")
def compile_contracts(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 if a file is out of date.")] = False,  # noqa: FBT002
) -> None:
    """Write what is compiled from the contracts: dbt's sources, and the properties of each gold model.

    Example: assay contracts compile
    """
    from assay.cli.compiling import compile_contracts as run

    raise typer.Exit(0 if run(load_settings(), check=check) else 1)


@contracts.command("check")
def check_contracts(
    files: Annotated[list[Path] | None, typer.Argument(help="Files, or folders of them; default: the product's contracts.")] = None,
) -> None:
    """List every fault of the contracts with file and line; exit with 1 if there is one.

    Example: assay contracts check platform/flights/contracts/weather.odcs.yaml
    """
    from assay.cli.checking import check_contracts as check

    raise typer.Exit(0 if check(load_settings(), files or []) else 1)


@contracts.command("policy")
def police_contracts(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files, or folders of them; default: the product's contracts and models.")
    ] = None,
) -> None:
    """List what contracts and gold models owe their readers: owners, descriptions, classification, masking; exit with 1 if something lacks.

    Example: assay contracts policy
    """
    from assay.cli.policing import check_policy

    raise typer.Exit(0 if check_policy(load_settings(), files or []) else 1)


@contracts.command("export")
def export_contracts(
    datasets: Annotated[list[str] | None, typer.Argument(help="Datasets; default: all of the product.")] = None,
    form: Annotated[Export, typer.Option("--format", help="Schemas are for programs, pages for people.")] = Export.MARKDOWN,
    to: Annotated[Path | None, typer.Option(help="A folder to write into; without one, a single dataset is printed.")] = None,
) -> None:
    """Write what other systems and other people read of the contracts: JSON Schema, Avro, pages.

    Example: assay contracts export flights --format json-schema
    """
    from assay.cli.exporting import export_contracts as export

    export(load_settings(), datasets or [], form, to)


@contracts.command("diff")
def diff_contracts(
    old: Annotated[str, typer.Argument(help="A file or folder of contracts; alone, a git ref.")],
    new: Annotated[str | None, typer.Argument(help="A file or folder; default: the product's contracts as they are now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,  # noqa: FBT002  # a flag
    lineage: Annotated[bool, typer.Option("--lineage/--no-lineage", help="Whether to look for what breaks downstream.")] = True,  # noqa: FBT002
) -> None:
    """List what changed between two versions of the contracts, whom it breaks and how to migrate; exit with 1 if a version is too low.

    Example: assay contracts diff origin/main
    """
    from assay.cli.comparing import compare_contracts

    raise typer.Exit(0 if compare_contracts(load_settings(), old, new, as_json=as_json, lineage=lineage) else 1)


@app.command()
def serve(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Serve the Dagster UI with its daemon on 127.0.0.1, until Ctrl-C.

    Example: assay serve --port 3001
    """
    from assay.cli.running import serve as run

    run(load_settings(), port)


def main() -> None:
    """Run the command line; an error of Assay's own is a sentence and exit code 1, not a traceback."""
    code: str | int | None = 1
    try:
        app()
    except SystemExit as ended:
        code = ended.code
    except AssayError as error:
        typer.echo(f"assay: {error}", err=True)
    if isinstance(code, str):
        sys.exit(code)
    leave(code or 0)
