"""What a failed assertion says: what became of the rows, in a small table, and which rows were expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assay.testing.judging import Judgement

SHOWN, WIDEST = 8, 60


def fates_table(judgement: Judgement) -> str:
    """How many rows were published, quarantined by which rule and why, dropped as duplicates, and which partitions were refused."""
    lines = [("published", str(judgement.published.height), "", "")]
    by_rule: dict[str, list[tuple[int, str]]] = {}
    for rule, row, reason in judgement.quarantined.select("rule", "source_row", "reason").iter_rows():
        by_rule.setdefault(rule, []).append((row, reason))
    lines += [("quarantined", str(len(rows)), rule, f"row {rows[0][0]}: {rows[0][1]}") for rule, rows in by_rule.items()]
    lines += [("duplicates", str(judgement.duplicates), "", "")] * bool(judgement.duplicates)
    lines += [("refused", "", key, why) for key, why in judgement.refused.items()]
    return table(("what", "rows", "rule or partition", "why"), lines)


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows below their names, in columns of the width that they need; the last column is as wide as it is."""
    lines = [tuple(names), *rows]
    widths = [min(WIDEST, max(len(line[at]) for line in lines)) for at in range(len(names) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip() for line in lines
    )


def rows_table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A few rows below a title; nothing if there are none."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = table(names, [[_cell(row.get(name)) for name in names] for row in rows[:SHOWN]])
    more = f"\n.. and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f"\n\n{title}:\n{shown}{more}"


def _cell(value: Any) -> str:  # noqa: ANN401  # a value of any column
    text = "null" if value is None else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
