"""`assay contracts check` calls no contract good that could not be run: each is loaded and one made-up row goes through it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from calendar_products import Calendars
from small_world import edit

from assay.cli.exit_codes import run
from assay.cli.main import app
from assay.ingest.formats.readers import read_text
from assay.ingest.landing_file import LandingFile
from assay.ingest.writing import name_for, spelled_file
from command_line import assay, shell
from flights.definitions import CONTRACTS
from nested import contract_of
from orders import CUSTOMERS, orders_contract, write_contracts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Contracts of orders and of customers, whom they refer to."""
    folder = tmp_path / "contracts"
    write_contracts(folder)
    return folder


def checked(capfd: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, str]:
    code = run(app, ["contracts", "check", *map(str, paths)])
    out, err = capfd.readouterr()
    return code, out + err


def test_what_can_be_run_is_good(orders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, said = checked(capfd, orders)
    assert code == 0, said
    assert said.count(": good: ") == 2


def test_datasets_that_refer_in_a_circle_are_named_at_their_files_and_the_others_are_tried(
    orders: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, other in (("left", "right"), ("right", "left")):
        refers = f"primaryKey: true, relationships: [{{to: {other}.customer}}]"
        (orders / f"{name}.odcs.yaml").write_text(CUSTOMERS.replace("customers", name).replace("primaryKey: true", refers))
    edit(orders / "orders.odcs.yaml", "customers.customer", "left.customer")
    code, said = checked(capfd, orders)
    assert code == 1, said
    assert "left.odcs.yaml:1: it reads well, but it cannot be run: its reference rules go in a circle: " in said
    assert "right.odcs.yaml:1: it reads well, but it cannot be run: its reference rules go in a circle: " in said
    assert "orders.odcs.yaml:1: it reads well, but it cannot be run: left, which it refers to, cannot be run" in said
    assert "customers.odcs.yaml: good: " in said


@pytest.mark.parametrize("owner", ["o'brien@example.org", "ümlaut@example.org", "a@b.c"])
def test_an_owner_whom_dagster_refuses_is_no_fault_of_a_contract(orders: Path, owner: str, capfd: pytest.CaptureFixture[str]) -> None:
    """He is shown in the metadata of the assets instead."""
    edit(orders / "orders.odcs.yaml", "owner@example.org", f'"{owner}"')
    code, said = checked(capfd, orders)
    assert code == 0, said


@pytest.mark.parametrize(
    ("columns", "server"),
    [
        ("{name: city, logicalType: string, transformSourceObjects: ['customer.address.city']}", ""),
        ("{name: first, logicalType: integer, transformSourceObjects: ['lines[1].price']}", ""),
        ("{name: sku, logicalType: string, transformSourceObjects: ['lines.sku']}", "{property: explode, value: lines}"),
        ("{name: part, logicalType: string, transformSourceObjects: ['lines.parts.sku']}", "{property: explode, value: lines.parts}"),
        ("{name: id, logicalType: string}", "{property: explode, value: lines.parts}"),
    ],
    ids=["an object", "a place", "elements", "elements within an object", "elements without a path"],
)
def test_a_contract_of_nested_values_can_be_run(columns: str, server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    contract_of(tmp_path, columns, server=server)
    code, said = checked(capfd, tmp_path)
    assert (code, said.count(": good: ")) == (0, 1), said


def test_what_refers_to_a_dataset_that_cannot_be_run_is_no_good_contract(orders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edit(
        orders / "customers.odcs.yaml",
        "      - {property: eventTime",
        "      - {property: transform, value: nowhere.to:be_found}\n      - {property: eventTime",
    )
    code, said = checked(capfd, orders / "orders.odcs.yaml")
    assert code == 1, said
    assert "customers, which it refers to, cannot be run" in said


def test_a_transform_that_cannot_be_imported_is_no_good_contract(orders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edit(
        orders / "orders.odcs.yaml",
        "      - property: eventTime",
        "      - {property: transform, value: nowhere.to:be_found}\n      - property: eventTime",
    )
    code, said = checked(capfd, orders)
    assert code == 1, said
    assert "nowhere" in said


def test_a_version_that_is_none_and_a_folder_without_contracts_are_faults(
    orders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    edit(orders / "orders.odcs.yaml", "version: 1.0.0", "version: one")
    code, said = checked(capfd, orders)
    assert code == 1
    assert "'one' is no version of the form 1.2.3" in said
    (tmp_path / "empty").mkdir()
    code, said = checked(capfd, tmp_path / "empty")
    assert code == 1
    assert "there is none" in said


def test_the_product_s_contracts_are_good(capfd: pytest.CaptureFixture[str]) -> None:
    code, said = checked(capfd, CONTRACTS)
    assert code == 0, said


SQL_OF_A_COLUMN_THAT_IS_NOT_THERE = """\
select cast(date_trunc('month', period) as date) as month, period as moment, cast(sum(volume) as bigint) as total
from {{ source('silver', 'meter') }} where {{ in_window('period') }} group by period
"""
DIALECTS = {
    "as it is": "{}",
    "semicolons and decimal commas": '{delimiter: ";", decimalChar: ","}',
    "no header, comments": '{header: false, commentChar: "#"}',
    "no quotes, escapes": '{delimiter: "\\t", quoteChar: "", escapeChar: "\\\\"}',
    "escapes in quotes": '{escapeChar: "\\\\", doubleQuote: false, quoteChar: "\'"}',
}
FORMATS = {
    "csv": "orders_{arrival:yyyy-MM-dd}*.csv*", "packed csv": "orders_{arrival:yyyy-MM-dd}.csv.zst", "xz": "{arrival:yyyyMMdd}.jsonl.xz",
    "jsonl": "of_{arrival:yyyy-M-d}.jsonl", "parquet": "orders_{arrival:yyyy-MM-dd}.parquet", "avro": "orders_{arrival:yyyy-MM-dd}.avro.gz",
}  # fmt: skip
NAMED = "orders/orders_{arrival:yyyy-MM-dd}*.csv*"


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_row_is_spelled_in_the_dialect_of_the_contract(tmp_path: Path, dialect: str) -> None:
    contract = orders_contract(
        tmp_path, "      - {property: nullValues", f"      - {{property: dialect, value: {dialect}}}\n      - {{property: nullValues"
    )
    delimiter = contract.source.dialect.delimiter
    row = dict.fromkeys(contract.source.columns, "1") | {"note": f"a{delimiter}b\\c", "customer": "#x", "state": ""}
    file = tmp_path / name_for(contract.source, date(2024, 1, 2))
    file.parent.mkdir()
    file.write_bytes(spelled_file([row], contract.source, file.name))
    (read,) = read_text(LandingFile(file, file.name, date(2024, 1, 2)), contract.source).to_pylist()
    assert read == row


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "avro"])
@pytest.mark.parametrize("explode", ["", "lines", "customer.lines"])
def test_values_of_paths_and_elements_are_where_the_contract_looks_for_them(tmp_path: Path, form: str, explode: str) -> None:
    inside = "customer.lines.sku" if explode == "customer.lines" else "lines.sku" if explode else '"lines[1].sku"'
    column = f"{{name: sku, logicalType: string, transformSourceObjects: [{inside}]}}"
    server = f"{{property: explode, value: {explode}}}" if explode else ""
    source = contract_of(tmp_path, column, form=form, server=server).source
    row = dict.fromkeys(source.columns, "1") | {name: f"text of {name}" for name in source.paths}
    for rows in ([row], []):
        file = tmp_path / f"file.{form}"
        file.write_bytes(spelled_file(rows, source, file.name))
        read = read_text(LandingFile(file, file.name, date(2024, 1, 2)), source).to_pylist()
        assert [{name: one[name] for name in source.paths} for one in read] == [{name: one[name] for name in source.paths} for one in rows]


@pytest.mark.parametrize("form", FORMATS)
def test_the_row_is_sent_in_the_format_under_the_name_and_packed_as_files_are(
    orders: Path, form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    kind = next(one for one in ("csv", "jsonl", "parquet", "avro") if one in FORMATS[form])
    edit(orders / "orders.odcs.yaml", f"path: {NAMED}\n    format: csv", f'path: "orders/{FORMATS[form]}"\n    format: {kind}')
    code, said = checked(capfd, orders)
    assert code == 0, said
    assert "Gold was not tried" in said


def test_a_column_that_no_file_of_the_encoding_can_name_is_a_fault_of_the_contract(orders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edit(orders / "orders.odcs.yaml", "    format: csv\n", "    format: csv\n    encoding: ISO-8859-1\n")
    edit(orders / "orders.odcs.yaml", "      - {name: note, logicalType: string}\n", '      - {name: "n\u014dte", logicalType: string}\n')
    edit(
        orders / "orders.odcs.yaml",
        "{name: note, logicalType: string, l",
        '{name: note, logicalType: string, transformSourceObjects: ["n\u014dte"], l',
    )
    code, said = checked(capfd, orders)
    assert code == 1, said
    assert "orders.odcs.yaml:1: it reads well, but it cannot be run: ContractInvalid: The encoding ISO-8859-1 has no '\\u014d'" in said


def test_gold_is_built_on_the_row_and_a_model_that_cannot_be_is_named_with_its_cause(tmp_path: Path) -> None:
    product = Calendars(tmp_path).readings("meter")
    wrong = SQL_OF_A_COLUMN_THAT_IS_NOT_THERE
    product.model("sums", ["silver/meter"]).model("broken", ["silver/meter"], sql=wrong).model("above", ["gold/sums"])
    product.world.compile()
    before = sorted(one.name for one in tmp_path.iterdir())
    said = assay("contracts", "check", environment=shell(
        tmp_path / "home", ASSAY_CONTRACTS=str(product.contracts), ASSAY_DBT_PROJECT=str(product.world.dbt_project)
    ))  # fmt: skip
    assert said.returncode == 1, said
    assert "broken.odcs.yaml:1: it reads well, but gold/broken cannot be run: model broken: " in said.stderr
    assert "volume" in said.stderr
    assert "1 fault in 1 of 4 contracts" in said.stderr
    assert sorted(one.name for one in tmp_path.iterdir()) == before


def test_a_backfill_that_left_something_out_ends_with_an_exit_code_of_its_own(tmp_path: Path) -> None:
    """What runs succeeds: a script must see the difference to a product that is up to date, and to one in which a run failed."""
    product = Calendars(tmp_path).readings("meter").readings("other")
    surroundings = shell(tmp_path / "home", ASSAY_CONTRACTS=str(product.contracts), ASSAY_DBT_PROJECT=str(product.world.dbt_project))
    product.land("meter", "2024-01-01", [("2024-01-01T10:00:00Z", 5)])
    (product.contracts / "other.odcs.yaml").write_text("version: one")
    left = assay("backfill", environment=surroundings)
    assert "other.odcs.yaml is left out" in left.stderr
    assert left.returncode == 3, left
    (product.contracts / "other.odcs.yaml").unlink()
    assert assay("backfill", environment=surroundings).returncode == 0


def test_there_is_one_line_for_each_good_contract_of_the_product(capfd: pytest.CaptureFixture[str]) -> None:
    code, said = checked(capfd)
    assert code == 0, said
    assert [line.partition(": good: ")[2].partition(" ")[0] for line in said.splitlines() if ": good: " in line] == [
        "airlines", "airports", "flights", "carrier_punctuality_daily", "carrier_punctuality_daily", "carrier_ranking_7d", "departures_weather", "route_delays_daily",
        "planes", "weather",
    ]  # fmt: skip
