"""The gold models as the engine reads them from a manifest, without dbt."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from assay.gold.kinds import ModelNotBuilt
from assay.gold.models import ModelNotDescribed, ModelUnknown, described_models, pick, read_models
from assay.gold.staged import ColumnTypeUnknown, model_schema

if TYPE_CHECKING:
    from pathlib import Path


def model(name: str, *parents: str, code: str = "select 1") -> dict[str, Any]:
    return {
        "resource_type": "model",
        "unique_id": f"model.shop.{name}",
        "name": name,
        "package_name": "shop",
        "description": "Grain: day.",
        "raw_code": code,
        "depends_on": {"nodes": list(parents), "macros": ["macro.shop.window"]},
        "columns": {
            "month": {"name": "month", "data_type": "date", "description": "Month.", "constraints": [{"type": "not_null"}]},
            "day": {"name": "day", "data_type": "date", "description": "Day.", "constraints": [{"type": "not_null"}]},
            "sold_at": {"name": "sold_at", "data_type": "timestamptz", "description": "When (UTC).", "constraints": []},
            "price": {"name": "price", "data_type": "decimal(9,2)", "description": "Price, in euros.", "constraints": []},
        },
        "config": {
            "materialized": "lake_window",
            "meta": {
                "owner": {"name": "Shop", "email": "shop@example.org"},
                "assay": {"partition_by": "month", "event_time": "day", "key": ["day"], "lookback_days": 6},
            },
        },
    }


def test_node(name: str, attached: str | None, *parents: str, **meta: Any) -> dict[str, Any]:
    return {
        "resource_type": "test", "unique_id": f"test.shop.{name}", "name": name, "attached_node": attached, "description": "",
        "depends_on": {"nodes": list(parents), "macros": []}, "config": {"severity": "ERROR", "meta": meta},
    }  # fmt: skip


test_node.__test__ = False  # type: ignore[attr-defined]  # makes a node, tests nothing

MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.shop.a_week": model("a_week", "model.shop.sales"),
        "model.shop.sales": model("sales", "source.shop.silver.orders"),
        "test.shop.attached": test_node("attached", "model.shop.sales", "model.shop.sales", "model.shop.a_week"),
        "test.shop.alone": test_node("alone", None, "model.shop.a_week"),
        "test.shop.named": test_node("named", None, "model.shop.a_week", "model.shop.sales", assay={"model": "sales"}),
        "test.shop.nobody": test_node("nobody", None, "model.shop.a_week", "model.shop.sales"),
    },
    "sources": {
        "source.shop.silver.orders": {
            "source_name": "silver", "name": "orders", "config": {"meta": {"dagster": {"asset_key": ["silver", "orders_v2"]}}},
        }
    },
    "macros": {
        "macro.shop.window": {"package_name": "shop", "macro_sql": "window", "depends_on": {"macros": ["macro.dbt.core"]}},
        "macro.shop.materialization_lake_window_duckdb": {"package_name": "shop", "macro_sql": "as a view", "depends_on": {"macros": []}},
        "macro.dbt.core": {"package_name": "dbt", "macro_sql": "core", "depends_on": {"macros": []}},
    },
}  # fmt: skip


@pytest.fixture
def content() -> dict[str, Any]:
    return copy.deepcopy(MANIFEST)


def write(content: dict[str, Any], folder: Path) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps(content))
    return path


def code_versions(content: dict[str, Any], folder: Path) -> dict[str, str]:
    return {model.name: model.code_version for model in read_models(write(content, folder))}


def test_models_come_upstream_first_with_what_the_engine_needs(content: dict[str, Any], tmp_path: Path) -> None:
    sales, week = read_models(write(content, tmp_path))
    assert (sales.table, sales.partition_by, sales.event_time, sales.key) == ("gold/sales", "month", "day", ("day",))
    assert (sales.lookback_days, sales.lookahead_days, sales.owner["email"]) == (6, 0, "shop@example.org")
    assert (sales.depends_on, week.depends_on) == (("silver/orders_v2",), ("gold/sales",))


def test_a_test_belongs_to_the_model_it_is_attached_to_or_names_or_alone_reads(content: dict[str, Any], tmp_path: Path) -> None:
    sales, week = read_models(write(content, tmp_path))
    assert [test.name for test in sales.tests] == ["attached", "named"]
    assert [test.name for test in week.tests] == ["alone"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("nodes", "model.shop.sales", "raw_code"), "select 2"),
        (("nodes", "model.shop.sales", "columns", "price", "data_type"), "double"),
        (("nodes", "model.shop.sales", "config", "meta", "assay", "lookback_days"), 7),
    ],
)
def test_code_version_changes_with_a_models_own_code_only(content: dict[str, Any], tmp_path: Path, path: list[str], value: object) -> None:
    before = code_versions(content, tmp_path)
    *way, last = path
    place = content
    for step in way:
        place = place[step]
    place[last] = value
    after = code_versions(content, tmp_path)
    assert after["sales"] != before["sales"]
    assert after["a_week"] == before["a_week"]


@pytest.mark.parametrize("macro", ["macro.shop.window", "macro.shop.materialization_lake_window_duckdb"])
def test_code_version_changes_with_the_projects_macros_and_the_materialization(content: dict[str, Any], tmp_path: Path, macro: str) -> None:
    before = code_versions(content, tmp_path)
    content["macros"][macro]["macro_sql"] = "changed"
    assert all(before[name] != version for name, version in code_versions(content, tmp_path).items())


def test_code_version_ignores_descriptions_and_dbts_own_macros(content: dict[str, Any], tmp_path: Path) -> None:
    before = code_versions(content, tmp_path)
    content["nodes"]["model.shop.sales"]["description"] = "Better words."
    content["macros"]["macro.dbt.core"]["macro_sql"] = "newer"
    assert code_versions(content, tmp_path) == before


@pytest.mark.parametrize("missing", ["owner", "assay"])
def test_a_model_that_does_not_describe_itself_is_refused(content: dict[str, Any], tmp_path: Path, missing: str) -> None:
    del content["nodes"]["model.shop.sales"]["config"]["meta"][missing]
    with pytest.raises(ModelNotDescribed, match=rf"sales; its meta does not give '{missing}'\. `assay contracts compile` writes"):
        read_models(write(content, tmp_path))


@pytest.mark.parametrize("kind", ["incremental", "table", "view", "ephemeral"])
def test_a_model_that_is_not_built_in_windows_is_refused(content: dict[str, Any], tmp_path: Path, kind: str) -> None:
    content["nodes"]["model.shop.sales"]["config"]["materialized"] = kind
    with pytest.raises(ModelNotBuilt, match=rf"sales; it is materialized as '{kind}'\. .* leave its materialization to `dbt_project.yml`"):
        read_models(write(content, tmp_path))
    models, problems = described_models(tmp_path / "manifest.json")
    assert [model.name for model in models] == ["a_week"], "the others are read"
    assert list(problems) == ["sales"]


@pytest.mark.parametrize("kind", ["seed", "snapshot"])
@pytest.mark.parametrize(("reader", "who"), [("model.shop.sales", "it"), ("test.shop.attached", "its test attached")])
def test_a_model_that_reads_what_dbt_keeps_is_refused(content: dict[str, Any], tmp_path: Path, kind: str, reader: str, who: str) -> None:
    content["nodes"][f"{kind}.shop.codes"] = {"resource_type": kind, "name": "codes", "depends_on": {"nodes": [], "macros": []}}
    content["nodes"][reader]["depends_on"]["nodes"].append(f"{kind}.shop.codes")
    with pytest.raises(ModelNotBuilt, match=rf"sales; {who} reads the {kind} codes, which Assay does not build\. Let its rows land"):
        read_models(write(content, tmp_path))


def test_an_unknown_model_is_refused_with_the_choices(content: dict[str, Any], tmp_path: Path) -> None:
    models = read_models(write(content, tmp_path))
    assert pick(models, "sales").name == "sales"
    with pytest.raises(ModelUnknown, match="'sails'; the manifest has a_week, sales"):
        pick(models, "sails")


def test_the_schema_is_the_contracts_and_not_null_is_required(content: dict[str, Any], tmp_path: Path) -> None:
    sales = pick(read_models(write(content, tmp_path)), "sales")
    assert model_schema(sales) == pa.schema([
        pa.field("month", pa.date32(), nullable=False), pa.field("day", pa.date32(), nullable=False),
        pa.field("sold_at", pa.timestamp("us", tz="UTC")), pa.field("price", pa.decimal128(9, 2)),
    ])  # fmt: skip


def test_a_type_that_the_lake_cannot_keep_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    content["nodes"]["model.shop.sales"]["columns"]["price"]["data_type"] = "hugeint"
    with pytest.raises(ColumnTypeUnknown, match="gold/sales; found the type 'hugeint'"):
        model_schema(pick(read_models(write(content, tmp_path)), "sales"))
