"""What the engine knows of the gold models: read from dbt's manifest, as plain JSON, without importing dbt.

A model says by its `meta.assay` how it is partitioned and how far it reads, so nothing in the engine knows a model by name. Running dbt is
`dbt_runner.py`, reading what it built is `staged.py`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.errors import PermanentFailure
from assay.gold.kinds import ModelNotBuilt, materialization_of, refuse_unbuildable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import timedelta
    from pathlib import Path

LAYER = "gold"
COMPILED = {"unique_grain", "rows_satisfy", "months_satisfy", "refers_to"}  # the generic tests that `properties` writes


class ModelNotDescribed(PermanentFailure):
    """A gold model lacks what the engine must know to publish it."""

    hint = "`assay contracts compile` writes the model's .yml from its contract: gold/<model>.odcs.yaml in the folder of the contracts."


class ModelUnknown(PermanentFailure):
    """The manifest has no such model."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the model's contract declares it."""

    name: str
    data_type: str
    description: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class ModelTest:
    """A dbt test; `model` is the name of the one that it judges, None when that is not a single one.

    `compiled` says that it judges rules of the model's contract, under their names.
    """

    unique_id: str
    name: str
    model: str | None
    severity: str
    description: str
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A gold model. `reads` are the tables that it is made from (`silver/flights`, `gold/x`), `depends_on` also what its tests look into.

    A partition is the month of `event_time`. To build a window, rows from `lookback_days` before it to `lookahead_days` after it are read.
    Without either the table has no partitions: it is built whole, from reference data.
    `code_version` changes with the model's SQL, its properties, its rules (`promises`) and the project's macros that it uses, and with
    nothing else. `retention` is what its contract says: the manifest does not know it.
    """

    name: str
    unique_id: str
    description: str
    columns: tuple[Column, ...]
    owner: Mapping[str, str]
    partition_by: str | None
    event_time: str | None
    key: tuple[str, ...]
    lookback_days: int
    lookahead_days: int
    depends_on: tuple[str, ...]
    tests: tuple[ModelTest, ...]
    code_version: str
    promises: str = ""
    contract_version: str = ""
    reads: tuple[str, ...] = ()
    retention: timedelta | None = None

    @property
    def table(self) -> str:
        """The name of its table in the lake."""
        return f"{LAYER}/{self.name}"

    @property
    def is_whole(self) -> bool:
        """Whether its table has no partitions."""
        return self.partition_by is None


def read_models(manifest: Path) -> tuple[Model, ...]:
    """Read every model of the project from target/manifest.json, upstream before downstream.

    Raises ModelNotDescribed when a model does not tell the engine what it needs, or needs what a build does not have.
    """
    found, problems = _described(manifest)
    for problem in problems.values():
        raise problem
    return found


def described_models(manifest: Path) -> tuple[tuple[Model, ...], dict[str, str]]:
    """The models that tell the engine what it needs, upstream before downstream, and for the others why they do not, by name."""
    found, problems = _described(manifest)
    return found, {name: problem.message for name, problem in problems.items()}


def _described(manifest: Path) -> tuple[tuple[Model, ...], dict[str, PermanentFailure]]:
    content = json.loads(manifest.read_bytes())
    nodes = {uid: node for uid, node in content["nodes"].items() if node["resource_type"] == "model"}
    tests = [_test(node) for node in content["nodes"].values() if node["resource_type"] == "test"]
    found, problems = list[Model](), dict[str, PermanentFailure]()
    for uid in _in_order(nodes):
        try:
            found.append(_model(nodes[uid], content, tests))
        except (ModelNotDescribed, ModelNotBuilt) as error:
            problems[nodes[uid]["name"]] = error
    return tuple(found), problems


def pick(models: Iterable[Model], name: str) -> Model:
    """Find a model by name. Raises ModelUnknown with the choices."""
    known = {model.name: model for model in models}
    if name not in known:
        raise ModelUnknown(f"Tried to find the gold model {name!r}; the manifest has {', '.join(sorted(known))}.")
    return known[name]


def _model(node: dict[str, Any], content: dict[str, Any], tests: list[ModelTest]) -> Model:
    meta = node["config"]["meta"]
    judging = sorted((test for test in tests if test.model == node["name"]), key=lambda test: test.name)
    refuse_unbuildable(node, [test.unique_id for test in judging], content)
    try:
        facts, owner = meta["assay"], meta["owner"]
        return Model(
            name=node["name"], unique_id=node["unique_id"], description=node["description"].strip(),
            columns=tuple(_column(column) for column in node["columns"].values()),
            owner=dict(owner), partition_by=facts["partition_by"], event_time=facts["event_time"], key=tuple(facts["key"]),
            lookback_days=int(facts.get("lookback_days", 0)), lookahead_days=int(facts.get("lookahead_days", 0)),
            depends_on=tuple(dict.fromkeys(_tables([node, *(content["nodes"][test.unique_id] for test in judging)], node, content))),
            tests=tuple(judging),
            code_version=_code_version(node, content), promises=facts.get("promises", ""),
            contract_version=meta.get("contract", {}).get("version", ""), reads=tuple(dict.fromkeys(_tables([node], node, content))),
        )  # fmt: skip
    except KeyError as missing:
        raise ModelNotDescribed(f"Tried to read the gold model {node['name']}; its meta does not give {missing}.") from missing


def _column(column: dict[str, Any]) -> Column:
    required = any(constraint["type"] == "not_null" for constraint in column["constraints"])
    return Column(column["name"], column["data_type"] or "", column["description"], nullable=not required)


def _test(node: dict[str, Any]) -> ModelTest:
    config = node["config"]
    is_compiled = node.get("test_metadata", {}).get("name") in COMPILED
    judged = judged_model(node.get("attached_node"), config["meta"], node["depends_on"]["nodes"])
    return ModelTest(node["unique_id"], node["name"], judged, config["severity"].lower(), node.get("description", "").strip(), is_compiled)


def judged_model(attached: str | None, meta: Mapping[str, Any], parents: Iterable[str]) -> str | None:
    """Name the model that a test judges: the one it is attached to, else the one its `meta.assay.model` names, else its only parent."""
    if not attached and (named := meta.get("assay", {}).get("model")):
        return str(named)
    models = [attached] if attached else [uid for uid in parents if uid.startswith("model.")]
    return models[0].split(".")[2] if len(models) == 1 else None


def _tables(readers: Iterable[dict[str, Any]], model: dict[str, Any], content: dict[str, Any]) -> Iterator[str]:
    """What a model and its tests read; of the tests only sources, for their other models are made later or not at all."""
    for node, uid in ((one, parent) for one in readers for parent in one["depends_on"]["nodes"]):
        if uid in content["sources"]:
            source = content["sources"][uid]
            yield "/".join(source["config"]["meta"].get("dagster", {}).get("asset_key", (source["source_name"], source["name"])))
        elif uid in content["nodes"] and node is model:
            yield f"{LAYER}/{content['nodes'][uid]['name']}"


def _code_version(node: dict[str, Any], content: dict[str, Any]) -> str:
    """A digest of what decides the rows: SQL, properties and own macros (dbt's own are pinned with dbt)."""
    macros = content["macros"]
    used, todo = set[str](), list(node["depends_on"]["macros"])
    while todo:
        uid = todo.pop()
        if uid in macros and uid not in used and macros[uid]["package_name"] == node["package_name"]:
            used.add(uid)
            todo.extend(macros[uid]["depends_on"]["macros"])
    used |= {materialization_of(node)} & macros.keys()
    columns = [[column["name"], column["data_type"], column["constraints"]] for column in node["columns"].values()]
    parts = [node["raw_code"], columns, node["config"]["meta"].get("assay"), [macros[uid]["macro_sql"] for uid in sorted(used)]]
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=8).hexdigest()


def _in_order(nodes: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Unique ids, each after those it depends on; alphabetical where there is a choice."""
    done, todo = set[str](), sorted(nodes)
    while todo:
        ready = [uid for uid in todo if not (set(nodes[uid]["depends_on"]["nodes"]) & nodes.keys()) - done]
        yield from ready
        done.update(ready)
        if not ready:
            raise ModelNotDescribed(
                f"Tried to order {', '.join(nodes[uid]['name'] for uid in todo)}; some of them read each other in a circle."
            )
        todo = [uid for uid in todo if uid not in done]
