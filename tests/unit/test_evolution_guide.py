"""The table of docs/evolution.md says what the verdicts say, kind by kind."""

from __future__ import annotations

from pathlib import Path

from assay.contracts.compatibility.change import Change
from assay.contracts.compatibility.kinds import KINDS

GUIDE = Path(__file__).parents[2] / "docs/evolution.md"
HEADING = "## Every kind of change\n\n"


def table() -> str:
    lines = ["| kind | what changed | compatible | needs | concerns |", "| --- | --- | --- | --- | --- |"]
    for kind, verdict in KINDS.items():
        needs = f"{verdict.bump}{', privacy' if verdict.privacy else ''}"
        lines.append(f"| `{kind}` | {verdict.title} | {Change(kind, '').compatibility} | {needs} | {', '.join(verdict.affects)} |")
    return "\n".join(lines) + "\n"


def test_the_guide_lists_every_kind_with_its_verdict() -> None:
    assert GUIDE.read_text().partition(HEADING)[2] == table(), f"Write what `table()` of {Path(__file__).name} gives."
