"""`assay erase`: one person leaves the lake, with proof and receipt. The value is read from a file or standard input, and never said."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.user import user_name
from assay.errors import SettingsError
from assay.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.erasure.removing import Person
    from assay.lake.erasures import Erasure
    from assay.orchestration.backfill import Ran
    from assay.orchestration.plan import Planner
    from assay.settings import Settings

LONGEST = 1 << 20  # bytes: a landed value may be long, but nobody reads a whole disk for one
UTF_8 = "Give a file of text in UTF-8, or - for standard input."


def erase(
    subject: Annotated[str, typer.Option(help="The kind of person, as contracts say `subject`: such as customer.")],
    *,
    value_from: Annotated[str, typer.Option(help="A file with the value that names the person, or - for standard input.")] = "-",
    by: Annotated[str | None, typer.Option(help="Who asks; default: the user of this machine.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove one person from bronze, silver, gold, quarantine and old versions; prove it by a scan, and keep a receipt without the value.

    Example: assay erase --subject customer --value-from request-17.txt --yes
    """
    from assay.erasure.removing import Person

    person = Person(subject, read_value(value_from))
    if not yes:
        typer.echo(f"Every row of one {subject} will be removed, and earlier versions of what held them. This cannot be undone.")
        typer.confirm("Go on?", abort=True)
    erasure = _run(load_settings(), person, by or user_name())
    typer.echo(f"Erasure {erasure.number} is done. The receipt, as in erasures.requests:")
    typer.echo(json.dumps({"subject": erasure.subject, "token": erasure.token, **erasure.detail}, indent=2))
    if _is_of_nobody(erasure):
        typer.echo(
            f"assay: No row names this {subject}: nothing was removed. If there should be one, look at the value: it is compared letter by"
            " letter with what landed, blanks and capital letters too.",
            err=True,
        )
    if files := erasure.detail["landing_files"]:
        typer.echo(
            f"{len(files)} landing files still hold the person. They are upstream's; if they are read again, these rows are left out."
        )


def _is_of_nobody(erasure: Erasure) -> bool:
    """Whether no row named the person, now or in an earlier run: then the value may have been spelled in another way."""
    return not any(erasure.detail["rows"].values()) and not erasure.detail.get("earlier")


def read_value(source: str) -> str:
    """The value, without the end of its line. It is no argument: those show in the list of processes and in the history of the shell."""
    try:
        with nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as file:
            text = file.read(LONGEST + 1).decode("utf-8-sig")  # by the terminal's encoding, another value might be looked for
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"Tried to read the value from {source}; {type(error).__name__}.", hint=UTF_8) from None
    if "\0" in text or len(text) > LONGEST:
        raise SettingsError(f"Tried to read the value from {source}; it is no text, or too long to be a value.", hint=UTF_8)
    value = text.rstrip("\r\n")
    if not value.strip() or "\n" in value:
        raise SettingsError("The value is empty, or more than one line.", hint="Give the value of one person, and nothing else.")
    return value


def _run(settings: Settings, person: Person, by: str) -> Erasure:
    from assay.cli.product import find_product
    from assay.cli.progress import say_waiting
    from assay.cli.running import prepare
    from assay.gold import dbt_process
    from assay.orchestration.backfill import Backfill
    from assay.orchestration.build import assemble
    from assay.orchestration.clock_rollback import require_clock
    from assay.orchestration.erasing import Erasing
    from assay.orchestration.instance import instance_of

    prepare(settings)
    product = find_product(settings)
    assembly = assemble(settings, product.contracts)
    job = assembly.definitions.resolve_implicit_global_asset_job_def()
    with instance_of(settings.dagster_home, say_waiting) as instance:
        require_clock(settings.lake, instance)

        def rebuild(planner: Planner) -> Iterable[Ran]:
            return Backfill(job, planner, instance, location=product.name, tell=say_waiting).execute(lambda _: None)

        with dbt_process.kept():
            return Erasing(assembly.planner, person, by, rebuild, typer.echo).execute()
