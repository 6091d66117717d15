"""Running from the command line: prepare a home, backfill in this process, serve the UI."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from assay.cli.echo import echo
from assay.cli.homes import make_dbt_project, make_folders, require_contracts, require_writable
from assay.cli.product import find_product
from assay.cli.progress import announce, say_end, say_failures, say_landing, say_waiting, say_what_became, told_when_stopped
from assay.cli.up_to_date import is_as_remembered, look, remember
from assay.errors import SettingsError
from assay.gold import dbt_process
from assay.lake.durable import create_file
from assay.lake.snapshots import table_names
from assay.lake.workplaces import sweep
from assay.settings import Settings, export

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import date
    from pathlib import Path

    import dagster as dg

    from assay.orchestration.backfill import Backfill, Ran


SOMETHING_LEFT_OUT = 3  # the exit code of a backfill in which no run failed, and something of the product could not be run
EVERYTHING = "*"  # the selection, in Dagster's syntax


def prepare(settings: Settings) -> Path | None:
    """Make what a fresh checkout lacks: folders, Dagster's instance file, a key for an empty lake, dbt's manifest. What is there stays.

    Returns the manifest; None if dbt can read nothing of the project, which whoever loads the definitions is told. Raises SettingsError
    for a home that cannot be written to.
    """
    from assay.gold.dbt_runner import DbtFailed
    from assay.gold.parsed import parse_sound

    require_writable(settings.home)
    make_dbt_project(settings)
    make_folders(settings)
    sweep(settings.scratch)
    _copy_once(settings.instance_file)
    if not table_names(settings.lake):  # beside tables a key that is missing was lost: only `assay init` takes another one for it
        from assay.cli.keys import make_keys  # brings Typer, which a backfill needs for nothing else

        make_keys(settings)
    manifest = None
    with suppress(DbtFailed):
        manifest = parse_sound(settings.dbt_project).manifest
    export(settings)
    if settings.group is not None:
        from assay.orchestration.instance import share_instance

        share_instance(settings)
    return manifest


def _copy_once(target: Path) -> None:
    if not target.exists():
        template = files("assay.orchestration").joinpath("dagster.yaml").read_bytes()
        create_file(target, template)  # whole: an empty one would be taken for a description


def run_backfill(
    settings: Settings, first: date | None, last: date | None, *, select: str, force: bool, clock_is_right: bool = False
) -> int:
    """Plan and run a backfill, saying what it does while it works. The exit code: 1 if a run failed, SOMETHING_LEFT_OUT, or 0.

    With a clock that was set back nothing is run, unless `clock_is_right`: then what was recorded later than it shows is not believed.
    """
    contracts = find_product(settings).contracts
    require_contracts(contracts)
    manifest = prepare(settings)
    seen = look(settings, contracts, f"{first} {last} {select}")
    if select == EVERYTHING and manifest is not None and (force or not is_as_remembered(settings, seen)):
        dbt_process.start(settings.dbt_project, manifest)  # now, so that it gets ready while this process imports Dagster

    from assay.orchestration.clock_rollback import believe, set_back
    from assay.orchestration.instance import instance_of

    began = time.monotonic()
    done: list[Ran] = []
    with instance_of(settings.dagster_home, say_waiting) as instance, told_when_stopped(done, "assay backfill"):
        work, is_whole = _backfill(settings, instance, first, last, select=select, force=force)
        if clock_is_right:
            believe(settings.lake, instance)
        if words := set_back(settings.lake, instance):
            dbt_process.stop()
            echo(f"assay: {words}", err=True)
            say_landing(work.planner, work.only)
            return SOMETHING_LEFT_OUT
        for ran in work.execute(announce):
            done.append(ran)
            say_what_became(ran)
    if not done:
        remember(settings, seen)
    say_end(done, time.monotonic() - began, of_all=select == EVERYTHING)
    say_landing(work.planner, work.only)
    return 1 if say_failures(done) else 0 if is_whole else SOMETHING_LEFT_OUT


def _backfill(
    settings: Settings, instance: dg.DagsterInstance, first: date | None, last: date | None, *, select: str, force: bool
) -> tuple[Backfill, bool]:
    """The work, and whether nothing of the product is left out of it; what is left out is printed."""
    from assay.orchestration.backfill import Backfill
    from assay.orchestration.build import assemble

    product = find_product(settings)
    assembly = assemble(settings, product.contracts)
    for one in assembly.left_out:
        echo(f"assay: {one}", err=True)
    planner = replace(assembly.planner, run=replace(assembly.planner.run, force=force))
    job = assembly.definitions.resolve_implicit_global_asset_job_def()
    only = _selected(select, assembly.definitions)
    return Backfill(job, planner, instance, first, last, only, product.name, say_waiting), not assembly.left_out


def _selected(select: str, definitions: dg.Definitions) -> AbstractSet[dg.AssetKey]:
    import dagster as dg

    from assay.orchestration.build import previews_accepted

    try:
        with previews_accepted():
            found = dg.AssetSelection.from_string(select).resolve(definitions.resolve_asset_graph())
    except dg.DagsterError:  # also for what is no selection at all
        found = frozenset()
    if not found:
        raise SettingsError(f"The selection {select!r} matches no asset.", hint="Such as --select silver/flights or --select 'group:gold'.")
    return found
