"""What of a product is sound: a contract, dataset or model that cannot be had is left out by name, and everything else goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, TypeVar

import dagster as dg

from assay.contracts.reading.odcs import sound_product
from assay.errors import AssayError
from assay.gold.calendars import calendars_of
from assay.gold.dbt_runner import DbtFailed
from assay.gold.models import Model, described_models
from assay.gold.parsed import parse_sound
from assay.gold.project_files import unruled
from assay.gold.staged import model_schema
from assay.gold.step import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from assay.contracts.documents.known_good import KnownGood
    from assay.contracts.model.contract import Contract
    from assay.contracts.model.gold_contract import ProductContracts
    from assay.gold.parsed import Parsed
    from assay.settings import Settings

Made = TypeVar("Made")
TIMELESS = "eventTime: {column: none} in its contract to build it whole"
CANNOT_BE_MADE = (AssayError, dg.DagsterError, ImportError, ValueError, OverflowError)  # of one dataset or model, in whoever's words


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that has no assets: what it is (a contract's file, a dataset, a model, the dbt project), and why."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} is left out: {self.why}"


def sound_contracts(folder: Path, good: KnownGood | None = None) -> tuple[ProductContracts, list[LeftOut]]:
    """The contracts of a folder without faults, but for those whose rules refer in a circle. What is `good` is not validated again."""
    product, findings = sound_product(folder, good)
    by_file: dict[Path, list[str]] = {}
    for finding in findings:
        by_file.setdefault(finding.file, []).append(str(finding.error()))
    left = [
        LeftOut(path.relative_to(folder).as_posix(), said[0] + (f" ({len(said) - 1} more faults)" if said[1:] else ""))
        for path, said in by_file.items()
    ]
    turning = in_circles(product.datasets)
    left += [LeftOut(f"dataset {name}", f"{why}.") for name, why in turning.items()]
    return replace(product, datasets={name: contract for name, contract in product.datasets.items() if name not in turning}), left


def in_circles(contracts: Mapping[str, Contract]) -> dict[str, str]:
    """The datasets that none can be built before the others, and which circle each is in. What is not in one can be put in order."""
    found = dict[str, str]()
    while circle := _circle({name: contract for name, contract in contracts.items() if name not in found}):
        found |= dict.fromkeys(circle, f"its reference rules go in a circle: {' -> '.join(circle)}")
    return found


def _circle(contracts: Mapping[str, Contract]) -> list[str]:
    try:
        TopologicalSorter({name: contract.upstream for name, contract in contracts.items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def sound_project(settings: Settings, product: ProductContracts, left: list[LeftOut]) -> Project:
    """The dbt project with the models that can be built; the others, and what reads them, are added to `left`.

    `product` has the sound contracts only.
    """
    nothing = Project(settings.dbt_project, settings.dbt_project, (), settings.scratch)
    if not product.models and not settings.dbt_project.exists():
        return nothing  # a product without gold needs none, and `assay contracts compile` has not made it yet
    try:
        parsed = parse_sound(settings.dbt_project)
    except DbtFailed as error:
        left.append(LeftOut("the dbt project", str(error)))
        return nothing
    models, undescribed = described_models(parsed.manifest)
    names = {model.name for model in models} | undescribed.keys()
    problems = undescribed | unruled(names, models, product) | _at_fault(parsed, names, left)
    calendars, sound = calendars_of(models, product.datasets), list[Model]()
    for model in models:
        if model.name not in problems and (why := _why_not(model, calendars.keys(), product, {one.table for one in sound})):
            problems[model.name] = why
        if model.name not in problems:
            sound.append(replace(model, retention=product.models[model.name].retention))
    left += [LeftOut(f"model {name}", why) for name, why in problems.items()]
    return Project(settings.dbt_project, parsed.manifest, tuple(sound), settings.scratch)


def _at_fault(parsed: Parsed, models: Collection[str], left: list[LeftOut]) -> dict[str, str]:
    """Why some models are not as promised, by name. A fault that concerns no model is added to `left`, by its file."""
    found: dict[str, str] = {}
    for fault in parsed.faults:
        concerned = [name for name in fault.models if name in models]
        for name in concerned:
            found.setdefault(name, str(fault))
        if not concerned:
            left.append(LeftOut(f"{fault.file}:{fault.line}", fault.why))
    return found


def _why_not(model: Model, dated: Collection[str], product: ProductContracts, sound: Collection[str]) -> str | None:
    """Why a described model cannot be built from the datasets and models that are there."""
    known = {f"silver/{name}" for name in product.datasets} | set(sound)
    if missing := [table for table in model.reads if table not in known]:
        return f"it reads {missing[0]}, which is not there or left out."
    parted = [table for table in model.reads if table in dated]
    if model.is_whole and parted:
        return f"it has no event time, but reads {parted[0]}, which has partitions: name the column whose month is a row's."
    if not model.is_whole and not parted:
        return f"it reads no table with partitions ({', '.join(model.reads) or 'nothing'}), so there are no months: say {TIMELESS}."
    try:
        model_schema(model)
    except AssayError as error:
        return str(error)
    return None


def each(makers: Mapping[str, Callable[[], Made]], left: list[LeftOut]) -> Iterator[tuple[str, Made]]:
    """Make what can be made, by name; what cannot is added to `left`."""
    for name, make in makers.items():
        try:
            yield name, make()
        except CANNOT_BE_MADE as error:
            left.append(LeftOut(name, " ".join(str(error).split()) or type(error).__name__))
