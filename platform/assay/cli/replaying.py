"""Replaying from the command line: judge quarantined rows again in this process, and say by rule how many came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assay.cli.printing import print_records
from assay.cli.product import find_product
from assay.cli.progress import announce, say_failures, say_waiting, say_what_became, told_when_stopped
from assay.cli.running import prepare
from assay.contracts.model.contract import SOURCE_FILE, SOURCE_ROW
from assay.lake.quarantine.reader import Fate, View
from assay.lake.quarantine.store import ARRIVALS, PARTITION

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from assay.cli.quarantine_reports import Choice
    from assay.orchestration.backfill import Ran
    from assay.orchestration.replay import Replay
    from assay.settings import Settings

PLACE = ("source_file", "source_row")


def run_replay(settings: Settings, dataset: str, choice: Choice, days: tuple[date, date] | None) -> bool:
    """Replay the chosen rows of a dataset, and say what became of them. True if every run succeeded."""
    import polars as pl

    from assay.orchestration.build import assemble
    from assay.orchestration.clock_rollback import require_clock
    from assay.orchestration.instance import instance_of
    from assay.orchestration.replay import Replay, Wanted

    prepare(settings)
    product = find_product(settings)
    assembly = assemble(settings, product.contracts)
    contract, job = assembly.planner.contracts[dataset], assembly.definitions.resolve_implicit_global_asset_job_def()
    before = View.open(settings.lake, dataset)
    wanted = Wanted.of(before, contract, rule=choice.rule, partition=choice.partition, days=days)
    with instance_of(settings.dagster_home, say_waiting) as instance:
        require_clock(settings.lake, instance)
        ran = _run(Replay(job, assembly.planner, instance, contract, wanted, product.name, say_waiting))
    if ran:
        keys = [*wanted.events, *(ARRIVALS + key for key in wanted.arrivals)]
        _say_what_became(choice.of(_held(before)).filter(pl.col(PARTITION).is_in(keys)), before, View.open(settings.lake, dataset))
    else:
        typer.echo(f"{dataset}: no held row is meant, so there is nothing to replay.")
    return not say_failures(ran)


def _run(replay: Replay) -> list[Ran]:
    done: list[Ran] = []
    if waiting := replay.waiting():
        typer.echo(
            f"{len(waiting)} partitions wait for a file that has landed ({waiting[0]} to {waiting[-1]}): run `assay backfill` first."
        )
    for name in replay.outdated_references():
        typer.echo(f"Rows are judged against what is published of {name}, which is outdated: `assay backfill` mends that.")
    with told_when_stopped(done, f"assay quarantine replay {replay.contract.dataset}"):
        for ran in replay.execute(announce):
            say_what_became(ran)
            done.append(ran)
    return done


def _held(view: View) -> pl.DataFrame:
    return view.rows(Fate.HELD, ["rule", PARTITION, *PLACE])


def _say_what_became(meant: pl.DataFrame, before: View, after: View) -> None:
    """By rule: how many rows came back, are still held, or are gone because their file was sent again without them."""
    held = _held(after)
    left = meant.join(held, on=PLACE, how="anti")
    back = left.join(_landed(after, left), on=PLACE, how="semi")
    still, gone = meant.join(held, on=PLACE, how="semi"), left.join(back, on=PLACE, how="anti")
    fates = [dict(rows.group_by("rule").len().iter_rows()) for rows in (back, still, gone)]
    if meant.height:
        rules = [(rule, *(counts.get(rule, 0) for counts in fates)) for rule in sorted(meant["rule"].unique())]
        print_records(("rule", "came back", "still held", "withdrawn"), rules, "table")
    new = held.join(_held(before), on=PLACE, how="anti").height
    rows = (after.silver.rows if after.silver else 0) - (before.silver.rows if before.silver else 0)
    counts = f"{back.height} came back, {still.height} still held, {new} newly held, {rows:+} rows published"
    if left.height or new or rows:
        typer.echo(f"{after.dataset}: {counts}. `assay backfill` brings what is built from them up to date.")
    else:
        typer.echo(f"{after.dataset}: {counts}. Nothing has changed.")


def _landed(view: View, left: pl.DataFrame) -> pl.DataFrame:
    """The places of bronze rows of the files that rows of `left` came from."""
    import polars as pl

    if view.bronze is None or left.is_empty():
        return left.clear()
    names = {SOURCE_FILE: "source_file", SOURCE_ROW: "source_row"}
    rows = view.bronze.scan(columns=list(names)).rename(names)
    return rows.filter(pl.col("source_file").is_in(left["source_file"].unique().implode())).collect()
