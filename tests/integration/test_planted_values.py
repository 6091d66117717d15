"""Planted values of people arrive in every way in which rows arrive. Afterwards they are in what landed and in bronze, and nowhere else."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import polars as pl
import pytest
from people_world import People, found_in

from assay.erasure.places import places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow  # each command is a process


ELSEWHERE = {"TMPDIR": "temporary", "HOME": "user", "XDG_CACHE_HOME": "caches"}
DRAFT = "drafted.odcs.yaml"  # where `assay new` was told to


class Planter:
    """Values of made-up people, no two alike, each of which is remembered."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self.numbers: Iterator[int] = itertools.count(1)

    def plant(self, value: str) -> str:
        self.values.append(value)
        return value

    def email(self) -> str:
        return self.plant(f"planted.{next(self.numbers)}.mail@secret.example")

    def name(self) -> str:
        return self.plant(f"Plantagenet Nr {next(self.numbers)} Name")

    def phone(self) -> str:
        return self.plant(f"+49 151 77{next(self.numbers):05d}3")

    def iban(self) -> str:
        return self.plant(f"DE8837040044053201{next(self.numbers):04d}")

    def salary(self, millions: int = 510_000) -> str:
        return self.plant(f"{millions}{next(self.numbers):06d}")

    def person(self, **said: str) -> dict[str, str]:
        made = {"email": self.email, "full_name": self.name, "phone": self.phone, "born": self.born, "iban": self.iban, "diet": self.name}
        return {name: said[name] if name in said else make() for name, make in made.items()} | said

    def born(self) -> str:
        number = next(self.numbers)
        return self.plant(f"18{30 + number % 70}-0{number % 9 + 1}-1{number % 7 + 3}")

    def payment(self, **said: str) -> dict[str, str]:
        made = {"payer": self.email, "salary": self.salary, "remark": self.name}
        return {name: said[name] if name in said else make() for name, make in made.items()} | said


@pytest.fixture(scope="module")
def planter() -> Planter:
    return Planter()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, planter: Planter) -> People:
    """Everything happens that can happen to a row, and all that people do about it."""
    people = People.make(tmp_path_factory.mktemp("people"), apart=True)
    for name, folder in ELSEWHERE.items():
        people.more[name] = str(people.home.parent / folder)
        (people.home.parent / folder).mkdir()
    people.run("init")
    arrive(people, planter)
    people.rule("town = 'Nowhere' or full_name is null")
    assert "town_known" in people.run("backfill", code=1)
    people.rule("amount >= 0")
    people.run("backfill", code=1)
    look_around(people)
    people.edit("payments", "remark NOT LIKE '%fool%'", "CAST(remark AS INTEGER) < 3")
    assert "the engine's words are not shown" in people.run("backfill", code=1)
    people.edit("payments", "CAST(remark AS INTEGER) < 3", "remark NOT LIKE '%fool%'")
    people.edit(
        "payments", "      - property: arrival", "      - {property: transform, value: hostile_transform:refuse}\n      - property: arrival"
    )
    people.payments("2024-01-20", [planter.payment(remark=planter.plant("boom goes planted remark"))])
    people.run("backfill", code=1)
    assert any(path.startswith("home/dagster/") for path in found_in(people.home.parent, ["ValueError in hostile_transform.py"]))
    return people


def arrive(people: People, planter: Planter) -> None:
    """Good rows, rows that break each kind of rule, rows without a date, refused partitions, and files that cannot be read."""
    good = [planter.person() for _ in range(4)]
    bad = [
        planter.person(email=planter.plant("planted no address")), planter.person(full_name="Xi"), planter.person(town="Rom"),
        planter.person(born=planter.plant("1771-02-31")), planter.person(born=planter.plant("1771-02-03")), planter.person(email=""),
        planter.person(email=planter.plant("planted-long-" * 6 + "@x")),
    ]  # fmt: skip
    people.members([*good, *bad])
    emails = [person["email"] for person in good]
    people.payments("2024-01-01", [planter.payment(payer=email) for email in emails])
    people.payments("2024-01-02", [
        *(planter.payment(payer=email) for email in emails), planter.payment(), planter.payment(payer=emails[0], amount="-5"),
        planter.payment(payer=emails[0], amount="much"), planter.payment(payer=emails[0], salary=planter.salary(920_000)),
        planter.payment(payer=emails[1], remark=planter.plant("what a fool Planted Heinz is")), planter.payment(payer=emails[1], remark=emails[1]),
        planter.payment(payer=emails[0], day="someday"), planter.payment(day="2031-01-01"), planter.payment(payer=emails[2], payment="1"),
    ])  # fmt: skip
    people.payments(
        "2024-01-03", [planter.payment(payer=emails[0], salary=planter.salary(830_000))]
    )  # breaks a promise about the partition
    people.payments("2024-01-04", [planter.payment() for _ in range(5)])  # too many are rejected
    header = "day,payment,payer,amount,salary,remark\n"
    people.land("payments", "2024-01-05", f"{header}2024-01-05,1,{planter.email()}\n")
    people.land("payments", "2024-01-06", f'{header}2024-01-06,1,{planter.email()},1,2,"{planter.name()}\n')
    people.land("payments", "2024-01-07", header.encode() + f"2024-01-07,1,{planter.email()},1,2,\xff\xfe".encode("latin-1"))
    people.land("payments", "2024-01-08", f"2024-01-08,1,{planter.email()},1,2,{planter.name()}\n")


def look_around(people: People) -> None:
    """What consumers and the person on call ask."""
    for table in ("bronze.members", "bronze.payments", "silver.members", "silver.payments", "gold.paid_by_town"):
        people.ask("sql", f"select * from {table}", "--format", "json")
    for dataset in ("members", "payments"):
        for view in ("quarantine", "refused", "discarded"):
            people.ask("sql", f"select * from {view}.{dataset}", "--format", "json")
        people.ask("quarantine", "show", dataset, "--raw", "--format", "json")
        people.ask("quarantine", "show", dataset, "--refused", "--raw", "--format", "json")
        people.ask("quarantine", "discard", dataset, "--rule", "amount_minimum", "--reason", "not ours", "--yes", code=dataset == "members")
        people.ask("quarantine", "history", dataset, "--format", "json")
    people.run("quarantine", "replay", "payments")
    for command in (("quarantine", "list"), ("tables",), ("summary",), ("keys", "list")):
        people.ask(*command)
    sample = str(people.home / "landing/members/members_2024-01-01.csv")
    people.ask("new", "drafted", "--from", sample, "--owner", "team:x", "--to", str(people.home))
    people.dbt_build()


def test_every_fate_was_met(people: People) -> None:
    rules = set(people.rows("quarantine/members")["rule"]) | set(people.rows("quarantine/payments")["rule"])
    assert {"email_pattern", "full_name_length", "town_enum", "born_type", "born_minimum", "email_required", "email_length"} <= rules
    assert {"payer_known", "amount_minimum", "amount_type", "salary_maximum", "remark_polite", "event_time_readable"} <= rules
    for said in (
        "salary_usual",
        "rejectedShare",
        "expected 6 values, found 3",
        "a quote that does not",
        "not utf-8",
        "none of the contract's columns",
    ):
        assert said.lower() in people.said.lower()
    assert people.rows("gold/paid_by_town").height > 4


def test_bronze_keeps_what_landed(people: People, planter: Planter) -> None:
    found = found_in(people.home / "lake/bronze", planter.values)
    never_read = {
        value for value in planter.values if value not in str(people.rows("bronze/members").rows() + people.rows("bronze/payments").rows())
    }
    assert set().union(*found.values()) == set(planter.values) - never_read
    assert len(never_read) < 8, "those of the files that cannot be read"


def test_the_log_of_bronze_has_no_value(people: People, planter: Planter) -> None:
    found = found_in(people.home / "lake/bronze", planter.values)
    assert [path for path in found if "_delta_log" in path] == []


def test_planted_values_are_nowhere_but_in_what_landed_and_in_bronze(people: People, planter: Planter) -> None:
    found = found_in(people.home.parent, planter.values)
    elsewhere = {path: values for path, values in found.items() if not path.startswith(("home/landing/", "home/lake/bronze/"))}
    assert elsewhere == {}
    assert any(path.startswith("home/lake/bronze/") for path in found)


def test_nothing_is_written_where_an_erasure_does_not_look(people: People) -> None:
    """A new place belongs into `erasure/places.py`; what belongs to nobody in the home is looked through, but has to be thought of."""
    assert {path.name for path in people.home.iterdir()} <= {*people.settings.own_entries, DRAFT}
    known = {path for place in places(people.settings) for path in place.files()}
    written = {path for path in people.home.parent.rglob("*") if path.is_file() and not path.is_relative_to(people.contracts)}
    assert {path for path in written - known if not path.is_relative_to(people.settings.landing)} == set()
    assert {path.parts[len(people.home.parent.parts)] for path in written} == {"home", "dbt_project"}


def test_no_command_has_said_a_planted_value(people: People, planter: Planter) -> None:
    assert "***" in people.said
    assert [value for value in planter.values if value in people.said] == []


def test_the_search_would_have_found_them(people: People, planter: Planter, tmp_path: Path) -> None:
    """Also where they are packed, or cut across the pages of a database."""
    import sqlite3

    value = planter.values[0]
    pl.DataFrame({"x": [value] * 5000}).write_parquet(tmp_path / "a.parquet", compression="zstd")
    with sqlite3.connect(tmp_path / "b.db") as database:
        database.execute("create table t (x text)")
        database.executemany("insert into t values (?)", [("-" * length + value,) for length in range(4000, 4100)])
    database.close()
    (tmp_path / "c.log").write_text(f"failed on {value}")
    assert set(found_in(tmp_path, [value])) == {"a.parquet", "b.db", "c.log"}


def test_silver_joins_where_the_raw_values_did(people: People) -> None:
    members, payments = people.rows("silver/members"), people.rows("silver/payments")
    assert members["email"].str.starts_with("tok_k").all()
    assert payments.join(members, left_on="payer", right_on="email", how="anti").is_empty()


def test_the_key_file_is_for_its_owner_only_and_its_key_is_in_no_other_file(people: People) -> None:
    path = people.home / "masking.keys"
    secret = path.read_text().strip().splitlines()[-1].partition(":")[2]
    assert path.stat().st_mode & 0o077 == 0
    assert found_in(people.home.parent, [secret]) == {"home/masking.keys": {secret}}
    assert secret not in people.said
