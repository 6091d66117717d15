"""What the commands about quarantine share: which rows are meant, and the quarantine of the dataset that was named."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.formats import Format  # typer reads it
from assay.errors import PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.lake.quarantine.reader import View
    from assay.settings import Settings

Dataset = Annotated[str, typer.Argument(help="A dataset, as `flights`.")]
Rule = Annotated[str | None, typer.Option(help="The first error rule that a row breaks.")]
Partition = Annotated[str | None, typer.Option(help="A partition as quarantine shows it; `arrival/<key>` if the event date is unreadable.")]
SourceFile = Annotated[str | None, typer.Option(help="The landing file, as quarantine shows it.")]
SourceRow = Annotated[int | None, typer.Option(help="The row in its file, from 1.")]
Output = Annotated[Format, typer.Option("--format", help="How to print.")]


class NothingRejected(PermanentFailure):
    """A dataset, rule or partition that was named cannot have rejected rows: there is none of that name."""


def open_quarantine(settings: Settings, dataset: str) -> View | None:
    """The quarantine of a dataset; None, which is said, while no row of it was ever rejected. Raises NothingRejected for another name."""
    from assay.cli.product import contracts_folder
    from assay.contracts.language.names import suggest
    from assay.contracts.reading.odcs import load_contracts
    from assay.lake.quarantine.reader import View, quarantined_datasets

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


def require_known(settings: Settings, dataset: str | None, rule: str | None, partition: str | None) -> None:
    """Tell what has no rejected rows from what was misspelt. Without a dataset any may know the names.

    Raises NothingRejected for a rule or partition that neither a contract nor quarantine has. Nothing is said of a dataset whose contract
    is not sound, because then nobody knows its names.
    """
    from assay.cli.product import contracts_folder
    from assay.contracts.language.names import suggest
    from assay.contracts.reading.odcs import sound_product
    from assay.ingest.unpartitioned import BEFORE_END, FROM_START, READABLE
    from assay.lake.quarantine.reader import quarantined_datasets

    if rule is None and partition is None:
        return
    contracts, rejected = sound_product(contracts_folder(settings))[0].datasets, quarantined_datasets(settings.lake)
    chosen = [dataset] if dataset else sorted({*contracts, *rejected})
    if not chosen or not contracts.keys() >= set(chosen):
        return
    rules, partitions = _stored(settings.lake, [name for name in chosen if name in rejected])
    rules |= {READABLE, FROM_START, BEFORE_END}
    for contract in (contracts[name] for name in chosen):
        rules |= {*(one.name for one in contract.rules), *(one.name for one in contract.dataset_rules)}
    of = f"of {dataset}" if dataset else "of any dataset"
    if rule is not None and rule not in rules:
        raise NothingRejected(f"Tried to find the rows that break {rule!r}; it is no rule {of}.", hint=suggest(rule, sorted(rules)))
    if partition is not None and partition not in partitions and not any(_has(contracts[name], partition) for name in chosen):
        hint = "A day or the first day of a month, as `assay quarantine list` shows it, where the contract has partitions."
        raise NothingRejected(f"Tried to find the rows of {partition!r}; it is no partition {of}.", hint=hint)


def _stored(lake: Path, datasets: Iterable[str]) -> tuple[set[str], set[str]]:
    """The rules and partitions that quarantine has rows of, also those of former contracts."""
    from assay.lake.quarantine.reader import Fate, View
    from assay.lake.quarantine.store import PARTITION

    found = [
        row for name in datasets for fate in Fate for row in View.open(lake, name).rows(fate, ["rule", PARTITION]).unique().iter_rows()
    ]
    return {row[0] for row in found}, {row[1] for row in found}


def _has(contract: Contract, partition: str) -> bool:
    """Whether a dataset has, or will have, a partition that quarantine shows so."""
    from assay.contracts.model.calendars import arrival_calendar, event_calendar
    from assay.lake.quarantine.store import ARRIVALS
    from assay.lake.slices import WHOLE

    key = partition.removeprefix(ARRIVALS)
    calendar = event_calendar(contract) if key == partition else arrival_calendar(contract)
    if calendar is None:
        return key == WHOLE.key
    try:
        first = date.fromisoformat(key)
    except ValueError:
        return False
    return first.isoformat() == key and calendar.has(first)
