"""Adding a dataset without Python: samples are drafted, files land, and one backfill through the command line publishes them as drafted."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import command_line
from assay.lake.snapshots import open_snapshot
from assay.project_root import CHECKOUT
from flights.definitions import CONTRACTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from command_line import Done

pytestmark = pytest.mark.slow

DAYS = [datetime(2024, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
A_DAY = 60
ENDINGS = {"web_orders": "csv", "app_orders": "jsonl", "till_orders": "parquet", "phone_orders": "avro"}
TYPED = [name for name, ending in ENDINGS.items() if ending != "csv"]
AVRO = {
    "type": "record", "name": "order",
    "fields": [
        {"name": "order_id", "type": "long"}, {"name": "ordered_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "state", "type": "string"}, {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "quantity", "type": "int"}, {"name": "email", "type": "string"}, {"name": "gift", "type": "boolean"},
        {"name": "note", "type": ["null", "string"]},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """A scratch home, contracts and dbt project of its own, what the commands said, and the contracts as they were drafted."""

    home: Path
    said: dict[str, str] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)

    @property
    def contracts(self) -> Path:
        return self.home / "contracts"

    def contract(self, name: str) -> Path:
        return self.contracts / f"{name}.odcs.yaml"

    def assay(self, *arguments: str, **more: str) -> Done:
        environment = command_line.shell(self.home) | {
            "ASSAY_CONTRACTS": str(self.contracts), "ASSAY_DBT_PROJECT": str(self.home / "dbt_project"),
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
        } | more  # fmt: skip
        return command_line.assay(*arguments, environment=environment, folder=self.home)

    def rows(self, table: str) -> pl.DataFrame:
        return open_snapshot(self.home / "lake", table).scan().collect()

    def query(self, sql: str) -> list[dict[str, Any]]:
        done = self.assay("sql", sql, "--format", "json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found


def orders(day: datetime) -> list[dict[str, Any]]:
    """The orders of a day, as their sender knows them."""
    first = 1000 + day.day * 100
    return [
        {
            "order_id": first + number, "ordered_at": day + timedelta(minutes=20 * number), "state": ("open", "paid", "sent")[number % 3],
            "amount": Decimal(995 + 7 * number) / 100, "quantity": 1 + number % 5, "email": f"person{number}@example.org",
            "gift": number % 4 == 0, "note": None if number % 2 else f"note {number}",
        }
        for number in range(A_DAY)
    ]  # fmt: skip


def dirty_lines(day: datetime) -> list[list[str]]:
    """The same orders as the web shop's CSV has them: with a little dirt in the sample, and rows that break its rules on the day after."""
    lines = [
        [str(one["order_id"]), f"{one['ordered_at']:%Y-%m-%d %H:%M:%S}", one["state"], str(one["amount"]), str(one["quantity"]), one["email"],
         "yes" if one["gift"] else "no", one["note"] or ""]
        for one in orders(day)
    ]  # fmt: skip
    if day == DAYS[0]:
        lines[5][3], lines[7][3], lines[9][4] = "n/a", "twelve", " 3"
        lines.append(lines[3])
    elif day == DAYS[1]:
        lines[1][2], lines[2][4], lines[3][0], lines[4][1] = "lost", "-4", "", "soon"
    else:
        lines.append([*lines[8][:3], "12.34", *lines[8][4:]])
    return lines


def write(name: str, day: datetime, folder: Path) -> Path:
    """Write the file of a day as its sender would."""
    path = folder / f"{name}_{day:%Y-%m-%d}.{ENDINGS[name]}"
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(
                [["Order ID", "ordered_at", "state", "Amount", "quantity", "email", "gift", "note"], *dirty_lines(day)]
            )
    elif path.suffix == ".jsonl":
        plain = [one | {"ordered_at": one["ordered_at"].isoformat(), "amount": float(one["amount"])} for one in orders(day)]
        path.write_text("".join(f"{json.dumps(one)}\n" for one in plain))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(orders(day)), path)
    else:
        with path.open("wb") as file:
            fastavro.writer(file, AVRO, orders(day))
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Four datasets that no code knows: drafted from the file of their first day, checked, landed and backfilled."""
    made = Shop(tmp_path_factory.mktemp("shop"))
    shutil.copytree(CONTRACTS, made.contracts)
    shutil.copytree(CHECKOUT / "dbt_project", made.home / "dbt_project", ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
    for name in ENDINGS:
        sample = write(name, DAYS[0], made.home)
        step(made, name, "new", name, "--from", str(sample), "--owner", "shop@example.org")
        made.drafts[name] = made.contract(name).read_text()
        folder = made.home / "landing" / name
        folder.mkdir(parents=True)
        for day in DAYS:
            write(name, day, folder)
    step(made, "check", "contracts", "check")
    step(made, "compile", "contracts", "compile")
    step(made, "backfill", "backfill")
    return made


def step(shop: Shop, name: str, *arguments: str) -> None:
    done = shop.assay(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    shop.said[name] = done.stdout


def test_a_draft_has_no_fault_as_it_is(shop: Shop) -> None:
    for name in ENDINGS:
        assert f"{name}.odcs.yaml: good: {name} 0.1.0" in shop.said["check"]
    assert shop.assay("contracts", "compile", "--check").returncode == 0


def test_bronze_has_every_row_of_a_dirty_csv_as_it_was_received(shop: Shop) -> None:
    bronze = shop.rows("bronze/web_orders")
    received = [line for day in DAYS for line in dirty_lines(day)]
    assert bronze.height == len(received)
    assert sorted(bronze.select("Order ID", "ordered_at", "Amount").rows()) == sorted((line[0], line[1], line[3]) for line in received)


def test_quarantine_has_the_rows_that_break_what_the_sample_promised(shop: Shop) -> None:
    held = shop.query("select rule, count(*)::int as rows from quarantine.web_orders group by rule order by rule")
    assert {one["rule"]: one["rows"] for one in held} == {
        "amount_type": 1, "event_time_readable": 1, "order_id_required": 1, "quantity_minimum": 1, "state_enum": 1,
    }  # fmt: skip


def test_silver_has_all_the_others_typed_and_once(shop: Shop) -> None:
    silver = shop.rows("silver/web_orders").sort("order_id")
    bad = {1107, 1201, 1202, 1203, 1204}
    wanted = [one for day in DAYS for one in orders(day) if one["order_id"] not in bad]
    amounts = {one["order_id"]: one["amount"] for one in wanted} | {1105: None, 1308: Decimal("12.34")}
    quantities = {one["order_id"]: one["quantity"] for one in wanted} | {1109: 3}
    assert dict(silver.select("order_id", "amount").rows()) == amounts
    assert dict(silver.select("order_id", "quantity").rows()) == quantities
    assert silver["ordered_at"].to_list() == [one["ordered_at"] for one in wanted]
    assert silver["gift"].to_list() == [one["gift"] for one in wanted]
    assert silver["note"].to_list() == [one["note"] for one in wanted]


@pytest.mark.parametrize("name", TYPED)
def test_samples_of_every_format_make_tables_with_the_values_that_were_sent(shop: Shop, name: str) -> None:
    silver, wanted = shop.rows(f"silver/{name}").sort("order_id"), [one for day in DAYS for one in orders(day)]
    assert shop.rows(f"bronze/{name}").height == len(wanted)
    for column in ("order_id", "ordered_at", "state", "amount", "quantity", "gift", "note"):
        assert silver[column].to_list() == [one[column] for one in wanted], column
    assert silver.schema["amount"].is_decimal()
    assert silver["ordered_day"].unique().sort().to_list() == [day.date() for day in DAYS]


@pytest.mark.parametrize("name", list(ENDINGS))
def test_no_personal_value_is_written_or_printed_while_drafting(shop: Shop, name: str) -> None:
    text = shop.drafts[name]
    assert "classification: personal  # guess: e-mail address: 60 of 60 different values look like one" in text
    assert "masking, value: {method: tokenize}}" in text
    assert "@example.org" not in text.replace("shop@example.org", "")
    assert "email: e-mail address, tokenize" in shop.said[name]
    assert "@example.org" not in shop.said[name]


@pytest.mark.parametrize("name", list(ENDINGS))
def test_the_addresses_are_published_as_tokens_and_shown_nowhere_else(shop: Shop, name: str) -> None:
    tokens = shop.rows(f"silver/{name}")["email"]
    assert tokens.str.starts_with("tok_").all()
    assert tokens.n_unique() == len({one["email"] for one in orders(DAYS[0])})
    shown = json.dumps(shop.query(f"select * from bronze.{name}"), default=str)
    held = json.dumps(shop.query("select * from quarantine.web_orders"), default=str)
    assert "@example.org" not in shown + held


def test_what_is_printed_leads_on(shop: Shop) -> None:
    said = shop.said["web_orders"]
    assert "written from 61 rows (all rows), 8 columns" in said
    assert "Rows of the sample that the contract will not accept, by column: amount 1." in said
    assert "The least certain guesses:" in said
    assert f"Files land as {shop.home}/landing/web_orders/web_orders_{{arrival:yyyy-MM-dd}}.csv*" in said
    assert "assay contracts check" in said
    assert "--select '+key:\"silver/web_orders\"'" in said


def test_a_second_backfill_finds_nothing_to_do(shop: Shop) -> None:
    assert "Nothing to do" in shop.assay("backfill").stdout


def test_the_same_sample_gives_the_same_file_and_nothing_is_overwritten(shop: Shop, tmp_path: Path) -> None:
    sample = str(shop.home / "web_orders_2024-03-01.csv")
    again = ("new", "web_orders", "--from", sample, "--owner", "shop@example.org")
    before = shop.contract("web_orders").read_bytes()
    refused = shop.assay(*again)
    assert refused.returncode == 1
    assert "is there already" in refused.stderr
    assert shop.assay(*again, "--to", str(tmp_path)).returncode == 0
    assert (tmp_path / "web_orders.odcs.yaml").read_text() == shop.drafts["web_orders"]
    assert shop.contract("web_orders").read_bytes() == before


def test_the_owner_is_whom_git_knows_unless_one_is_named(shop: Shop, tmp_path: Path) -> None:
    sample = shutil.copy(shop.home / "web_orders_2024-03-01.csv", tmp_path)
    draft = ("new", "owned", "--from", str(sample), "--to", str(tmp_path))
    nobody = shop.assay(*draft)
    assert nobody.returncode == 1
    assert "--owner" in nobody.stderr
    known = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.email", "GIT_CONFIG_VALUE_0": "ada@example.org"}
    assert shop.assay(*draft, **known).returncode == 0
    assert "username: ada@example.org" in (tmp_path / "owned.odcs.yaml").read_text()


def test_a_draft_takes_what_is_said_of_it_beside_the_sample(shop: Shop, tmp_path: Path) -> None:
    sample = str(shop.home / "web_orders_2024-03-01.csv")
    told = ("--owner", "team:shop", "--rows", "10", "--event-time", "none", "--to", str(tmp_path))
    assert shop.assay("new", "snapshots", "--from", sample, *told).returncode == 0
    text = (tmp_path / "snapshots.odcs.yaml").read_text()
    assert "10 rows, its first rows." in text
    assert 'username: "team:shop"' in text
    assert "property: eventTime, value: none" in text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("new", "web_orders_2", "--from", "nothing.csv"), "is no file"),
        (("new", "Web", "--from", "web_orders_2024-03-01.csv"), "is no name of a dataset"),
        (("new", "x", "--from", "web_orders_2024-03-01.csv", "--to", "nowhere"), "is no folder"),
        (("new", "x", "--from", "web_orders_2024-03-01.csv", "--event-time", "sent_at"), "no column 'sent_at'"),
    ],
    ids=["no file", "no name", "no folder", "no column"],
)
def test_what_cannot_be_drafted_is_refused_in_one_sentence(shop: Shop, arguments: Sequence[str], complaint: str) -> None:
    refused = shop.assay(*arguments, "--owner", "shop@example.org")
    assert refused.returncode == 1
    assert complaint in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_help_has_an_example(shop: Shop) -> None:
    assert "Example: assay new" in shop.assay("new", "--help").stdout.replace("\n", " ").replace("  ", " ")


def test_a_folder_of_contracts_that_is_none_is_refused(shop: Shop) -> None:
    refused = shop.assay("contracts", "check", ASSAY_CONTRACTS=str(shop.home / "nowhere"))
    assert refused.returncode == 1
    assert "ASSAY_CONTRACTS" in refused.stderr
