"""`assay maintain`: what nobody needs any more is removed, and how much that was is said. A dry run says the same and removes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.escaping import visible
from assay.cli.homes import require_writable, settings_of_home
from assay.cli.progress import say_waiting
from assay.errors import SettingsError
from assay.settings import export

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.maintenance.cleaning import Cleaning
    from assay.orchestration.maintaining import Maintaining
    from assay.orchestration.plan import Planner
    from assay.settings import Settings


def maintain(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables, such as silver/flights; default: all there is.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    files: Annotated[bool, typer.Option("--files", help="Name each file.")] = False,
    retention: Annotated[
        bool, typer.Option("--retention", help="Before, remove the partitions that are older than the `retention` of their contracts.")
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option("--allow-empty", help="With --retention: also if nothing of a table is left then; without it such a table stays."),
    ] = False,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="Also if nothing ran here for so long that the clock may be ahead.")
    ] = False,
) -> None:
    """Remove files of earlier versions, what killed runs have left, and old private folders. ASSAY_VACUUM_DAYS says what is old: 7 days.

    Without tables also Dagster's history of runs that ended ASSAY_RUN_DAYS ago: 90 days.

    Example: assay maintain --dry-run
    """
    if allow_empty and not retention:
        raise SettingsError("--allow-empty says what --retention may do; without that nothing expires.", hint="Give both, or neither.")
    settings = settings_of_home()
    require_writable(settings.lake)
    planner = _planner(settings, tables or [], steady=not (dry_run or clock_is_right))
    refused = retention and _expire(settings, planner, tables, dry_run=dry_run, allow_empty=allow_empty)
    found = _maintaining(settings, planner).execute(tables or None, dry_run=dry_run)
    for one in found:
        _say(settings, one, files=files)
    removed = sum(len(one.removals) for one in found)
    freed = f"{removed} files, {_megabytes(sum(one.freed for one in found))}"
    typer.echo(f"{_removed(dry_run=dry_run)} {freed}.")
    if not tables and settings.instance_file.exists():
        _forget(settings, dry_run=dry_run)
    raise typer.Exit(1 if refused or any(one.is_damaged for one in found) else 0)


def _planner(settings: Settings, tables: Sequence[str], *, steady: bool) -> Planner:
    """What says what is outdated. Raises SettingsError for a table that is not there, ClockSetBack if the clock cannot be believed; if it
    has to be `steady` ClockLeapt, if it may be ahead.
    """
    from assay.cli.product import find_product
    from assay.contracts.language.names import suggest
    from assay.lake.tables import table_folders
    from assay.orchestration.build import assemble
    from assay.orchestration.clock_rollback import require_clock, require_steady_clock
    from assay.orchestration.instance import instance_of

    if unknown := [name for name in tables if name not in (there := table_folders(settings.lake))]:
        raise SettingsError(f"Tried to maintain {unknown[0]!r}; there is no such table.", hint=suggest(unknown[0], there))
    export(settings)  # Dagster's instance says where it is by the environment
    planner = assemble(settings, find_product(settings).contracts).planner
    if settings.instance_file.exists():
        with instance_of(settings.dagster_home, say_waiting) as instance:
            (require_steady_clock if steady else require_clock)(settings.lake, instance)
    return planner


def _waits(whom: str) -> None:
    typer.echo(f"assay: waiting for {visible(whom)}.", err=True)


def _maintaining(settings: Settings, planner: Planner) -> Maintaining:
    from assay.orchestration.maintaining import Maintaining

    return Maintaining(settings, planner, _waits)


def _expire(settings: Settings, planner: Planner, tables: Sequence[str] | None, *, dry_run: bool, allow_empty: bool) -> bool:
    """Remove what has expired, and say what it was, partition by partition; returns whether that was refused of a table."""
    from assay.orchestration.clock import now
    from assay.orchestration.retaining import Retaining

    found = Retaining(settings, planner, now(), _waits, dry_run=dry_run, allow_empty=allow_empty).execute(tables or None)
    for one in found:
        for key, (rows, size) in one.partitions.items():
            typer.echo(f"{one.table} {visible(key)}: {rows:,} rows, {_megabytes(size)}, kept for {one.kept}")
        if one.told:
            typer.echo(f"assay: {one.table}: {visible(one.told)}.", err=True)
    partitions, rows = sum(len(one.partitions) for one in found), sum(one.rows for one in found)
    typer.echo(f"{_removed('assay maintain --retention', dry_run=dry_run)} {rows:,} rows of {partitions} partitions that have expired.")
    return any(one.is_refused for one in found)


def _forget(settings: Settings, *, dry_run: bool) -> None:
    """Remove what is spent of Dagster's history, and say how much that was; nothing of an instance that has nothing spent."""
    from assay.orchestration.history import History
    from assay.orchestration.instance import instance_of

    with instance_of(settings.dagster_home, say_waiting) as instance:
        spent = History(settings, instance, _waits).execute(dry_run=dry_run)
    if spent:
        typer.echo(f"{_removed(dry_run=dry_run)} {spent} of Dagster's history, {_megabytes(spent.freed)}.")
    if spent.told:
        typer.echo(f"assay: {visible(spent.told)}.", err=True)


def _removed(command: str = "assay maintain", *, dry_run: bool) -> str:
    return f"`{command}` would remove" if dry_run else "Removed"


def _say(settings: Settings, one: Cleaning, *, files: bool) -> None:
    if one.removals:
        counts = ", ".join(f"{number} {kind}" for kind, number in sorted(one.counts.items()))
        typer.echo(f"{one.name}: {counts}, {_megabytes(one.freed)}")
    for removal in one.removals if files else ():
        typer.echo(
            f"  {visible(str(removal.path.relative_to(settings.home) if removal.path.is_relative_to(settings.home) else removal.path))}"
        )
    if one.told:
        typer.echo(f"assay: {one.name}: {visible(one.told)}.", err=True)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
