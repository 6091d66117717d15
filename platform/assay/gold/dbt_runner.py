"""Runs dbt in this process: a project parsed once, each build in a database of its own, its tests before anything is published.

dbt keeps global state (flags, event manager, adapters), so one build runs at a time in a process; `dbt_process` gives it one. Everything
a build needs is passed by --vars, which `profiles.yml` reads: nothing is written to os.environ. Nothing here writes to the lake.
"""

from __future__ import annotations

import json
import threading
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from assay.errors import PermanentFailure
from assay.gold.dbt_results import BuildResult, results_of
from assay.gold.pins import dump
from assay.gold.undefined import circle_of, undefined
from assay.lake.workplaces import helping
from assay.masking.messages import Discretion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from dbt.contracts.graph.manifest import Manifest

    from assay.gold.faults import Fault

QUIET = (
    "--quiet", "--log-level", "none", "--log-level-file", "info", "--no-use-colors", "--no-print",
    "--no-version-check", "--no-send-anonymous-usage-stats",
)  # fmt: skip
ONE_AT_A_TIME = threading.Lock()
NOBODYS = Discretion()


class DbtFailed(PermanentFailure):
    """dbt could not start or parse: no model was built."""

    hint = "Run `dbt build` in the dbt project to see the whole message. Nothing was published."


def parse(project: Path, target: Path) -> list[Fault]:
    """Parse into `target`: the manifest as JSON and in dbt's own form. Returns the faults that dbt lets pass. Raises DbtFailed."""
    result = _invoke(["parse", *QUIET, *_places(project, target, target), "--target", "assay"], None)
    if not result.success:
        raise DbtFailed(f"Tried to parse {project}; {result.exception}.")
    manifest = json.loads((target / "manifest.json").read_bytes())
    if found := circle_of(manifest):
        raise DbtFailed(f"Tried to parse {project}; {found}.")
    return undefined(project, manifest)


def import_engine() -> None:
    """Import what a build needs, for whoever has time before it begins: dbt and DuckDB load half of it only when a build begins."""
    import dbt.adapters.duckdb.environments.local
    import dbt.cli.main
    import dbt.contracts.graph.manifest
    import dbt.task.build  # noqa: F401
    import dbt_common.clients.agate_helper  # noqa: F401  # reads the number formats of a locale
    import deltalake  # noqa: F401
    import polars  # noqa: F401, ICN001
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401

    import assay.gold.dbt_plugin  # noqa: F401


def warm_up(project: Path, manifest: Path) -> None:
    """List a project once and forget it: dbt compiles its own schemas in its first command of a process, which takes 2 CPU s.

    It may be killed at any time: all that it leaves is a log, always the same one.
    """
    import_engine()
    scratch = manifest.with_name("warm-up")
    _invoke(["list", *QUIET, *_places(project, scratch, scratch), "--target", "assay", "--select", "config.enabled:false"], manifest)


def compile_models(project: Path, manifest: Path) -> dict[str, str]:
    """Render the SQL of every model and test for a month, without a lake: unique id -> SQL.

    A model that asks the lake while it is rendered is not in it; one such fails dbt as a whole, so then each is rendered by itself. Raises
    DbtFailed when none can be rendered.
    """
    problem, found = _compile(project, manifest)
    if problem is None:
        return found
    nodes = json.loads(manifest.read_bytes())["nodes"].values()
    for name in [node["name"] for node in nodes if node["resource_type"] in {"model", "test"}]:
        found |= _compile(project, manifest, "--select", name)[1]
    if not found:
        raise DbtFailed(f"Tried to compile {project}; {problem}.")
    return found


def _compile(project: Path, manifest: Path, *selected: str) -> tuple[BaseException | None, dict[str, str]]:
    month = {"window_start": "2000-01-01", "window_end": "2000-02-01"}
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # after an error dbt's threads still write their last node
        scratch = Path(folder)
        given = json.dumps(month | {"assay_scratch": folder})
        arguments = [
            "compile", *QUIET, *_places(project, scratch / "target", scratch), "--target", "assay", "--vars", given, "--no-write-json",
            "--no-partial-parse", "--no-populate-cache", "--no-introspect", *selected,
        ]  # fmt: skip
        result = _invoke(arguments, manifest)
    nodes = [one.node for one in result.result.results] if result.result else []
    return result.exception, {node.unique_id: node.compiled_code for node in nodes if node.compiled_code}


def build(
    project: Path,
    *,
    manifest: Path,
    models: Sequence[str],
    window: tuple[date, date] | None,
    pins: Mapping[str, int],
    replaced: Mapping[str, Collection[str]] | None = None,
    lake: Path,
    scratch: Path,
    threads: int = 2,
    discretion: Discretion = NOBODYS,
) -> BuildResult:
    """Build and test `models` for a window [start, end) of whole months, or whole without one, on the table versions in `pins`.

    `manifest` comes from `parse`; `pins` maps tables (`silver/flights`, of `gold/x` what is published) to versions; of the partitions in
    `replaced` nothing is read. A new folder under `scratch`, a workplace, gets the database, the logs and the compiled SQL; the caller
    removes it. `threads` are DuckDB's: dbt runs one node after the other. `discretion` says what messages may not quote. A failing model
    or test is a result, not an exception; DbtFailed is raised when dbt could run none.
    """
    folder = scratch / f"gold-{uuid.uuid4().hex[:12]}"
    folder.mkdir(parents=True)
    given = dict(zip(("window_start", "window_end"), map(str, window), strict=True)) if window else {}
    given |= {
        "assay_lake": str(lake),
        "assay_pins": dump(pins, replaced or {}),
        "assay_scratch": str(folder),
        "assay_threads": str(threads),
    }
    arguments = [
        "build", *QUIET, *_places(project, folder / "target", folder), "--target", "assay", "--vars", json.dumps(given),
        "--no-write-json", "--no-partial-parse", "--no-populate-cache", "--exclude-resource-type", "unit_test",
        # a test that also reads models which are not built here would judge them too
        "--indirect-selection", "buildable", "--select", *models,
    ]  # fmt: skip
    with helping(scratch):
        result = _invoke(arguments, manifest)
    if result.result is None:
        raise DbtFailed(f"Tried to build {', '.join(models)}; {discretion.words(str(result.exception))}.")
    return BuildResult(tuple(results_of(result.result.results, folder / "assay.duckdb", discretion)), folder / "assay.duckdb")


def _places(project: Path, target: Path, logs: Path) -> list[str]:
    return ["--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target), "--log-path", str(logs)]


def _invoke(arguments: list[str], manifest: Path | None) -> Any:  # noqa: ANN401  # dbt is imported where it is used
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    with ONE_AT_A_TIME:
        try:
            return dbtRunner(manifest=_load(manifest) if manifest else None).invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # or the file stays locked


def _load(manifest: Path) -> Manifest:
    """Load dbt's own form of the manifest, which lies beside the JSON: the JSON cannot be turned back into all of it."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    loaded: Manifest = Manifest.from_msgpack(manifest.with_name("partial_parse.msgpack").read_bytes(), decoder=extended_mashumuro_decoder)
    loaded.build_flat_graph()  # type: ignore[no-untyped-call]  # dbt's
    return loaded
