"""What an engine says of rows is not repeated where they may be somebody's: DuckDB's own messages, on values of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from assay.masking.messages import Discretion
from people import people

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "tok_k1_" + "5e" * 16
PHONE, BORN, NAME = "***8887", 18_150_304, "O'Hara 'Ada' LINE 3: Byron"
SECRETS = (TOKEN, TOKEN[7:], "8887", str(BORN), "Hara", "Byron")


@pytest.fixture
def rows() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE paid (payer VARCHAR PRIMARY KEY, phone VARCHAR, born INTEGER, name VARCHAR)")
        connection.execute("INSERT INTO paid VALUES (?, ?, ?, ?)", [TOKEN, PHONE, BORN, NAME])
        yield connection


@pytest.fixture(scope="module")
def discretion(tmp_path_factory: pytest.TempPathFactory) -> Discretion:
    return Discretion.about(people(tmp_path_factory.mktemp("people")).values())


def said_of(rows: duckdb.DuckDBPyConnection, query: str) -> str:
    with pytest.raises(duckdb.Error, match=r".") as failure:
        rows.execute(query).fetchall()
    return f"Runtime Error in model paid_by_town (models/gold/paid_by_town.sql)\n  {failure.value}"


QUOTING = [
    "SELECT CAST(payer AS INTEGER) FROM paid",
    "SELECT\n  CAST(phone AS INTEGER)\nFROM paid",
    "SELECT CAST(name AS DATE) FROM paid",
    "SELECT CAST([name, phone] AS INTEGER[]) FROM paid",
    "SELECT CAST(born AS TINYINT) FROM paid",
    "SELECT born + CAST(2147483647 AS INTEGER) FROM paid",
    "SELECT error('no such town: ' || name || phone) FROM paid",
    "SELECT strptime(name, '%Y') FROM paid",
    "SELECT json_extract(name, '$.a') FROM paid",
    "INSERT INTO paid SELECT * FROM paid",
]


@pytest.mark.parametrize("query", QUOTING)
def test_no_value_of_a_row_is_in_what_is_said(rows: duckdb.DuckDBPyConnection, discretion: Discretion, query: str) -> None:
    message = said_of(rows, query)
    assert any(secret in message for secret in SECRETS), "DuckDB does quote the row"
    said = discretion.words(message)
    assert not [secret for secret in SECRETS if secret in said]
    assert said.startswith("Runtime Error in model paid_by_town (models/gold/paid_by_town.sql)\n  ")
    assert "Error: not shown" in said


def test_the_place_of_an_error_is_told(rows: duckdb.DuckDBPyConnection, discretion: Discretion) -> None:
    said = discretion.words(said_of(rows, "SELECT\n  CAST(phone AS INTEGER)\nFROM paid"))
    assert "Conversion Error: not shown (column phone, line 2), because" in said


def test_what_is_wrong_with_the_sql_is_told_in_full(rows: duckdb.DuckDBPyConnection, discretion: Discretion) -> None:
    for query in (
        "SELECT nonsense FROM paid",
        "SELECT * FROM nowhere",
        "SELECT FROM WHERE",
        "INSERT INTO paid (phone) SELECT phone FROM paid",
    ):
        message = said_of(rows, query)
        assert discretion.words(message) == message


def test_without_sensitive_columns_in_reach_only_tokens_are_hidden(rows: duckdb.DuckDBPyConnection) -> None:
    nobodys = Discretion()
    assert f"value {BORN}" in nobodys.words(said_of(rows, "SELECT CAST(born AS TINYINT) FROM paid"))
    said = nobodys.words(said_of(rows, "SELECT CAST(payer AS INTEGER) FROM paid"))
    assert "'tok_***' to INT32" in said
    assert TOKEN not in said


def test_an_example_row_hides_sensitive_columns_and_tokens_under_any_name(discretion: Discretion) -> None:
    row = {"payer": TOKEN, "phone": PHONE, "mail_hash": TOKEN, "town": "Rom", "amount": -5, "gone": None}
    assert discretion.row(row) == "payer=***, phone=***, mail_hash=tok_***, town=Rom, amount=-5"
