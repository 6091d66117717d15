"""`assay alerts ..`: what is wrong now and who was told, and whether messages arrive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from assay.cli.progress import say_waiting
from assay.errors import AssayError, ContractInvalid, SettingsError
from assay.settings import export, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagster as dg

    from assay.alerting.state import Memory
    from assay.orchestration.alert_sensor import Alerts

app = typer.Typer(no_args_is_help=True, help="What is wrong now, who is told of it, and whether messages arrive.")

TRIAL = "Somebody ran `assay alerts test`. Nothing is wrong."


@app.command("list")
def list_() -> None:
    """Look what is wrong now, since when, and which messages wait for which sink; exit with 1 if something is wrong.

    Example: assay alerts list
    """
    from assay.cli.homes import settings_of_home
    from assay.orchestration.instance import instance_of

    settings = settings_of_home()
    if not settings.instance_file.exists():
        raise SettingsError(
            f"Nothing has run in {settings.home} yet.", hint="`assay init` makes Dagster's instance, `assay serve` looks for alerts."
        )
    export(settings)
    with instance_of(settings.dagster_home, say_waiting) as instance:
        raise typer.Exit(0 if _print_open(_alerts(), instance) else 1)


@app.command("test")
def try_out(
    sinks: Annotated[list[str] | None, typer.Argument(help="Sinks by name; default: all that alerts.yaml declares.")] = None,
) -> None:
    """Send a trial message to each sink and say what came back; exit with 1 if one does not take it.

    Example: assay alerts test on_call
    """
    raise typer.Exit(0 if _try(_alerts(), sinks or []) else 1)


def _alerts() -> Alerts:
    """The alerts of the product. Raises ContractInvalid if alerts.yaml has a fault: what it declares is then not used."""
    from assay.alerting.declared import FILE
    from assay.cli.product import find_product
    from assay.orchestration.build import assemble

    settings = load_settings()
    assembly = assemble(settings, find_product(settings).contracts)
    for one in assembly.left_out:
        if one.name == FILE:
            raise ContractInvalid(one.why)
    return assembly.alerts


def _print_open(alerts: Alerts, instance: dg.DagsterInstance) -> bool:
    """Print what a look finds now, and what the daemon remembers. False if something is wrong."""
    from assay.alerting.alert import Part, said
    from assay.alerting.state import Memory
    from assay.alerting.wording import TITLES, counted
    from assay.cli.escaping import visible
    from assay.orchestration.alert_look import by_id

    cursor, ticked = _remembered(instance)
    memory = Memory.load(cursor)
    known, found = by_id(memory.opened), alerts.looked(memory, instance, datetime.now(UTC)).opened
    for one in found:
        since = f"since {known[one.id].since}" if one.id in known else "not told of yet"
        keys = f", {counted(Part(one.subject, one.why, one.since, one.keys[:5], one.count))}" if one.count else ""
        typer.echo(visible(f"{TITLES[one.kind].format(one.subject)} ({since}{keys}): {said(one.why)}"))
    typer.echo("Nothing is wrong." if not found else f"{len(found)} {'thing is' if len(found) == 1 else 'things are'} wrong.")
    typer.echo(f"The sensor alerts looked last at {ticked:%Y-%m-%d %H:%M:%S} UTC." if ticked else "The sensor alerts has not looked yet.")
    _print_sinks(alerts, memory)
    return not found


def _print_sinks(alerts: Alerts, memory: Memory) -> None:
    from assay.alerting.state import Health

    for name, sink in alerts.sinks().items():
        health, waiting = memory.sinks.get(name, Health()), sum(name in one.left for one in memory.waiting)
        failing = f", failed {health.failures} times and is tried again at {health.again}: {health.why}" if health.failures else ""
        lost = f", {health.lost} given up" if health.lost else ""
        typer.echo(f"sink {name} ({sink.type}): {waiting} waiting{lost}{failing}")


def _remembered(instance: dg.DagsterInstance) -> tuple[str | None, datetime | None]:
    """The cursor of the sensor, and when it ticked last."""
    from assay.orchestration.alert_sensor import NAME

    states = instance.schedule_storage.all_instigator_state() if instance.schedule_storage else ()
    for state in states:
        if state.instigator_name == NAME and state.instigator_data is not None:
            data = state.instigator_data
            at = getattr(data, "last_tick_timestamp", None)
            return getattr(data, "cursor", None), datetime.fromtimestamp(at, UTC) if at else None
    return None, None


def _try(alerts: Alerts, names: Sequence[str]) -> bool:
    """Send a trial message to some sinks, or all. False if one did not take it."""
    from assay.alerting.alert import Edge, Kind, Message, Part
    from assay.contracts.language.names import suggest

    sinks = alerts.sinks()
    if unknown := [name for name in names if name not in sinks]:
        raise SettingsError(f"There is no sink {unknown[0]!r}.", hint=suggest(unknown[0], sinks))
    now, good = datetime.now(UTC).isoformat(timespec="seconds"), True
    for name in names or sinks:
        message = Message(Kind.TRIAL, Edge.BEGAN, now, (Part("", f"{TRIAL} (trial {uuid4().hex[:8]})", now),))
        try:
            typer.echo(f"{name} ({sinks[name].type}): {sinks[name].send(message, alerts.wording)}.")
        except AssayError as error:
            good = False
            typer.echo(f"assay: {name} ({sinks[name].type}): {error}", err=True)
    return good
