"""Consumer views from the command line: made for a query, printed for others, listed with their readers. What day it is is asked here."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assay.cli.echo import echo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from assay.settings import Settings

NAMES_A_VIEW = re.compile(r"\bv[0-9]+\b")


def today() -> date:
    """The day by which views end: UTC's."""
    return datetime.now(UTC).date()


def views_for(settings: Settings, query: str) -> list[str]:
    """The statements that make the views that a query may read; none for one that names none, because reading contracts takes 0.5 s."""
    if not NAMES_A_VIEW.search(query):
        return []
    return list(_statements(settings))


def print_statements(settings: Settings) -> None:
    """The SQL that makes the views in any DuckDB, over the versions that are published now."""
    for statement in _statements(settings):
        echo(f"{statement};")


def _statements(settings: Settings) -> Iterator[str]:
    from assay.cli.product import contracts_folder
    from assay.contracts.reading.odcs import load_product
    from assay.gold.published_views import view_statements

    return view_statements(settings.lake, load_product(contracts_folder(settings)), today())


def print_views(settings: Settings) -> None:
    """Each major version of each gold model, what becomes of it, and who reads it."""
    from rich.table import Column, Table

    from assay.cli.printing import wide_console
    from assay.cli.product import contracts_folder
    from assay.contracts.reading.odcs import load_product
    from assay.gold.views import views_of

    views = sorted(views_of(load_product(contracts_folder(settings))), key=lambda view: (view.current.dataset, -view.contract.major))
    if not views:
        return
    table = Table(*(Column(name, no_wrap=True) for name in ("view", "contract", "status", "read by")))
    for view in views:
        readers = ", ".join(f"{one.name} ({one.contact})" for one in view.contract.consumers)
        table.add_row(view.contract.view, view.contract.version, view.status(today()), readers)
    wide_console().print(table)
