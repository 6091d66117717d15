"""How compared contracts are shown: paragraphs for people, JSON for programs. The words are those of the verdicts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer

from assay.gold.impact import impact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from assay.contracts.compatibility.change import Change
    from assay.contracts.compatibility.comparison import Comparison
    from assay.contracts.model.contract import Published
    from assay.gold.lineage import Node, Reached

COMPATIBLE = {
    "full": "Fully compatible",
    "backward": "Backward compatible only",
    "forward": "Forward compatible only",
    "none": "Not compatible",
}
FORMAT = 1  # of the JSON; it grows when a field goes or changes its meaning


@dataclass(frozen=True, slots=True)
class Report:
    """The compared datasets, the contracts and models around them, and why what they reach is not known, if it is not.

    `nodes` have the views of what is promised now; `old_views` those that a change of a model itself breaks, by model.
    """

    comparisons: Sequence[Comparison]
    contracts: Mapping[str, Published]
    nodes: Sequence[Node]
    unknown: str = ""
    old_views: Mapping[str, Sequence[Node]] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        """Whether every declared version is enough for its changes."""
        return all(comparison.complaint is None for comparison in self.comparisons)

    def reached(self, comparison: Comparison, change: Change) -> list[Reached]:
        """What a change reaches downstream."""
        table = f"{comparison.layer}/{comparison.old_dataset or comparison.dataset}"
        nodes = self.nodes
        if comparison.layer == "gold":
            others = [node for node in self.nodes if not (node.kind == "view" and table in node.reads)]
            nodes = [*others, *self.old_views.get(comparison.old_dataset or comparison.dataset, ())]
        return impact(change, table, nodes, self.contracts)


def print_report(report: Report, *, as_json: bool) -> None:
    """Print the whole report."""
    if as_json:
        typer.echo(json.dumps(_document(report), indent=2, default=_plain))
    else:
        typer.echo("\n".join(_lines(report)))


def _document(report: Report) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "enough": report.enough,
        "downstream_unknown": report.unknown or None,
        "datasets": [
            {
                "dataset": one.dataset, "old_version": one.old_version, "new_version": one.new_version, "compatibility": one.compatibility,
                "required_bump": str(one.required), "complaint": one.complaint, "changes": [_entry(report, one, c) for c in one.changes],
            }
            for one in report.comparisons
        ],
    }  # fmt: skip


def _entry(report: Report, comparison: Comparison, change: Change) -> dict[str, Any]:
    verdict = change.verdict
    return {
        "kind": change.kind, "title": verdict.title, "where": change.where, "column": change.column, "old": change.old, "new": change.new,
        "note": change.note, "backward": verdict.backward, "forward": verdict.forward, "compatibility": change.compatibility,
        "bump": str(verdict.bump), "breaking": change.breaks, "privacy": verdict.privacy, "affects": list(verdict.affects),
        "migrate": verdict.migrate, "downstream": [asdict(reached) for reached in report.reached(comparison, change)],
    }  # fmt: skip


def _plain(value: Any) -> Any:  # noqa: ANN401  # whatever a contract holds
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if isinstance(value, date) else value.value if isinstance(value, Enum) else str(value)


def _lines(report: Report) -> Iterator[str]:
    if not report.comparisons:
        yield "No contract has changed."
    for one in report.comparisons:
        versions = f"{one.old_version or 'new'} -> {one.new_version or 'removed'}"
        yield f"{one.dataset} {versions}: {one.required}, compatibility {one.compatibility}"
        for change in sorted(one.changes, key=lambda change: -change.verdict.bump):
            yield from _paragraph(report, one, change)
        yield f"  NOT ENOUGH: {one.complaint}." if one.complaint else "  The declared version is enough."
    if report.unknown:
        yield f"What breaks downstream is not known: {report.unknown}"


def _paragraph(report: Report, comparison: Comparison, change: Change) -> Iterator[str]:
    verdict = change.verdict
    word = "BREAKING" if change.breaks else str(verdict.bump)
    values = f": {_short(change.old)} -> {_short(change.new)}" if (change.old, change.new) != (None, None) else ""
    privacy = ", PRIVACY" if verdict.privacy else ""
    yield f"  {word}{privacy}  {change.where}: {verdict.title}{values}"
    affects = f"; concerns {' and '.join(verdict.affects)}" if verdict.affects else ""
    if not verdict.words:
        yield f"      {COMPATIBLE[change.compatibility]}{affects}. {change.note}".rstrip()
        yield f"      {verdict.migrate}"
    yield from _reach(report.reached(comparison, change))


def _reach(reached: Sequence[Reached]) -> Iterator[str]:
    """One line for each model, test and rule; of the tests only those that read the changed table itself, the others follow."""
    shown = [one for one in reached if one.kind != "test" or not one.way]
    for (kind, name), found in groupby(shown, key=lambda one: (one.kind, one.name)):
        uses = ", ".join(f"{one.column or 'its rows'} ({_use(one)})" if kind in {"gold", "view"} else _use(one) for one in found)
        yield f"      reaches {name if kind == 'gold' else f'{kind} {name}'}: {uses}"
    if others := len(reached) - len(shown):
        yield f"      reaches {others} dbt {'test' if others == 1 else 'tests'} of these models"


def _use(reached: Reached) -> str:
    if reached.unknown:
        return f"cannot be traced, so all of it: {reached.unknown}"
    way = f", through {' and '.join(reached.way)}" if reached.way else ""
    return f"{reached.role or 'reads it'}{way}"


def _short(value: Any) -> str:  # noqa: ANN401  # whatever a contract holds
    if value is None:
        return "none"
    if isinstance(value, tuple | list):
        return ", ".join(map(_short, value))
    return str(asdict(value)) if is_dataclass(value) and not isinstance(value, type) else str(value)
