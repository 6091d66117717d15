"""Runs dbt in this process: a project parsed once, each build in a database of its own, its tests before anything is published.

dbt keeps global state (flags, event manager, adapters), so one build runs at a time in a process; `dbt_process` gives it one. Everything
a build needs is passed by --vars, which `profiles.yml` reads: nothing is written to os.environ. Nothing here writes to the lake.
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from assay.errors import PermanentFailure
from assay.gold.models import judged_model
from assay.gold.pins import dump
from assay.gold.undefined import circle_of, undefined
from assay.masking.tokens import without_tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from dbt.contracts.graph.manifest import Manifest

    from assay.gold.faults import Fault

PASSING = {"success", "pass", "no-op"}
SKIPPED = "skipped"  # dbt's word for what it did not run because something upstream failed
EXAMPLES = 3
BROKEN = "broken_rules"  # the column in which a compiled test names the rules that a row breaks
QUIET = (
    "--quiet", "--log-level", "none", "--log-level-file", "info", "--no-use-colors", "--no-print",
    "--no-version-check", "--no-send-anonymous-usage-stats",
)  # fmt: skip
ONE_AT_A_TIME = threading.Lock()


class DbtFailed(PermanentFailure):
    """dbt could not start or parse: no model was built."""

    hint = "Run `dbt build` in the dbt project to see the whole message. Nothing was published."


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of one model or test. `model` is the name of the model that a test judges; `rows` are those a model staged.

    `message` says why a node failed: dbt's error, or for a test some of the rows that broke it. `broken` counts those by the rules of the
    contract that they break, if the test is compiled from one. What never `ran`, because something before it failed, did not pass either.
    """

    unique_id: str
    name: str
    kind: str
    model: str | None
    passed: bool
    severity: str
    failures: int
    message: str
    seconds: float
    rows: int | None
    broken: Mapping[str, int] = field(default_factory=dict)
    ran: bool = True


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did, in the order in which it ran; `duckdb_path` holds the staged rows until its folder is removed."""

    nodes: tuple[NodeResult, ...]
    duckdb_path: Path

    def passed(self, model: str | None = None) -> bool:
        """Say whether every model and every test of severity error passed; with `model`, only those that concern it."""
        concerned = [node for node in self.nodes if model in {None, node.name, node.model}]
        return bool(concerned) and all(node.passed or node.severity == "warn" for node in concerned)

    @property
    def failed(self) -> tuple[NodeResult, ...]:
        """The nodes that ran and did not pass, warnings included."""
        return tuple(node for node in self.nodes if node.ran and not node.passed)


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
) -> BuildResult:
    """Build and test `models` for a window [start, end) of whole months, or whole without one, on the table versions in `pins`.

    `manifest` comes from `parse`; `pins` maps tables (`silver/flights`, of `gold/x` what is published) to versions; of the partitions in
    `replaced` nothing is read. A new folder under `scratch` gets database, logs and compiled SQL; the caller removes it. `threads` are
    DuckDB's. A failing model or test is a result, not an exception; DbtFailed is raised when dbt could run none.
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
    result = _invoke(arguments, manifest)
    if result.result is None:
        raise DbtFailed(f"Tried to build {', '.join(models)}; {result.exception}.")
    return BuildResult(tuple(_results(result.result.results, folder / "assay.duckdb")), folder / "assay.duckdb")


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


def _results(results: Sequence[Any], database: Path) -> Iterator[NodeResult]:
    for result in results:
        node, passed = result.node, str(result.status) in PASSING
        test = node.resource_type == "test"
        judged = judged_model(getattr(node, "attached_node", None), node.config.meta, node.depends_on.nodes) if test else None
        message, broken = "" if passed else str(result.message or ""), dict[str, int]()
        if test and result.failures and message:
            examples, broken = _examples(database, node.compiled_code)
            message = f"{message}\n{without_tokens(examples)}"
        yield NodeResult(
            unique_id=node.unique_id, name=node.name, kind="test" if test else "model",
            model=judged, passed=passed, severity=node.config.severity.lower() if test else "error",
            failures=int(result.failures or 0), message=message, seconds=result.execution_time,
            rows=None if test else result.adapter_response.get("rows_affected"), broken=broken, ran=str(result.status) != SKIPPED,
        )  # fmt: skip


def _examples(database: Path, query: str) -> tuple[str, dict[str, int]]:
    """Some of the rows that broke a test, one a line, and how many break each rule: its SQL is run again, dbt keeps only their number."""
    import duckdb

    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(query)
        names = [column[0] for column in rows.description]
        examples = "\n".join(
            ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True) if value is not None)
            for row in rows.fetchmany(EXAMPLES)
        )
        if BROKEN not in names:
            return examples, {}
        return examples, dict(connection.execute(f"SELECT unnest({BROKEN}) AS rule, count(*) FROM ({query}) GROUP BY 1").fetchall())  # noqa: S608  # dbt's own
