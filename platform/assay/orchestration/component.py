"""A Dagster component for projects that are there already: contracts and gold models as assets, beside whatever else a project has.

Everything is said by its attributes, in a `defs.yaml`; no environment variable is read. Dagster's instance is the project's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import dagster as dg
from dagster.components.scaffold.scaffold import scaffold_with

from assay.errors import SettingsError
from assay.orchestration.build import assemble
from assay.orchestration.lake_scaffolder import LakeScaffolder
from assay.orchestration.naming import Naming
from assay.permissions import keep_private
from assay.settings import SecretReference, Settings, refuse_misread

if TYPE_CHECKING:
    from pathlib import Path


@scaffold_with(LakeScaffolder)
class LakeComponent(dg.Component, dg.Resolvable, dg.Model):
    """Bronze, silver and gold of the contracts in a folder: nothing is published until it is assayed.

    Paths are relative to the folder of the `defs.yaml`; `{{ project_root }}` is the project's. Names of datasets and models are those of
    the contracts, so two lakes of one code location have different ones.
    """

    contracts: Annotated[str, dg.Resolver.default(description="The folder of the contracts.", examples=["contracts"])]
    home: Annotated[
        str,
        dg.Resolver.default(description="The folder of landing files, tables and masking keys.", examples=["{{ project_root }}/.assay"]),
    ]
    dbt_project: Annotated[
        str | None, dg.Resolver.default(description="The dbt project of the gold models; none: no gold.", examples=["dbt_project"])
    ] = None
    name: Annotated[
        str | None,
        dg.Resolver.default(description="What jobs and sensors are called by; default: the folder of the `defs.yaml`.", examples=["lake"]),
    ] = None
    landing: Annotated[str | None, dg.Resolver.default(description="Where files land; default: `landing` in the home.")] = None
    masking_keys: Annotated[
        str | None,
        dg.Resolver.default(description="Where the masking keys are, env:NAME or file:/path; default: a file in the home."),
    ] = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets, checks, jobs, sensors and schedules. What of the contracts is not sound is left out, and told in the log.

        Raises SettingsError for a folder that is not there, or a reference to keys that is none.
        """
        folder = context.path if context.path.is_dir() else context.path.parent
        settings, contracts = self.settings(folder), self.contracts_in(folder)
        keep_private(settings)
        assembly = assemble(settings, contracts, Naming(self.name or folder.name))
        for one in assembly.left_out:
            dg.get_dagster_logger("assay").error(str(one))
        return assembly.definitions

    def contracts_in(self, folder: Path) -> Path:
        """The folder of the contracts, of a component whose `defs.yaml` lies in a folder. Raises SettingsError if it is not there."""
        return _existing(folder, self.contracts, "contracts")

    def settings(self, folder: Path) -> Settings:
        """What the attributes of a component say, whose `defs.yaml` lies in a folder. Raises SettingsError."""
        home = (folder / self.home).expanduser().resolve()
        refuse_misread(home)
        return Settings(
            home=home,
            dbt_project=_existing(folder, self.dbt_project, "dbt_project") if self.dbt_project else home / "no_dbt_project",
            contracts=self.contracts_in(folder),
            masking=SecretReference.parse(self.masking_keys, "masking_keys") if self.masking_keys else None,
            landing_folder=(folder / self.landing).expanduser().resolve() if self.landing else None,
            project=None,
        )


def _existing(folder: Path, said: str, attribute: str) -> Path:
    found = (folder / said).expanduser().resolve()
    if not found.is_dir():
        raise SettingsError(
            f"`{attribute}` of {folder / 'defs.yaml'} is {said!r}; there is no folder {found}.", hint="Make it, or correct the path."
        )
    return found
