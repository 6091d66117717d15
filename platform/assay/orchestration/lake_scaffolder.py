"""What `dg scaffold defs assay.LakeComponent NAME` writes: a `defs.yaml`, a folder for contracts, and a home beside the project's code."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
from dagster.components.component_scaffolding import scaffold_component
from pydantic import BaseModel, Field

HOME = "{{ project_root }}/.assay"


class LakeParameters(BaseModel):
    """What may be said when a lake is scaffolded."""

    contracts: str | None = Field(default=None, description="A folder of contracts that is there already; default: a new one.")
    dbt_project: str | None = Field(default=None, description="The dbt project of the gold models.")
    home: str = Field(default=HOME, description="The folder of landing files, tables and masking keys.")


class LakeScaffolder(dg.Scaffolder[LakeParameters]):
    """Writes the files of a component."""

    @classmethod
    def get_scaffold_params(cls) -> type[LakeParameters]:
        """What may be said."""
        return LakeParameters

    def scaffold(self, request: dg.ScaffoldRequest[LakeParameters]) -> None:
        """Write a `defs.yaml`, and the folder of the contracts unless one was named."""
        said = request.params or LakeParameters()
        attributes = {"contracts": _below(request, said.contracts) if said.contracts else "contracts", "home": said.home}
        if said.dbt_project:
            attributes["dbt_project"] = _below(request, said.dbt_project)
        if not said.contracts:
            (request.target_path / "contracts").mkdir(parents=True, exist_ok=True)
        scaffold_component(request, attributes)


def _below(request: dg.ScaffoldRequest[LakeParameters], folder: str) -> str:
    """A folder that is named from where the command works, as one of the project."""
    root = request.project_root or Path.cwd()
    return f"{{{{ project_root }}}}/{os.path.relpath(Path(folder).resolve(), root)}"
