"""What became of a build: of each model and test, and why one failed, in words that quote nobody.

What dbt keeps of a failing test is its number of rows, so its query is run once more for some of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.gold.models import judged_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from assay.masking.messages import Discretion

PASSING = {"success", "pass", "no-op"}
SKIPPED = "skipped"  # dbt's word for what it did not run because something upstream failed
EXAMPLES = 3
BROKEN = "broken_rules"  # the column in which a compiled test names the rules that a row breaks


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


def results_of(results: Sequence[Any], database: Path, discretion: Discretion) -> Iterator[NodeResult]:
    """The results of dbt, in its order; `database` is what was built."""
    for result in results:
        node, passed = result.node, str(result.status) in PASSING
        test = node.resource_type == "test"
        judged = judged_model(getattr(node, "attached_node", None), node.config.meta, node.depends_on.nodes) if test else None
        message, broken = "" if passed else discretion.words(str(result.message or "")), dict[str, int]()
        if test and result.failures and message:
            examples, broken = _examples(database, node.compiled_code, discretion)
            message = f"{message}\n{examples}"
        yield NodeResult(
            unique_id=node.unique_id, name=node.name, kind="test" if test else "model",
            model=judged, passed=passed, severity=node.config.severity.lower() if test else "error",
            failures=int(result.failures or 0), message=message, seconds=result.execution_time,
            rows=None if test else result.adapter_response.get("rows_affected"), broken=broken, ran=str(result.status) != SKIPPED,
        )  # fmt: skip


def _examples(database: Path, query: str, discretion: Discretion) -> tuple[str, dict[str, int]]:
    """Some of the rows that broke a test, one per line, and how many break each rule of a contract.

    The test's SQL is run once more: dbt keeps only their number.
    """
    import duckdb

    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(query)
        names = [column[0] for column in rows.description]
        examples = "\n".join(discretion.row(dict(zip(names, row, strict=True))) for row in rows.fetchmany(EXAMPLES))
        if BROKEN not in names:
            return examples, {}
        return examples, dict(connection.execute(f"SELECT unnest({BROKEN}) AS rule, count(*) FROM ({query}) GROUP BY 1").fetchall())  # noqa: S608  # dbt's own
