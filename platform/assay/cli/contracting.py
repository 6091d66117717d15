"""`assay contracts ..`: what the datasets promise, checked, compiled, compared, written for others. A thin shell over the rooms below."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads the annotations of a command
from typing import Annotated

import typer

from assay.cli.formats import Export
from assay.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="What the datasets promise.")


@app.command("compile")
def compile_contracts(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 if a file is out of date.")] = False,  # noqa: FBT002
) -> None:
    """Write what is compiled from the contracts: dbt's sources, and the properties of each gold model.

    Example: assay contracts compile
    """
    from assay.cli.compiling import compile_contracts as run

    raise typer.Exit(0 if run(load_settings(), check=check) else 1)


@app.command("check")
def check_contracts(
    files: Annotated[list[Path] | None, typer.Argument(help="Files, or folders of them; default: the product's contracts.")] = None,
) -> None:
    """List every fault of the contracts with file and line; exit with 1 if there is one.

    Example: assay contracts check platform/flights/contracts/weather.odcs.yaml
    """
    from assay.cli.checking import check_contracts as check

    raise typer.Exit(0 if check(load_settings(), files or []) else 1)


@app.command("policy")
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


@app.command("export")
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


@app.command("diff")
def diff_contracts(
    old: Annotated[str, typer.Argument(help="A file or folder of contracts; alone, a git ref.")],
    new: Annotated[str | None, typer.Argument(help="A file or folder; default: the product's contracts as they are now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,  # noqa: FBT002  # a flag
    lineage: Annotated[bool, typer.Option("--lineage/--no-lineage", help="Whether to look for what breaks downstream.")] = True,  # noqa: FBT002
) -> None:
    """List what changed between two versions of the contracts, whom it breaks and how to migrate; exit with 1 if a version is too low.

    Example: assay contracts diff origin/main
    """
    from assay.cli.contracts_diff import compare_contracts

    raise typer.Exit(0 if compare_contracts(load_settings(), old, new, as_json=as_json, lineage=lineage) else 1)
