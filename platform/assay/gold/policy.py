"""The policy for gold models: what each owes its readers. Read from dbt's manifest; the lines of a complaint are those of the model's .yml.

Each function below is one rule about one model; `POLICY` lists them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.contracts.documents.document import Document, Finding
from assay.contracts.language.names import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from assay.contracts.documents.document import Place

    Policy = Callable[["Described"], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Described:
    """A model as the manifest has it, and where it is described: a YAML file, or its SQL if there is none."""

    node: Mapping[str, Any]
    document: Document
    place: Place

    def finding(self, complaint: str, within: Place, hint: str) -> Finding:
        """What is wrong with the model, at a place of its description."""
        return self.document.finding(f"{self.node['name']}: {complaint}", (*self.place, *within), hint)

    def column(self, name: str) -> Place:
        """Where a column is described."""
        return _named(self.document, (*self.place, "columns"), name)


def policed_models(project: Path, manifest: Path, datasets: Collection[str]) -> tuple[list[str], list[Finding]]:
    """The gold models that keep the policy, and what is wrong with the others and with what they read. `datasets` have a contract."""
    content = json.loads(manifest.read_bytes())
    kept, findings = list[str](), list[Finding]()
    for node in content["nodes"].values():
        if node["resource_type"] == "model":
            found = [finding for rule in POLICY for finding in rule(_described(project, node))]
            findings += found
            kept += [] if found else [node["name"]]
    findings += _sources_have_contracts(project, content["sources"].values(), datasets)
    return sorted(kept), sorted(findings, key=lambda one: (str(one.file), one.line))


def model_has_an_owner(model: Described) -> Iterator[Finding]:
    """Somebody to ask, by name and by mail."""
    owner = model.node["config"]["meta"].get("owner") or {}
    if lacking := [key for key in ("name", "email") if not owner.get(key)]:
        hint = "Give config.meta.owner a name and an email."
        yield model.finding(f"the model has no owner ({' and '.join(lacking)})", ("config", "meta", "owner"), hint)


def model_is_described(model: Described) -> Iterator[Finding]:
    """What a row is and what it is good for."""
    if not model.node["description"].strip():
        yield model.finding("the model has no description", ("description",), "Say what its rows are, and their grain.")


def model_keeps_a_contract(model: Described) -> Iterator[Finding]:
    """Columns and types that dbt enforces."""
    if not model.node["config"]["contract"]["enforced"]:
        yield model.finding("no contract is enforced", ("config",), "Say config: {contract: {enforced: true}}.")


def model_columns_are_described(model: Described) -> Iterator[Finding]:
    """Every column says what it holds."""
    if not model.node["columns"]:
        yield model.finding("the model names no column", ("columns",), "List its columns with type and description.")
    for name, column in model.node["columns"].items():
        if not column["description"].strip():
            complaint = f"the column {name!r} has no description"
            yield model.document.finding(f"{model.node['name']}: {complaint}", model.column(name), "Say what it holds, with its unit.")


POLICY: tuple[Policy, ...] = (model_has_an_owner, model_is_described, model_keeps_a_contract, model_columns_are_described)


def _sources_have_contracts(project: Path, sources: Collection[Mapping[str, Any]], datasets: Collection[str]) -> Iterator[Finding]:
    """What a model reads from the lake is a dataset with a contract."""
    for source in sources:
        if source["name"] not in datasets:
            document = Document.load(project / source["original_file_path"])
            tables = _named(document, ("sources",), source["source_name"])
            place = _named(document, (*tables, "tables"), source["name"])
            complaint = f"{source['source_name']}.{source['name']} has no contract"
            yield document.finding(complaint, place, suggest(source["name"], datasets))


def _described(project: Path, node: Mapping[str, Any]) -> Described:
    """Where a model is described; without a description every complaint is about the first line of its SQL."""
    patch = node.get("patch_path")
    if not patch:
        return Described(node, Document(project / node["original_file_path"], {}), ())
    document = Document.load(project / patch.partition("://")[2])
    return Described(node, document, _named(document, ("models",), node["name"]))


def _named(document: Document, place: Place, name: str) -> Place:
    """The place of the entry of a list that has a name; that of the list if none has."""
    return next((here for item, here in document.entries(place) if item.get("name") == name), place)
