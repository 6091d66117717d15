"""What a build says when nothing of it may be published: why, in sentences, and which rules of a model's contract are broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.gold.dbt_results import BuildResult
    from assay.gold.models import Model


def refusal_of(result: BuildResult) -> str | None:
    """Why nothing of a build may be published; None if it may."""
    if result.passed():
        return None
    skipped = sum(not node.ran for node in result.nodes)
    failed = [node for node in result.failed if node.severity != "warn"]
    if not failed:
        return f"{skipped} of {len(result.nodes)} models and tests did not run. Nothing of this build was published."
    first = failed[0]
    more = f" {len(failed) - 1} more failed." if len(failed) > 1 else ""
    more += f" {skipped} did not run." if skipped else ""
    return (
        f"{first.kind} {first.name} failed: {first.message.strip() or f'{first.failures} rows'}.{more} Nothing of this build was published."
    )


def broken_rules(result: BuildResult, model: Model) -> dict[str, int]:
    """The broken rules of a model's contract, and its failed other tests, with the rows that broke each."""
    failed = [node for node in result.failed if node.model == model.name]
    return {name: rows for node in failed for name, rows in (node.broken or {node.name: node.failures}).items()}
