"""`assay create`: a project of the user's own around one drafted contract, in a folder that appears whole or not at all."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import typer

from assay.cli.compiling import compiled_files
from assay.cli.drafting import draft_dataset, print_draft
from assay.contracts.language.file_names import arrival_names
from assay.contracts.reading.odcs import load_product
from assay.errors import SettingsError
from assay.ingest.formats.content import PACKINGS
from assay.ingest.writing import name_for
from assay.permissions import as_elsewhere
from assay.project_root import DBT_PROJECT, HOME
from assay.scaffold.engine import LOCK, WHEELS, installed_engine, shared
from assay.scaffold.first_model import first_model
from assay.scaffold.folders import whole_folder, write_dbt_project
from assay.scaffold.project import Words, project_files, require_name

if TYPE_CHECKING:
    from assay.cli.drafting import Drafted
    from assay.contracts.model.landing_source import LandingSource

SAMPLES = "samples"
ROWS = 100_000
BEGINNING = re.compile(r"[A-Za-z]+(_+[A-Za-z]+)*")


def create_project(name: str, sample: Path, *, dataset: str | None, owner: str | None, folder: Path, event_time: str | None) -> Path:
    """Make the project `folder/name`, and say what to do next. Returns its folder.

    Raises SettingsError for a name that no package can have, a folder that is there and not empty, or no owner; DraftImpossible.
    """
    require_name(name)
    target = folder.resolve() / name
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SettingsError(f"{target} is there already.", hint="Choose another name, or another folder with --in: nothing was changed.")
    engine, dataset = installed_engine(), dataset or _dataset_of(sample)
    drafted = draft_dataset(dataset, sample, owner=owner, rows=ROWS, event_time=event_time)
    with as_elsewhere(), whole_folder(target) as fresh:
        source, model = _write_product(fresh, name, dataset, drafted)
        landed = fresh / SAMPLES / _landing_name(source, sample)
        landed.parent.mkdir(parents=True)
        shutil.copyfile(sample, landed)
        private = (f"{SAMPLES}/",) if drafted.draft.personal else ()
        _write_around(fresh, Words(name, dataset, model, engine.requirement, private), engine.wheel)
    print_draft(target / "platform" / name / "contracts" / f"{dataset}.odcs.yaml", drafted, target / HOME / "landing")
    if drafted.draft.personal:
        typer.echo(f"git leaves {SAMPLES}/ out, because the sample looks personal; where it is not, the tests are skipped.")
    typer.echo("Next:")
    for command in (f"cd {target}", "make run", "make test"):
        typer.echo(f"  {command}")
    return target


def _write_product(project: Path, name: str, dataset: str, drafted: Drafted) -> tuple[LandingSource, str]:
    """Write the contracts and the dbt project. Returns where files land, and the name of the first model."""
    contracts, dbt = project / "platform" / name / "contracts", project / DBT_PROJECT
    (contracts / "gold").mkdir(parents=True)
    (contracts / f"{dataset}.odcs.yaml").write_text(drafted.draft.text, encoding="utf-8")
    contract = load_product(contracts).datasets[dataset]
    model = first_model(contract)
    (contracts / "gold" / f"{model.name}.odcs.yaml").write_text(model.contract, encoding="utf-8")
    write_dbt_project(dbt)
    (dbt / "models" / "gold").mkdir()
    (dbt / "models" / "gold" / f"{model.name}.sql").write_text(model.sql, encoding="utf-8")
    for path, text in compiled_files(dbt, load_product(contracts)).items():
        path.write_text(text, encoding="utf-8")
    return contract.source, model.name


def _write_around(project: Path, words: Words, wheel: Path | None) -> None:
    """Write everything else, and take along what the engine was installed from."""
    for place, text in project_files(words):
        (project / place).parent.mkdir(parents=True, exist_ok=True)
        (project / place).write_text(text, encoding="utf-8")
    shutil.copyfile(shared(LOCK), project / LOCK)
    if wheel is not None:
        (project / WHEELS).mkdir()
        shutil.copy(wheel, project / WHEELS)


def _dataset_of(sample: Path) -> str:
    found = BEGINNING.match(sample.name)
    if found is None:
        raise SettingsError(f"The name of {sample.name} does not begin with that of a dataset.", hint="Give --dataset.")
    return found.group().lower()


def _landing_name(source: LandingSource, sample: Path) -> str:
    """Where the sample lands: under its own name if that tells when it arrived, else under one that says today (UTC)."""
    own = str(PurePosixPath(source.path).parent / sample.name)
    if arrival_names(source.path).moment(own) is not None:
        return own
    return name_for(source, datetime.now(UTC).date()) + (sample.suffix if sample.suffix.lower() in PACKINGS else "")
