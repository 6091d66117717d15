"""What contracts compile to for others, written from the command line: schemas for programs, pages for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from assay.cli.formats import Export
from assay.cli.product import find_product
from assay.contracts.export.avro import avro_schema
from assay.contracts.export.json_schema import landed_row, published_row
from assay.contracts.export.page_content import index_of, page_of
from assay.contracts.export.page_html import html
from assay.contracts.export.page_markdown import markdown
from assay.contracts.language.names import suggest
from assay.contracts.model.contract import Contract
from assay.contracts.reading.odcs import load_product
from assay.errors import SettingsError
from assay.permissions import as_elsewhere

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Published
    from assay.settings import Settings


def export_contracts(settings: Settings, datasets: Sequence[str], form: Export, folder: Path | None) -> None:
    """Write the contracts of these datasets (default: all) into a folder, or one of them to the standard output.

    Raises SettingsError for a dataset that nobody knows, and for several without a folder.
    """
    known = load_product(find_product(settings).contracts).promises
    if unknown := [name for name in datasets if name not in known]:
        raise SettingsError(f"Tried to export {unknown[0]!r}, of which there is no contract.", hint=suggest(unknown[0], known))
    chosen = [known[name] for name in dict.fromkeys(datasets)] if datasets else list(known.values())
    if folder is None:
        if len(chosen) != 1:
            raise SettingsError(f"Tried to print {len(chosen)} contracts at once.", hint="Name one dataset, or a folder with --to.")
        typer.echo(exported(chosen[0], form)[0][1], nl=False)
        return
    found = [file for contract in chosen for file in exported(contract, form)]
    if form in (Export.MARKDOWN, Export.HTML) and not datasets:
        page = index_of(chosen)
        found.append(("index.md", markdown(page)) if form is Export.MARKDOWN else ("index.html", html(page)))
    with as_elsewhere():
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in found:
            (folder / name).write_text(text, encoding="utf-8")
    typer.echo(f"{folder}: {', '.join(name for name, _ in found)}")


def exported(contract: Published, form: Export) -> list[tuple[str, str]]:
    """The files of a contract in one form, by name, the most important first."""
    name = contract.dataset
    match form:
        case Export.JSON_SCHEMA:
            landing = [(f"{name}_landing.schema.json", _json(landed_row(contract)))] if isinstance(contract, Contract) else []
            return [(f"{name}.schema.json", _json(published_row(contract))), *landing]
        case Export.AVRO:
            return [(f"{name}.avsc", _json(avro_schema(contract)))]
        case Export.MARKDOWN:
            return [(f"{name}.md", markdown(page_of(contract)))]
        case Export.HTML:
            return [(f"{name}.html", html(page_of(contract)))]


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
