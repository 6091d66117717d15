"""What happens to the files of one table: it is named, in words of ours, and everything that does not need the table goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from damaged_shop import DAMAGES, FILES, READABLE, TABLES, build, copy_of

from assay.cli.lake_reader import query
from assay.errors import TableDamaged
from assay.lake.snapshots import open_snapshot
from command_line import assay, shell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from damaged_shop import Damage
    from order_shop import Shop

    from command_line import Done

# of what a library says when it fails, none of which a user may see
BACKTRACES = ("Traceback", "<unknown>", "backtrace", "panicked", "Kernel error", "rust", "site-packages")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build(tmp_path_factory.mktemp("shop"))


def run(lake: Path, *arguments: str) -> Done:
    done = assay(*arguments, environment=shell(lake.parent))
    assert not any(words in done.stderr + done.stdout for words in BACKTRACES), done.stderr
    return done


def test_the_shop_has_every_kind_of_table_and_is_sound(built: Shop) -> None:
    lake = built.home / "lake"
    assert run(lake, "tables").returncode == 0
    for table in TABLES:
        assert open_snapshot(lake, table).files, table
        assert open_snapshot(lake, table).version >= 1, table


# quarantine shows what the tables of the first group say of it
GROUPS = (
    ("bronze/orders", "claims/orders", "decisions/orders", "gold/in_all", "silver/orders"),
    ("bronze/customers", "erasures/requests", "gold/by_month", "quarantine/orders", "silver/customers"),
)  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
@pytest.mark.parametrize("tables", GROUPS, ids=["what decides what is shown", "the others"])
def test_damaged_tables_are_named_and_no_other_is_concerned(built: Shop, tmp_path: Path, what: str, tables: tuple[str, ...]) -> None:
    damage, lake = DAMAGES[what], copy_of(built, tmp_path / "home")
    for table in tables:
        damage.act(lake / table)
    sound = [one for one in TABLES if one not in tables and (one != "quarantine/orders" or "silver/orders" not in tables)]
    listed = run(lake, "tables")
    assert all(table in listed.stdout for table in sound), listed.stdout
    for table in sound:
        if table.partition("/")[0] in READABLE:
            assert query(lake, f"select count(*) from {table.replace('/', '.')}").fetchone()
    if damage.deep:
        assert_deep_look_names(lake, tables, damage)
        return
    assert listed.returncode == 1
    for table in tables:
        assert f"assay: Tried to read {table}" in listed.stderr, listed.stderr
        assert f"`assay check-lake {table}`" in listed.stderr
        if table.partition("/")[0] in READABLE:
            with pytest.raises(TableDamaged, match=f"Tried to read {table}.*{damage.words}"):
                query(lake, f"select * from {table.replace('/', '.')}")


def assert_deep_look_names(lake: Path, tables: Sequence[str], damage: Damage) -> None:
    """What a quick look cannot see is seen by whoever reads the rows."""
    for table in tables:
        with pytest.raises(TableDamaged, match=f"Tried to read {table}.*{damage.words}"):
            open_snapshot(lake, table).scan()


@pytest.mark.parametrize("what", FILES)
def test_a_query_that_fails_on_a_damaged_file_is_told_so(built: Shop, tmp_path: Path, what: str) -> None:
    lake = copy_of(built, tmp_path / "home")
    FILES[what].act(lake / "silver/orders")
    done = run(lake, "sql", "select * from silver.orders")
    assert done.returncode == 1
    assert "assay: Tried to read silver/orders" in done.stderr
