"""`assay check-lake`: what is damaged, what of it is lost for good, and how it is mended. Without `--mend` nothing is changed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.escaping import visible
from assay.cli.homes import settings_of_home
from assay.errors import ContractInvalid, FormatNewer, SettingsError, TableUnreadable, few_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.contracts.model.contract import Contract
    from assay.lake.damage import Damage
    from assay.settings import Settings

SOME = 3
AGAIN = "the next `assay backfill` makes it again"
KEPT_NOWHERE = {
    "decisions": "who decided what of its rows", "erasures": "who was erased, and keeps out files that land again",
    "retention": "the receipts of what was removed when it had expired", "provenance": "who published what before the logs begin",
}  # fmt: skip
BESIDE = ("quarantine", "claims")  # what the tables of a dataset are published with
MADE_BY = {"bronze": ("bronze",), "gold": ("gold",)} | dict.fromkeys(("silver", *BESIDE), ("bronze", "silver"))  # silver waits for bronze


@dataclass(frozen=True, slots=True)
class Finding:
    """Something damaged of a table: what is `lost` with it for good, and whether a mend can do anything."""

    table: str
    damage: Damage
    lost: str
    by_hand: str = ""

    def __str__(self) -> str:
        lost = f"lost with it: {self.lost}" if self.lost else "nothing is lost"
        cure = self.by_hand or f"mend it with `assay check-lake {self.table if self.lost else ''} --mend`".replace("  ", " ")
        return f"{self.table}: {self.damage.path} {self.damage.found}; {lost}; {cure}."


def check_lake(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables, such as silver/flights; default: all.")] = None,
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte: a bit that has flipped shows in no other way.")] = False,
    mend: Annotated[
        bool,
        typer.Option(
            "--mend", help="Set aside what is damaged, and make it again. What loses rows for good: only of tables that are named."
        ),
    ] = False,
) -> None:
    """Say what of the tables is damaged, what is lost with it and how it is mended; exit with 1 if anything is.

    Example: assay check-lake silver/flights --deep
    """
    settings = settings_of_home()
    chosen = _chosen(settings, tables or [])
    found = _look(settings, chosen, deep=deep)
    if mend and found:
        _mend(settings, found, named=tables or [])
        found = _look(settings, chosen, deep=deep)
    if not found:
        typer.echo(
            f"{len(chosen)} tables are as they were committed." if deep else f"{len(chosen)} tables are there; --deep reads their bytes."
        )
    raise typer.Exit(1 if found else 0)


def _chosen(settings: Settings, tables: Sequence[str]) -> list[str]:
    from assay.contracts.language.names import suggest
    from assay.lake.checking import all_tables

    there = all_tables(settings.lake)
    if unknown := [name for name in tables if name not in there]:
        raise SettingsError(f"Tried to check {unknown[0]!r}; there is no such table.", hint=suggest(unknown[0], there))
    return list(tables) or there


def _look(settings: Settings, tables: Sequence[str], *, deep: bool) -> list[Finding]:
    """Look at tables one by one, and say what was found of each."""
    from assay.lake.checking import damage_of, forgotten
    from assay.lake.damage import Damage

    contracts, missed, found = _contracts(settings), forgotten(settings.lake), list[Finding]()
    for name in tables:
        damages = damage_of(settings.lake, name, deep=deep)
        if not damages and name in missed:
            damages = [Damage(".", f"is not what was read: {missed[name]}")]
        for damage in damages:
            one = _finding(settings, contracts, name, damage)
            typer.echo(visible(str(one)), err=True)
            found.append(one)
    return found + (_sums(settings, contracts, tables) if deep else [])


def _sums(settings: Settings, contracts: Mapping[str, Contract], tables: Sequence[str]) -> list[Finding]:
    """The datasets whose rows do not add up, of those that can be counted."""
    from assay.lake.damage import Damage
    from assay.orchestration.reconciliation import fates_of

    found = list[Finding]()
    for name in [name for name in tables if name.startswith("silver/") and name[7:] in contracts]:
        with suppress(TableUnreadable):
            fates = fates_of(settings.lake, contracts[name[7:]])
            if fates and not fates.closes:
                found.append(Finding(name, Damage("rows", f"are not all there: {fates}"), "", AGAIN))
                typer.echo(visible(str(found[-1])), err=True)
    return found


def _contracts(settings: Settings) -> Mapping[str, Contract]:
    from assay.cli.product import contracts_folder
    from assay.contracts.reading.odcs import sound_product

    try:
        return sound_product(contracts_folder(settings))[0].datasets
    except ContractInvalid:
        return {}


def _finding(settings: Settings, contracts: Mapping[str, Contract], name: str, damage: Damage) -> Finding:
    from assay.ingest.lost_files import lost_with_file, lost_with_log
    from assay.lake.checking import NEWER
    from assay.lake.damage import NOT_ALLOWED
    from assay.steps import Run

    layer, _, dataset = name.partition("/")
    if damage.found.startswith(NEWER):
        return Finding(name, damage, "", "use the Assay that wrote it, or a newer one")
    if NOT_ALLOWED in damage.found:
        return Finding(name, damage, "", "let this user read it")
    if damage.path.startswith("partition "):
        return Finding(name, damage, "", AGAIN)
    if _is_copied(damage):
        return Finding(name, damage, "")
    if layer in KEPT_NOWHERE:
        rows = f"{damage.file.rows} rows of {'/'.join(damage.file.values)}, " if damage.file else ""
        return Finding(name, damage, f"{rows}{KEPT_NOWHERE[layer]}")
    if layer != "bronze" or dataset not in contracts:
        return Finding(name, damage, "" if layer != "bronze" else "nobody knows what, without a sound contract")
    run, contract = Run.of(settings, contracts), contracts[dataset]
    names = lost_with_file(run, contract, damage) if damage.file else lost_with_log(run, contract)
    if not names:
        return Finding(name, damage, "")
    lost = f"the rows of {len(names)} landing files, unless they are put back ({few_of(names, SOME)})"
    return Finding(name, damage, lost, "have its newest file land again" if damage.file and not damage.file.values else "")


def _is_copied(damage: Damage) -> bool:
    """Whether it is a checkpoint, or what names one: the entries say the same."""
    return "checkpoint" in damage.path


def _mend(settings: Settings, found: Sequence[Finding], *, named: Sequence[str]) -> None:
    """Set aside what is damaged, table by table, and make it again from what lies below, as a backfill does."""
    from assay.cli.running import run_backfill
    from assay.lake.checking import damage_of

    touched = list[str]()
    for table in dict.fromkeys(one.table for one in found):
        mine, (layer, _, dataset) = [one for one in found if one.table == table], table.partition("/")
        if left := [one for one in mine if one.by_hand or (one.lost and table not in named)]:
            typer.echo(f"{table}: left as it is: {left[0].by_hand or f'name it, to lose {left[0].lost}'}.", err=True)
            continue
        let_go = any(one.lost for one in mine) or layer not in MADE_BY
        if not _mended(settings, table, [one.damage for one in mine], let_go=let_go):
            continue
        touched += [f"{one}/{dataset}" for one in MADE_BY.get(layer, ())]
    if keys := _assets(settings, touched):
        run_backfill(settings, None, None, select=" or ".join(f'key:"{key}"' for key in keys), force=False)
    for table in [name for name in dict.fromkeys(one.table for one in found) if name.partition("/")[0] in BESIDE]:
        _mended(settings, table, damage_of(settings.lake, table), let_go=True, quiet=True)  # what nobody sees any more


def _mended(settings: Settings, table: str, damages: Sequence[Damage], *, let_go: bool, quiet: bool = False) -> bool:
    """Set aside what is damaged of a table, and say so; False for one of a newer format, which is left as it is."""
    from assay.lake.mending import mend

    try:
        done = mend(settings.lake, table, damages, let_go=let_go)
    except FormatNewer as error:
        typer.echo(f"{table}: left as it is: {visible(str(error))}", err=True)
        return False
    for said in () if quiet else done:
        typer.echo(f"{table}: {visible(said)}.")
    return True


def _assets(settings: Settings, tables: Sequence[str]) -> list[str]:
    """The tables of some that the product can make."""
    from assay.cli.product import contracts_folder
    from assay.contracts.reading.odcs import sound_product

    product = sound_product(contracts_folder(settings))[0]
    known = {f"{layer}/{name}" for layer in ("bronze", "silver") for name in product.datasets} | {f"gold/{name}" for name in product.models}
    return [one for one in dict.fromkeys(tables) if one in known]
