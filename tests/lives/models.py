"""Gold of a product: for each model a contract and the SQL of a day's counts and sums, of one dataset or of several side by side."""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from assay.cli.compiling import compile_contracts
from assay.project_root import CHECKOUT

if TYPE_CHECKING:
    from products import Product

    from assay.settings import Settings


@cache
def empty_project() -> Path:
    """The dbt project of the checkout without its models: dbt reads it once for all lives that have no gold."""
    return write_project(Path(tempfile.mkdtemp(prefix="lives-dbt-")) / "dbt_project")


def write_project(folder: Path) -> Path:
    shutil.copytree(CHECKOUT / "dbt_project", folder, ignore=shutil.ignore_patterns("target", "logs", "models", "tests"))
    (folder / "models" / "gold").mkdir(parents=True)
    return folder


def name_of(model: tuple[str, ...]) -> str:
    return f"{'_'.join(model)}_daily"


def write_gold(product: Product, settings: Settings) -> None:
    """What a person writes, then what `assay contracts compile` writes. The contracts of the datasets are there."""
    assert settings.contracts is not None
    (settings.contracts / "gold").mkdir(exist_ok=True)
    for model in product.gold:
        text = yaml.safe_dump(_contract(model), sort_keys=False)
        (settings.contracts / "gold" / f"{name_of(model)}.odcs.yaml").write_text(text)
        (settings.dbt_project / "models" / "gold" / f"{name_of(model)}.sql").write_text(_sql(model, product.factor))
    with redirect_stdout(io.StringIO()) as said:
        assert compile_contracts(settings, check=False), said.getvalue()


def _sql(model: tuple[str, ...], factor: int) -> str:
    parts = []
    for name in model:
        counted = ", ".join(
            f"{'1' if one == name else '0'} as {one}_row, {f'{factor} * cast(amount as double)' if one == name else 'null'} as {one}_value"
            for one in model
        )
        parts.append(f"select event_day, {counted} from {{{{ source('silver', '{name}') }}}} where {{{{ in_window('event_day') }}}}")
    summed = ", ".join(f"cast(sum({name}_row) as bigint) as {name}_rows, sum({name}_value) as {name}_amount" for name in model)
    return (
        f"with\n\nfound as (\n\n{' union all '.join(parts)}\n\n)\n\n"
        f"select cast(date_trunc('month', event_day) as date) as event_month, event_day, {summed} from found group by event_day\n"
    )


def _contract(model: tuple[str, ...]) -> dict[str, Any]:
    def column(name: str, kind: str, physical: str, **more: object) -> dict[str, Any]:
        return {"name": name, "logicalType": kind, "physicalType": physical, "description": f"{name} of the day.", **more}

    columns = [
        column("event_month", "date", "DATE", required=True, partitioned=True),
        column("event_day", "date", "DATE", required=True, primaryKey=True),
    ]
    for name in model:
        columns += [column(f"{name}_rows", "integer", "BIGINT", required=True), column(f"{name}_amount", "number", "DOUBLE")]
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": f"urn:lives:gold:{name_of(model)}",
        "name": name_of(model),
        "version": "1.0.0",
        "status": "active",
        "team": {"name": "lives", "members": [{"username": "owner@example.org", "role": "owner"}]},
        "schema": [
            {
                "name": name_of(model),
                "physicalName": f"gold.{name_of(model)}",
                "physicalType": "table",
                "description": "Rows by day.",
                "dataGranularityDescription": "one row per event_day",
                "properties": columns,
                "customProperties": [{"property": "eventTime", "value": {"column": "event_day"}}],
            }
        ],
    }
