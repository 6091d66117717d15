"""What becomes of the files in the landing folder, from the command line."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.escaping import visible
from assay.cli.homes import settings_of_home
from assay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.ingest.survey import Sighting
    from assay.orchestration.landing import State
    from assay.settings import Settings

NOBODYS = "no dataset"
SOME = 5


def landing(
    datasets: Annotated[list[str] | None, typer.Argument(help="Datasets; default: all, and the files that belong to none.")] = None,
    every: Annotated[bool, typer.Option("--all", help="List the files that are ingested as well.")] = False,  # noqa: FBT002  # a flag
) -> None:
    """Say what becomes of the files in the landing folder: taken, waiting until when, ignored and why; exit with 1 if one is ignored.

    Example: assay landing flights
    """
    raise typer.Exit(0 if list_landing(settings_of_home(), datasets or [], every=every) else 1)


def list_landing(settings: Settings, datasets: Sequence[str], *, every: bool) -> bool:
    """Print, by dataset, how many files there are in each state, and each file that is not simply ingested. False if one is ignored."""
    from assay.cli.product import contracts_folder
    from assay.contracts.language.names import suggest
    from assay.contracts.reading.odcs import load_contracts
    from assay.gold.step import Project
    from assay.orchestration.landing import Landing, State, damaged_bronze
    from assay.orchestration.plan import Planner
    from assay.steps import Run

    contracts = load_contracts(contracts_folder(settings))
    if unknown := [name for name in datasets if name not in contracts]:
        raise SettingsError(f"There is no dataset {unknown[0]!r}.", hint=suggest(unknown[0], contracts))
    nothing_built = Project(settings.dbt_project, settings.dbt_project, (), settings.scratch)
    planner = Planner(Run.of(settings, contracts), contracts, nothing_built)
    seen = Landing.look(planner)
    found: dict[str, list[tuple[Sighting, State]]] = {name: [] for name in datasets or contracts}
    chosen = seen.of(datasets) if datasets else seen
    damaged = damaged_bronze(settings.lake, contracts)
    sound = replace(planner, contracts={name: one for name, one in contracts.items() if name not in damaged})
    archived = [one for one in seen.archived(sound) if not datasets or one[0].dataset in datasets]
    for sighting, state in (*chosen.states(planner), *archived):
        found.setdefault(sighting.dataset or NOBODYS, []).append((sighting, state))
    for name, files in found.items():
        counts = Counter(state for _, state in files)
        typer.echo(f"{name}: {', '.join(f'{counts[state]} {state}' for state in State if counts[state]) or 'no files'}")
        for state in State:
            _list([one for one, found_as in files if found_as is state], state, every=every)
    for error in damaged.values():
        typer.echo(f"assay: {visible(str(error))}", err=True)
    return not damaged and not any(state is State.IGNORED for files in found.values() for _, state in files)


def _list(files: Sequence[Sighting], state: State, *, every: bool) -> None:
    """The files of one state: all that need a look, some of those that only wait for the next run, and the rest when asked for."""
    shown = len(files) if every or state in ("waits", "ignored") else SOME if state == "to be ingested" else 0
    for sighting in files[:shown]:
        typer.echo(f"  {_line(sighting, state)}")
    if 0 < shown < len(files):
        typer.echo(f"  and {len(files) - shown} more {state} (--all lists them)")


def _line(sighting: Sighting, state: State) -> str:
    until = f" until {sighting.until:%Y-%m-%d %H:%M %Z}" if sighting.until else ""
    return f"{sighting.name}: {state}{until}{f': {sighting.why}' if sighting.why else ''}"
