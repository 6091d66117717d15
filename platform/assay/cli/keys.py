"""`assay keys ..`: the keys that mask personal data. What they are is never shown; only `decrypt` shows what one of them sealed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.errors import SettingsError
from assay.lake.durable import create_file, replace_file
from assay.settings import load_settings

if TYPE_CHECKING:
    from assay.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The keys that mask personal data: which there are, a new one, what one has encrypted.")

READ_BY_OWNER = 0o600


@app.command("list")
def list_() -> None:
    """Say where the keys are and which there are, by their ids.

    Example: assay keys list
    """
    from assay.masking.keyring import read_ring

    reference = load_settings().masking_keys
    typer.echo(f"Keys are read from {reference}.")
    for number, key in enumerate(read_ring(reference).keys):
        typer.echo(f"  {key.id}  {'masks' if number == 0 else 'old: kept for what it masked'}")


@app.command()
def rotate() -> None:
    """Put a new key in front of the others. What older ones masked is then outdated, and the next backfill masks it anew.

    Example: assay keys rotate
    """
    from assay.masking.keyring import HEAD, new_entry, parse_ring, read_ring

    reference = load_settings().masking_keys
    if reference.scheme != "file":
        hint = "Write the new one, as id:base64, in front of the old ones where the secret is kept."
        raise SettingsError(f"The keys are read from {reference}, which is not for Assay to write.", hint=hint)
    read_ring(reference)
    entry, path = new_entry(), Path(reference.place).expanduser()
    rest = path.read_text(encoding="utf-8").removeprefix(HEAD)
    replace_file(path, f"{HEAD}{entry}\n{rest}".encode(), READ_BY_OWNER)
    typer.echo(f"{parse_ring(entry).current.id} masks from now on. `assay backfill` masks anew what is published. Keep a copy of {path}.")


@app.command()
def decrypt(column: Annotated[str, typer.Argument(help="The published column, as sales.account.")]) -> None:
    """Read ciphertexts from standard input, one a line, and write what they stand for. Whoever has the keys can do this.

    Example: assay keys decrypt sales.account < accounts.txt
    """
    from assay.cli.product import find_product
    from assay.contracts.language.names import suggest
    from assay.contracts.reading.odcs import load_contracts
    from assay.masking.keyring import read_ring
    from assay.masking.tokens import decrypt as open_
    from assay.masking.tokens import domain_of

    settings = load_settings()
    contracts = load_contracts(find_product(settings).contracts)
    known = {f"{one.dataset}.{field.name}": domain_of(one.dataset, field) for one in contracts.values() for field in one.columns}
    if column not in known:
        raise SettingsError(f"{column!r} is no published column.", hint=suggest(column, known))
    ring = read_ring(settings.masking_keys)
    for line in sys.stdin:
        sys.stdout.write(open_(ring, known[column], line.strip()) + "\n")


def make_keys(settings: Settings) -> None:
    """Make the key file of a home that has none, for its owner only, and say so; not where another place is named."""
    from assay.masking.keyring import HEAD, new_entry

    path = Path(settings.masking_keys.place)
    if settings.masking is not None or path.exists():
        return
    if not create_file(path, f"{HEAD}{new_entry()}\n".encode(), READ_BY_OWNER):
        return  # of two that make one at once the first stays: the other may have masked with it
    typer.echo(f"Made a key that masks personal data: {path}. Keep a copy of it elsewhere.")
