"""`assay new`: draft a contract from a sample file, write it where the product keeps its contracts, say what is least certain.

Only the beginning of a large file is read. No value of a column that looks personal is printed.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from assay.cli.product import find_product
from assay.cli.sampling import take_sample
from assay.contracts.inference.draft import draft_contract
from assay.contracts.inference.guesses import Sample, counted
from assay.errors import SettingsError
from assay.permissions import as_elsewhere

if TYPE_CHECKING:
    from pathlib import Path

    from assay.cli.sampling import Taken
    from assay.contracts.inference.draft import Draft
    from assay.settings import Settings

SHOWN = 8
OWNER = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|team:[\w.-]+")


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, and the sample that it was made from."""

    taken: Taken
    draft: Draft


def new_dataset(
    settings: Settings, dataset: str, sample: Path, *, owner: str | None, folder: Path | None, rows: int, event_time: str | None
) -> Path:
    """Draft a contract and write it. Raises SettingsError for a file that is there already, or an owner that nobody named."""
    target = (folder or find_product(settings).contracts) / f"{dataset}.odcs.yaml"
    if target.exists():
        raise SettingsError(f"{target} is there already.", hint="Delete it first to draft it anew: nothing was changed.")
    if not target.parent.is_dir():
        raise SettingsError(f"{target.parent} is no folder.", hint="Make it, or give --to the folder of a product's contracts.")
    drafted = draft_dataset(dataset, sample, owner=owner, rows=rows, event_time=event_time)
    with as_elsewhere(), target.open("x", encoding="utf-8") as file:
        file.write(drafted.draft.text)
    print_draft(target, drafted, settings.landing)
    typer.echo("Next:")
    for command in (f"contracts check {target}", "contracts compile", f"backfill --select '+key:\"silver/{dataset}\"'"):
        typer.echo(f"  .venv/bin/assay {command}")
    return target


def draft_dataset(dataset: str, sample: Path, *, owner: str | None, rows: int, event_time: str | None) -> Drafted:
    """Draft a contract. Raises SettingsError for an owner that nobody named, DraftImpossible for what no contract can say."""
    owned_by = owner or _git_user(sample.resolve().parent)
    if owned_by is None or not OWNER.fullmatch(owned_by):
        raise SettingsError(f"The owner is {owned_by or 'not known'}.", hint="Give --owner an e-mail address, or team:NAME.")
    taken = take_sample(sample, rows)
    facts = Sample(
        dataset, owned_by, sample.name, taken.format, encoding=taken.encoding, is_whole=taken.is_whole, declared=taken.declared,
        event_time=event_time, dialect=taken.dialect, dialect_guess=taken.guess, roots=taken.roots,
    )  # fmt: skip
    return Drafted(taken, draft_contract(taken.frame, facts))


def _git_user(folder: Path) -> str | None:
    """The e-mail address that git knows; None without git, or if it knows none."""
    try:
        said = subprocess.run(["git", "config", "user.email"], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return said.stdout.strip() or None


def print_draft(target: Path, drafted: Drafted, landing: Path) -> None:
    """Say what was drafted, what looks personal, what is least certain, and where files land."""
    taken, draft = drafted.taken, drafted.draft
    extent = "all rows" if taken.is_whole else "the first rows"
    typer.echo(f"{target}: written from {counted(taken.frame.height, 'row')} ({extent}), {counted(taken.frame.width, 'column')}.")
    if draft.personal:
        typer.echo("\nThese look personal; the contract proposes how to mask them:")
        for name, said in draft.personal.items():
            typer.echo(f"  {name}: {said}")
    if draft.refused:
        said = ", ".join(f"{name} {number:,}" for name, number in draft.refused.items())
        typer.echo(f"\nRows of the sample that the contract will not accept, by column: {said}.")
    typer.echo("\nThe least certain guesses:")
    for guess in draft.doubtful(SHOWN):
        typer.echo(f"  {guess.certainty:4.0%}  {guess.about}: {guess.reason}")
    typer.echo(f"\nFiles land as {landing / draft.path}.")
