"""What dagster-dbt says of the models: descriptions with their SQL, and tags, translated once per state of the dbt project.

Importing dagster-dbt brings dbt with it, 1.2 CPU seconds in every process that loads the code location: webserver, daemon, each run. What
it makes of a manifest only changes with the manifest, so it is kept beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assay.lake.durable import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.gold.step import Project

FILE = "dagster.json"
KINDS = "dagster/kind/"  # said by the asset itself


def catalogue(project: Project) -> Mapping[str, Mapping[str, Any]]:
    """For each model, by its unique id: `description` and `tags`, as dagster-dbt shows them."""
    kept = project.manifest.with_name(FILE)
    if not kept.exists():
        replace_file(kept, json.dumps(_translate(project)).encode())  # at once: other processes may be loading the code location
    found: Mapping[str, Mapping[str, Any]] = json.loads(kept.read_bytes())
    return found


def _translate(project: Project) -> dict[str, dict[str, Any]]:
    from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

    class Words(DagsterDbtTranslator):
        """Owners are said by the contract: one that Dagster refuses would leave all models without words."""

        def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> None:  # noqa: ARG002  # the hook's argument
            return None

    translator = Words(settings=DagsterDbtTranslatorSettings(enable_asset_checks=False))
    manifest = json.loads(project.manifest.read_bytes())
    models = [unique_id for unique_id, node in manifest["nodes"].items() if node["resource_type"] == "model"]
    specs = {unique_id: translator.get_asset_spec(manifest, unique_id, None) for unique_id in models}
    return {
        unique_id: {"description": spec.description, "tags": {key: value for key, value in spec.tags.items() if not key.startswith(KINDS)}}
        for unique_id, spec in specs.items()
    }
