"""A product with gold whose tables are damaged: the plan makes again what it can, names what it cannot, and check-lake mends the rest."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from calendar_products import Calendars, totals
from damaged_shop import entries, flip, overwrite

from assay.lake.checking import damage_of
from assay.lake.snapshots import table_names
from command_line import Done, assay, shell

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

MONTHS = {"2024-01-01": 3, "2024-02-01": 4, "2024-03-01": 8}
FILES = {
    "2024-01-02": [("2024-01-02T08:00:00Z", 1), ("2024-01-02T09:00:00Z", 2)],
    "2024-02-03": ["2024-02-03T08:00:00Z,4", "2024-02-03T09:00:00Z,many"],
    "2024-03-03": [("2024-03-03T08:00:00Z", 8)],
}  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Calendars:
    product = Calendars(tmp_path_factory.mktemp("till") / "till")
    for name in ("till", "other"):
        product.readings(name, end="2024-04-01").model(f"{name}s", [name], quality="")
        for arrival, rows in FILES.items():
            product.land(name, arrival, rows)
    assert set(product.backfill().values()) == {None}
    return product


@pytest.fixture
def product(opened: Calendars, tmp_path: Path) -> Calendars:
    shutil.copytree(opened.folder, tmp_path / "till")
    return Calendars(tmp_path / "till")


def lake_of(product: Calendars) -> Path:
    return product.world.settings.lake


def file_of(product: Calendars, table: str, key: str) -> Path:
    return next((lake_of(product) / table).glob(f"*={key}/**/*.parquet"))


def run(product: Calendars, *arguments: str) -> Done:
    world = product.world
    environment = shell(world.home, ASSAY_CONTRACTS=str(product.contracts), ASSAY_DBT_PROJECT=str(world.dbt_project))
    done = assay(*arguments, environment=environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_months_of_gold_whose_files_are_gone_are_made_again_and_need_not_be_read(product: Calendars) -> None:
    for month in ("2024-01-01", "2024-03-01"):
        file_of(product, "gold/tills", month).unlink()
    file_of(product, "silver/other", "2024-01-02").unlink()
    assert product.due() == {"gold/tills": ["2024-01-01", "2024-03-01"], "silver/other": ["2024-01-02"]}
    assert set(product.backfill().values()) == {None}
    assert totals(product.world, "gold/tills") == MONTHS
    assert product.due() == {}
    file_of(product, "gold/tills", "2024-02-01").unlink()
    forced = product.world.backfill(None, None, force=True, only={dg.AssetKey(["gold", "tills"])})
    assert {ran.failure for ran in forced} == {None}
    assert totals(product.world, "gold/tills") == MONTHS


def test_a_month_is_not_built_from_a_file_in_which_a_bit_has_flipped(product: Calendars) -> None:
    flip(file_of(product, "silver/till", "2024-02-03"))
    for name in ("till", "other"):
        file_of(product, f"gold/{name}s", "2024-02-01").unlink()
    done = run(product, "backfill")
    assert done.returncode == 1
    assert "silver/till at version" in done.stderr
    assert "has other bytes than were committed" in done.stderr
    assert totals(product.world, "gold/others") == MONTHS, "what does not need it goes on"
    mended = run(product, "check-lake", "--deep", "--mend")
    assert mended.returncode == 0, mended.stderr
    assert run(product, "backfill").returncode == 0
    assert totals(product.world, "gold/tills") == MONTHS


def test_damage_of_every_layer_is_mended_by_one_command(product: Calendars) -> None:
    lake = lake_of(product)
    overwrite(entries(lake / "silver/till")[-1], b"")
    file_of(product, "bronze/other", "2024-02-03").unlink()
    shutil.rmtree(lake / "quarantine/till/_delta_log")
    overwrite(entries(lake / "gold/tills")[-1], b"{")
    planned = {
        one.key.to_user_string(): one.problem for stage in product.world.planner().stages for one in product.world.planner().due(stage.keys)
    }
    assert "silver/till" in planned["silver/till"]
    assert "silver/till" in planned["gold/tills"] or "gold/tills" in planned["gold/tills"]
    assert planned["gold/others"] == "", "the plan of the others is not concerned"
    done = run(product, "check-lake", "--mend")
    assert done.returncode == 0, done.stderr + done.stdout
    assert set(product.backfill().values()) <= {None}
    for table in table_names(lake):
        assert damage_of(lake, table, deep=True) == [], table
    assert totals(product.world, "gold/tills") == totals(product.world, "gold/others") == MONTHS
    held = run(product, "sql", "select count(*) as held from quarantine.till", "--format", "csv")
    assert held.stdout.split() == ["held", "1"], held.stderr
    assert product.due() == {}


def test_a_partition_that_waits_for_a_file_which_has_landed_is_mended_with_it(product: Calendars) -> None:
    product.land("till", "2024-02-03", [("2024-02-03T08:00:00Z", 5)])
    file_of(product, "silver/till", "2024-02-03").write_bytes(b"cut")
    done = run(product, "check-lake", "--mend")
    assert done.returncode == 0, done.stderr + done.stdout
    assert set(product.backfill().values()) <= {None}
    assert totals(product.world, "gold/tills") == MONTHS | {"2024-02-01": 5}


def test_rows_that_only_a_damaged_file_of_bronze_had_are_named_and_let_go_by_name_only(product: Calendars) -> None:
    file_of(product, "bronze/till", "2024-01-02").unlink()
    (product.folder / "home/landing/till/till_2024-01-02.csv").unlink()
    looked = run(product, "check-lake")
    assert looked.returncode == 1
    assert "lost with it: the rows of 1 landing files, unless they are put back (till/till_2024-01-02.csv)" in looked.stderr
    done = run(product, "backfill", "--force")
    assert done.returncode == 1, "force lets nothing go"
    assert totals(product.world, "silver/till") == {"2024-01-02": 3, "2024-02-03": 4, "2024-03-03": 8}, "it stays as it was published"
    kept = run(product, "check-lake", "--mend")
    assert kept.returncode == 1
    assert "bronze/till: left as it is: name it, to lose the rows of 1 landing files" in kept.stderr
    let_go = run(product, "check-lake", "bronze/till", "--mend")
    assert let_go.returncode == 0, let_go.stderr
    assert run(product, "backfill").returncode == 0
    assert totals(product.world, "silver/till") == {"2024-02-03": 4, "2024-03-03": 8}
    assert totals(product.world, "gold/others") == MONTHS
    assert product.due() == {}


def test_bronze_that_is_gone_is_not_begun_anew_from_less(product: Calendars) -> None:
    shutil.rmtree(lake_of(product) / "bronze/till")
    (product.folder / "home/landing/till/till_2024-01-02.csv").unlink()
    failed = product.backfill_lake()
    assert any("Tried to begin bronze/till anew; silver/till was made from version" in str(why) for why in failed.values()), failed
    assert "bronze/till: . is gone" in run(product, "check-lake").stderr
    assert totals(product.world, "silver/till") == {"2024-01-02": 3, "2024-02-03": 4, "2024-03-03": 8}
