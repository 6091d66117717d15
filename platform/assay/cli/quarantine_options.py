"""What the commands about quarantine share: which rows are meant, and the quarantine of the dataset that was named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.formats import Format  # typer reads it
from assay.errors import PermanentFailure

if TYPE_CHECKING:
    from assay.lake.quarantine_reader import View
    from assay.settings import Settings

Dataset = Annotated[str, typer.Argument(help="A dataset, as `flights`.")]
Rule = Annotated[str | None, typer.Option(help="The first error rule that a row breaks.")]
Partition = Annotated[str | None, typer.Option(help="A partition as quarantine shows it; `arrival/<key>` if the event date is unreadable.")]
SourceFile = Annotated[str | None, typer.Option(help="The landing file, as quarantine shows it.")]
SourceRow = Annotated[int | None, typer.Option(help="The row in its file, from 1.")]
Output = Annotated[Format, typer.Option("--format", help="How to print.")]


class NothingRejected(PermanentFailure):
    """A dataset has no quarantine."""


def open_quarantine(settings: Settings, dataset: str) -> View | None:
    """The quarantine of a dataset; None, which is said, while no row of it was ever rejected. Raises NothingRejected for another name."""
    from assay.cli.product import contracts_folder
    from assay.contracts.names import suggest
    from assay.contracts.odcs import load_contracts
    from assay.lake.quarantine_reader import View, quarantined_datasets

    rejected = quarantined_datasets(settings.lake)
    if dataset in rejected:
        return View.open(settings.lake, dataset)
    known = {*rejected, *load_contracts(contracts_folder(settings))}
    if dataset not in known:
        raise NothingRejected(
            f"Tried to read the quarantine of {dataset!r}; there is no such dataset.", hint=suggest(dataset, sorted(known))
        )
    typer.echo(f"{dataset}: no row was ever rejected.")
    return None
