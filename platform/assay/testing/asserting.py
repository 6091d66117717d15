"""Assertions about what a contract does with rows: in memory, or with `lake` on the whole way from a landing file to the silver table."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from assay.testing.comparing import differences
from assay.testing.contract_lookup import contract_of
from assay.testing.failure_message import fates_table, rows_table
from assay.testing.generating import completed, good_rows
from assay.testing.judging import judged
from assay.testing.timestamps import usual_days

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.contracts.model.contract import Contract
    from assay.testing.contract_lookup import Named
    from assay.testing.judging import Judgement, Known, Row
    from assay.testing.temporary_lake import TemporaryLake

MOST_BESIDE = 10_000


def assert_publishes(
    contract: Named, rows: Sequence[Row], expected: Sequence[Mapping[str, Any]] | int | None = None, *, known: Known | None = None,
    lake: TemporaryLake | None = None,
) -> Judgement:  # fmt: skip
    """Landed rows are published: all of them, so many, or these, in any order and by the columns that are named.

    What a row does not say is filled in so that it keeps the contract. `known` has rows of the datasets that it refers to; without it those
    references are not judged in memory. Returns what became of the rows; raises AssertionError with the same as a table.
    """
    __tracebackhide__ = True
    meant = contract_of(contract)
    done = _done(meant, completed(meant, rows, known=known), known, lake)
    wanted = len(rows) if expected is None else expected if isinstance(expected, int) else len(expected)
    missing, others = ([], []) if expected is None or isinstance(expected, int) else differences(done.published, expected)
    if done.published.height != wanted or missing or others:
        said = f"{meant.dataset}: expected {wanted} published rows of {len(rows)}, found {done.published.height}."
        listed = rows_table("expected, not published", missing) + rows_table("published, not expected", others)
        raise AssertionError(f"{said}\n\n{fates_table(done)}{listed}")
    return done


def assert_quarantines(
    contract: Named, rows: Sequence[Row], rule: str, *, known: Known | None = None, lake: TemporaryLake | None = None
) -> Judgement:
    """Each of some landed rows is quarantined by this rule, the first that it breaks.

    What a row does not say is filled in so that it breaks no other if that can be. Where a contract bounds the share of rejected rows, so
    many good ones land beside them. Returns what became of the rows; raises AssertionError with the same as a table.
    """
    __tracebackhide__ = True
    meant = contract_of(contract)
    landed = completed(meant, rows, known=known)
    done = _done(meant, [*landed, *_beside(meant, len(rows), known)], known, lake)
    held = done.quarantined.filter(done.quarantined["source_row"] <= len(rows))
    if held.height != len(rows) or any(found != rule for found in held["rule"]):
        names = {one.name for one in meant.rules} | {*held["rule"]}
        hint = "" if rule in names else f" The contract has {', '.join(sorted(names))}."
        kept = held.filter(held["rule"] == rule).height
        raise AssertionError(f"{meant.dataset}: {rule} holds {kept} of {len(rows)} rows in quarantine.{hint}\n\n{fates_table(done)}")
    return done


def assert_refuses(
    contract: Named, rows: Sequence[Row], rule: str, *, known: Known | None = None, lake: TemporaryLake | None = None
) -> Judgement:
    """A partition of landed rows is refused as a whole: by this promise about all of them, or by `rejectedShare`."""
    __tracebackhide__ = True
    meant = contract_of(contract)
    done = _done(meant, completed(meant, rows, known=known), known, lake)
    if not any(f"{rule}: " in why for why in done.refused.values()):
        raise AssertionError(f"{meant.dataset}: {rule} refuses no partition of these {len(rows)} rows.\n\n{fates_table(done)}")
    return done


def _done(contract: Contract, rows: Sequence[Row], known: Known | None, lake: TemporaryLake | None) -> Judgement:
    return judged(contract, rows, known) if lake is None else lake.judged(contract, rows)


def _beside(contract: Contract, bad: int, known: Known | None) -> list[Any]:
    """So many good rows in each partition that a share of bad ones is not too large."""
    limit = contract.rejected_share_below
    if limit is None:
        return []
    days = usual_days(contract)
    return [row for day in days for row in good_rows(contract, min(ceil(bad / limit), MOST_BESIDE), days=[day], known=known, seed=1)]
