"""Kinds of dbt nodes: of what dbt can make, Assay builds models in windows. The others are refused by name, before anything is built.

A seed, a snapshot or a model of another materialization lives in a database from run to run. A build of gold has none that stays: it is
made from pinned versions of the lake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.errors import PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEPT_BY_DBT = ("seed", "snapshot")


class ModelNotBuilt(PermanentFailure):
    """A gold model needs what a build of gold does not have."""

    hint = "docs/gold.md says what a model may be."


def materialization_of(node: Mapping[str, Any]) -> str:
    """The macro of the project that builds a model, by its id in the manifest."""
    return f"macro.{node['package_name']}.materialization_{node['config']['materialized']}_duckdb"


def refuse_unbuildable(model: Mapping[str, Any], tests: Iterable[str], content: Mapping[str, Any]) -> None:
    """Raise ModelNotBuilt for a model that is not built in windows, or that reads, itself or in a test of `tests`, what dbt keeps."""
    if materialization_of(model) not in content["macros"]:
        kind = model["config"]["materialized"]
        raise ModelNotBuilt(
            f"Tried to read the gold model {model['name']}; it is materialized as {kind!r}. A build of gold has no database that stays:"
            " leave its materialization to `dbt_project.yml`, which says lake_window."
        )
    for reader in (model, *(content["nodes"][uid] for uid in tests)):
        for parent in (content["nodes"].get(uid) for uid in reader["depends_on"]["nodes"]):
            if parent is not None and parent["resource_type"] in KEPT_BY_DBT:
                who = "it" if reader is model else f"its test {reader['name']}"
                raise ModelNotBuilt(
                    f"Tried to read the gold model {model['name']}; {who} reads the {parent['resource_type']} {parent['name']}, which"
                    " Assay does not build. Let its rows land as a dataset with a contract, and read silver."
                )
