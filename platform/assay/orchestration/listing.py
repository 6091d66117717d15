"""What the UI's first page needs to list a run that was executed in its caller's process: the code location that the run belongs to.

The page leaves out runs without an origin, which Dagster gives only to runs that its daemon or webserver launched.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping

LABEL_TAG = ".dagster/repository"  # Dagster's own, by which the UI filters: repository@location
RETRIES_TAG = "dagster/max_retries"
REPOSITORY = "__repository__"  # what Dagster calls the definitions of a location


def label(location: str) -> Mapping[str, str]:
    """The tags of a run that belongs to a code location and is its caller's: with an origin the daemon would start it again if it dies."""
    return {LABEL_TAG: f"{REPOSITORY}@{location}", RETRIES_TAG: "0"} if location else {}


def list_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Give a run that has the label of a code location its origin there, unless it has one."""
    now = instance.get_run_by_id(run.run_id) if LABEL_TAG in run.tags and run.remote_job_origin is None else None
    if now is None or now.remote_job_origin is not None:
        return
    repository, _, location = now.tags[LABEL_TAG].partition("@")
    origin = {
        "__class__": "ExternalPipelineOrigin",
        "external_repository_origin": {
            "__class__": "ExternalRepositoryOrigin",
            "repository_location_origin": {"__class__": "RegisteredRepositoryLocationOrigin", "location_name": location},
            "repository_name": repository,
        },
        "pipeline_name": now.job_name,
    }
    found: Any = dg.deserialize_value(json.dumps(origin))  # by its stored form: the classes themselves are private to Dagster
    instance.run_storage.replace_job_origin(now, found)
