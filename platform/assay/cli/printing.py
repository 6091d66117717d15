"""What the command line shows: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from assay.cli.echo import echo
from assay.cli.escaping import visible
from assay.lake.duckdb_sql import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import duckdb
    from rich.console import Console
    from rich.text import Text

    from assay.cli.lake_facts import TableFacts
    from assay.errors import TableUnreadable
    from assay.settings import Settings

BATCH = 10_000
SHOWN_ROWS = 200
WIDE = 240
READ_FIRST = ("gold", "silver", "bronze")


def wide_console() -> Console:
    """A console that cuts nothing off when the output is a file or a pipe."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDE)


def print_tables(found: Sequence[TableFacts]) -> None:
    """The tables of the lake, one a line."""
    from rich.table import Column, Table

    if not found:
        wide_console().print("The lake is empty. `make run` fills it; `assay backfill` publishes what has landed.")
        return
    table = Table(*(Column(name, no_wrap=True) for name in ("table", "rows", "parts", "MB", "version", "published")))
    for one in found:
        table.add_row(one.name, f"{one.rows:,}", f"{one.partitions:,}", f"{one.megabytes:,}", str(one.version), one.published)
    wide_console().print(table)


def print_rows(rows: duckdb.DuckDBPyConnection, output: str) -> None:
    """The rows of a query."""
    batches = iter(lambda: rows.fetchmany(BATCH), [])
    print_records([column[0] for column in rows.description or ()], chain.from_iterable(batches), output)


def print_records(names: Sequence[str], rows: Iterable[Sequence[Any]], output: str) -> None:
    """Rows of named columns. JSON is one array; a table shows the first rows only and says so, the other formats show all."""
    if output == "json":
        _print_json(rows, names)
    elif output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        shown = ([visible(one) if isinstance(one, str) else one for one in row] for row in rows)
        writer.writerows(shown if sys.stdout.isatty() else rows)
    else:
        _print_table(names, iter(rows))


def _print_table(names: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    from rich.table import Column, Table

    table, console = Table(*(Column(_cell(name)) for name in names)), wide_console()
    for row in islice(rows, SHOWN_ROWS):
        table.add_row(*map(_cell, row))
    console.print(table)
    if next(rows, None) is not None:
        console.print(f"The first {SHOWN_ROWS} rows; --format csv or json prints all.")


def _cell(value: Any) -> Text:  # noqa: ANN401  # whatever DuckDB returns
    """A value as it is: rich would read `[bold]` and `:smile:` in a text."""
    from rich.text import Text

    return Text("" if value is None else visible(str(value)))


def _print_json(rows: Iterable[Sequence[Any]], names: Sequence[str]) -> None:
    separator = "["
    for row in rows:
        sys.stdout.write(f"{separator}{json.dumps(dict(zip(names, row, strict=True)), default=_plain)}")
        separator = ",\n "
    sys.stdout.write("]\n" if separator != "[" else "[]\n")


def _plain(value: Any) -> str:  # noqa: ANN401  # whatever DuckDB returns
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def print_summary(settings: Settings) -> bool:
    """What is in the lake and in quarantine, where it lies and how to read it. False if something of it is damaged, which is said."""
    from rich.table import Table

    from assay.cli.lake_facts import facts, rejected_by_rule
    from assay.cli.quarantine_reports import sums_of
    from assay.lake.latest_commit_time import ahead, told

    console, (found, damaged) = wide_console(), facts(settings.lake)
    print_tables(found)
    rejected = rejected_by_rule(settings.lake)
    if rejected:
        table = Table("quarantined", "rule", "fate", "rows")
        for dataset, rule, fate, rows in rejected:
            table.add_row(_cell(dataset), _cell(rule), fate, f"{rows:,}")
        console.print(table)
    for said in sums_of(settings):
        echo(said)
    if words := told(now := datetime.now(UTC), ahead(settings.lake, now, {})):
        echo(words)
    echo(f"The lake lies at {settings.lake}, Dagster's instance at {settings.dagster_home}.")
    if name := next((one.name for layer in READ_FIRST for one in found if one.name.startswith(f"{layer}/")), None):
        layer, _, dataset = name.partition("/")
        echo(f"Read it: .venv/bin/assay sql 'select * from {layer}.{quoted(dataset)} limit 5'")  # noqa: S608  # printed, not run
    return all_sound(damaged)


def all_sound(damaged: Sequence[TableUnreadable]) -> bool:
    """Say which tables are damaged; True if none is."""
    for words in dict.fromkeys(map(str, damaged)):  # quarantine cannot be told without the table that it is of
        echo(f"assay: {visible(words)}", err=True)
    return not damaged
