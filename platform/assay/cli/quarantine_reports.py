"""What `assay quarantine` shows, as named columns and rows: the overview, the rows, the history, the sum. Nothing here changes anything."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assay.cli.product import contracts_folder
from assay.errors import TableUnreadable
from assay.lake.quarantine.changes import CHANGES
from assay.lake.quarantine.history import history, run_times
from assay.lake.quarantine.reader import DECIDED, SHOWN, Fate, View
from assay.lake.quarantine.store import PARTITION

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.lake.quarantine.history import Event
    from assay.settings import Settings

    Rows = list[tuple[Any, ...]]

OVERVIEW = (
    "dataset", "rule", "fate", "rows", "partitions", "first_partition", "last_partition", "first_run", "first_run_at", "last_run",
    "last_run_at", "contract",
)  # fmt: skip
HIDDEN = "***"
RUNS, SHORT_RUN = {"run_id", "first_run", "last_run"}, 8


@dataclass(frozen=True, slots=True)
class Choice:
    """Which quarantined rows are meant; what is None does not matter."""

    rule: str | None = None
    partition: str | None = None
    source_file: str | None = None
    source_row: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether every row is meant."""
        return self == Choice()

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows that are meant, of a frame with these columns (the partition as _partition)."""
        import polars as pl

        wanted = {"rule": self.rule, PARTITION: self.partition, "source_file": self.source_file, "source_row": self.source_row}
        return rows.filter(*(pl.col(name) == value for name, value in wanted.items() if value is not None))


def overview(view: View, choice: Choice) -> Rows:
    """One row of OVERVIEW for each rule and fate. Runs are in the order of their commits, times in UTC."""
    import polars as pl

    times, found = run_times(view), list[tuple[Any, ...]]()
    for fate in Fate:
        rows = choice.of(view.rows(fate, ["rule", PARTITION, "source_file", "source_row", "run_id", "contract_version"]))
        facts = rows.group_by("rule").agg(
            pl.len().alias("rows"), pl.col(PARTITION).n_unique().alias("partitions"), pl.col(PARTITION).min().alias("first"),
            pl.col(PARTITION).max().alias("last"), pl.col("run_id").unique(), pl.col("contract_version").unique().sort(),
        ).sort("rows", "rule", descending=[True, False])  # fmt: skip
        for rule, count, partitions, first, last, runs, versions in facts.iter_rows():
            ordered = sorted(runs, key=lambda run: (times[run].isoformat() if run in times else "", run))
            spans = [value for run in (ordered[0], ordered[-1]) for value in (run, times.get(run))]
            found.append((view.dataset, rule, str(fate), count, partitions, first, last, *spans, ", ".join(versions)))
    return found


def shown_rows(view: View, fate: Fate, choice: Choice, *, raw: bool) -> tuple[list[str], Rows]:
    """The rows of a fate as they are shown: all columns but the severity, which is always the same; the landed row last."""
    columns = [PARTITION, *(name for name in SHOWN if name not in {PARTITION, "severity", "raw"})]
    names = [*columns, *(DECIDED if fate is Fate.DISCARDED else ()), "raw"]
    rows = choice.of(view.rows(fate, [*columns, "raw"])).select(names)
    return names, [tuple(shown_form(row, raw=raw).values()) for row in rows.iter_rows(named=True)]


def for_people(names: Sequence[str], rows: Sequence[tuple[Any, ...]], *, without: Collection[str]) -> tuple[list[str], Rows]:
    """The same with runs as the UI abbreviates them, times in seconds (UTC), and without some columns."""
    kept = [(index, name) for index, name in enumerate(names) if name not in without]
    return [name for _, name in kept], [tuple(_short(name, row[index]) for index, name in kept) for row in rows]


def _short(name: str, value: Any) -> Any:  # noqa: ANN401  # a cell of any column
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value[:SHORT_RUN] if name in RUNS else value


def shown_form(row: Mapping[str, Any], *, raw: bool) -> dict[str, Any]:
    """A quarantined row as a person may see it. The one place that decides it: without `raw` the landed values are hidden.

    Which values were absent still shows. The reason tells the value that broke the rule.
    """
    if raw:
        return dict(row)
    landed: dict[str, Any] = json.loads(row["raw"])
    return {**row, "raw": json.dumps({name: None if value is None else HIDDEN for name, value in landed.items()})}


HISTORY = ("at", "partition", "what", "run_id", "contract_version", "by", "before", "after", "rows", "because")


def told(view: View, partition: str | None, limit: int) -> Rows:
    """The newest `limit` events of a quarantine as rows of HISTORY, oldest first."""
    return [_told(event) for event in history(view, partition)[-limit:]]


def _told(event: Event) -> tuple[Any, ...]:
    changes = "; ".join(_change(name, event.changes[name]) for name in (*CHANGES, "decided") if name in event.changes)
    return (
        event.at, event.partition, event.kind, event.run_id, event.contract_version, event.by,
        _rules(event.before), _rules(event.after), changes, event.because,
    )  # fmt: skip


def _change(name: str, note: Mapping[str, Any]) -> str:
    listed: Mapping[str, Sequence[int]] = note["listed"]
    places = ", ".join(f"{file} row {', '.join(map(str, rows))}" for file, rows in listed.items())
    more = ", .." if sum(map(len, listed.values())) < note["rows"] else ""
    return f"{name.replace('_', ' ')} {note['rows']} ({places}{more})"


def _rules(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{rule} {rows}" for rule, rows in counts.items())


def sums_of(settings: Settings, datasets: Collection[str] | None = None) -> list[str]:
    """The sum of the rows of each dataset (default: of all contracts) in one sentence, which says so when it does not close.

    Without its contract nobody knows which partitions a dataset has: of one that has none any more, nothing is said. Of one that is damaged
    nothing can be counted.
    """
    from assay.contracts.reading.odcs import load_contracts

    contracts, why = load_contracts(contracts_folder(settings)), _unfinished(settings)
    said = (_sum_of(settings, contract, why) for name, contract in contracts.items() if datasets is None or name in datasets)
    return [one for one in said if one]


def _unfinished(settings: Settings) -> str:
    """Why sums may be open: a row may be held still, and erased."""
    from assay.lake.erasures import BEGUN, erasures

    begun = list[str]()
    with suppress(TableUnreadable):  # `facts` tells of it
        begun = [str(one.number) for one in erasures(settings.lake) if one.state == BEGUN]
    return f" (erasure {', '.join(begun)} has begun and is not done: run it again)" if begun else ""


def _sum_of(settings: Settings, contract: Contract, why: str) -> str:
    from assay.orchestration.reconciliation import fates_of

    try:
        fates = fates_of(settings.lake, contract)
    except TableUnreadable as error:
        return f"{contract.dataset}: not counted: {error.message}"
    return "" if fates is None else str(fates) if fates.closes else f"{fates}{why}"
