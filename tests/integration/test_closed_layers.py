"""A layer that a user may not look into, whole: it is told as one that cannot be read, and never taken for one that is empty."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from damaged_shop import TABLES, build, copy_of

from assay.errors import LayerClosed
from assay.lake.checking import refuse_newer_tables
from assay.lake.layers import folders_in
from assay.lake.retention import without_receipt
from assay.lake.snapshots import newest, table_names
from assay.lake.tables import table_folders
from assay.maintenance.sources import still_needed
from assay.maintenance.vacuum import Kind, OldFiles, Removal
from command_line import assay, obey_modes, shell
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Mapping

    from order_shop import Shop

pytestmark = pytest.mark.slow

NONE, LISTED, ENTERED = 0, 0o444, 0o111  # of the folder of a layer: it may not be looked into, only listed, only entered
SAID = r"Tried to read silver/\*; this user must not look into \S+/lake/silver. Let this user read that folder."


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def lake(built: Shop, tmp_path: Path) -> Path:
    return copy_of(built, tmp_path / "home")


def commands(home: str, *lines: str) -> None:
    """In a child: what commands say to a user whom modes concern."""
    obey_modes()
    environment = shell(Path(home), ASSAY_CONTRACTS=f"{home}/contracts")
    done = [assay(*line.split("|"), environment=environment) for line in lines]
    print(json.dumps({line: [one.returncode, one.stdout, one.stderr] for line, one in zip(lines, done, strict=True)}))


def said(lake: Path, closed: Path, mode: int, *lines: str) -> Mapping[str, tuple[int, str, str]]:
    """The exit code and the words of some commands while a folder has a mode."""
    before = closed.stat().st_mode
    closed.chmod(mode)
    try:
        rest = Child.start(commands, str(lake.parent), *lines).rest()
    finally:
        closed.chmod(before)
    found: dict[str, tuple[int, str, str]] = json.loads(rest)
    return found


@pytest.mark.parametrize("mode", [NONE, LISTED, ENTERED], ids=oct)
def test_a_closed_layer_is_told_by_whoever_looks_at_all_tables_and_the_others_are_looked_at(lake: Path, mode: int) -> None:
    asked = "sql|select count(*) as n from silver.orders", "sql|select count(*) as n from gold.by_month|--format|csv"
    found = said(lake, lake / "silver", mode, "tables", "check-lake", "maintain|--dry-run", *asked)
    for line in ("tables", "maintain|--dry-run", asked[0]):
        code, out, err = found[line]
        assert code == 1, (line, out, err)
        assert re.search(SAID, err), (line, out, err)
    code, out, err = found["check-lake"]
    assert (code, out, err) == (1, "", "silver/*: . must not be read by this user; nothing is lost; let this user read it.\n")
    assert found[asked[1]] == [0, "n\n2\n", ""]
    assert "gold/by_month" in found["tables"][1]


def test_a_closed_lake_is_not_an_empty_one(lake: Path) -> None:
    for line, (code, out, err) in said(lake, lake, NONE, "tables", "check-lake", "sql|select * from silver.orders", "summary").items():
        assert code == 1, (line, out, err)
        assert f"Tried to list the tables in {lake}; this user must not look into it. Let this user read that folder." in err
        assert "is empty" not in out


def refusals(lake: str) -> None:
    obey_modes()
    found = list[str]()
    for name in ("silver/*", *(one for one in TABLES if not one.startswith("silver/"))):
        try:
            newest(Path(lake), name)
        except LayerClosed:
            found.append(name)
    with pytest.raises(LayerClosed):  # an erasure would remove somebody from bronze, and stop at silver
        refuse_newer_tables(Path(lake))
    print(
        json.dumps([table_names(Path(lake)), table_folders(Path(lake)), found, len(without_receipt(Path(lake), table_names(Path(lake))))])
    )


def test_a_closed_layer_is_one_more_name_that_nobody_can_open(lake: Path) -> None:
    others = [name for name in TABLES if not name.startswith("silver/")]
    (lake / "silver").chmod(NONE)
    try:
        names, folders, refused, receipts = json.loads(Child.start(refusals, str(lake)).rest())
    finally:
        (lake / "silver").chmod(0o700)
    assert names == folders == sorted([*others, "silver/*"])
    assert refused == ["silver/*"]
    assert receipts == 0
    assert table_names(lake) == list(TABLES)
    assert folders_in(lake)[1] == []


def test_no_source_goes_while_it_cannot_be_seen_what_was_made_of_it(lake: Path) -> None:
    gone = Removal(lake / "bronze/orders/old.parquet", Kind.STAGED, 1, 0)
    old = {"bronze/orders": OldFiles("bronze/orders"), "silver/orders": OldFiles("silver/orders")}
    assert still_needed(lake, "bronze/orders", [gone], old) == set()
    assert still_needed(lake, "bronze/orders", [gone], {"bronze/orders": old["bronze/orders"], "silver/*": None}) == {gone.path}
