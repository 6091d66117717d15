"""The commands that look at a lake, as plain functions: `main` gives them to Typer, `plain_calls` calls them without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.cli.homes import settings_of_home

if TYPE_CHECKING:
    from assay.cli.formats import Format


def run_query(query: str, output: Format) -> None:
    """Print the rows of a query."""
    from assay.cli.bronze_reader import open_columns
    from assay.cli.consumer_views import views_for
    from assay.cli.lake_reader import query as run
    from assay.cli.lake_reader import words_of_duckdb
    from assay.cli.printing import print_rows

    settings = settings_of_home()
    with words_of_duckdb(settings.lake, query):
        print_rows(run(settings.lake, query, open_columns(settings, query), views_for(settings, query)), output)


def list_tables() -> bool:
    """Print the published tables and the consumer views of gold. False if a table is damaged, which is said."""
    from assay.cli.consumer_views import print_views
    from assay.cli.lake_facts import facts
    from assay.cli.printing import all_sound, print_tables

    settings = settings_of_home()
    found, damaged = facts(settings.lake)
    print_tables(found)
    print_views(settings)
    return all_sound(damaged)


def summarize() -> bool:
    """Print what is in the lake and in quarantine. False if something of it is damaged, which is said."""
    from assay.cli.printing import print_summary

    return print_summary(settings_of_home())
