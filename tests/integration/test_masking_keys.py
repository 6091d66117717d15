"""Keys as people handle them: made once, turned, lost; and the definitions load without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from people_world import People

from assay.masking.keyring import read_ring
from assay.orchestration.build import assemble

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> People:
    people = People.make(tmp_path_factory.mktemp("people"))
    people.members([{"iban": "DE02120300000000202051"}, {"email": "bob@x"}])
    people.payments("2024-01-01", [{}, {"payer": "bob@x"}])
    assert "Made a key" in people.run("backfill")
    return people


@pytest.fixture
def people(built: People, tmp_path: Path) -> People:
    return built.copy_to(tmp_path / "copy")


def ids(people: People, table: str, column: str) -> set[str]:
    return set(people.rows(table)[column].str.split("_").list.get(1))


def test_after_a_rotation_a_backfill_masks_everything_anew_and_joins_hold(people: People) -> None:
    old = read_ring(people.settings.masking_keys).current.id
    assert "Nothing to do" in people.run("backfill")
    people.run("keys", "rotate")
    ring = read_ring(people.settings.masking_keys)
    assert [key.id for key in ring.keys][1:] == [old]
    people.run("backfill")
    new = {ring.current.id}
    tables = {"silver/members": "email", "silver/payments": "payer", "gold/paid_by_town": "payer"}
    assert {name: ids(people, name, column) for name, column in tables.items()} == dict.fromkeys(tables, new)
    assert people.rows("gold/paid_by_town")["town"].null_count() == 0
    assert "Nothing to do" in people.run("backfill")
    assert (people.home / "masking.keys").stat().st_mode & 0o077 == 0


def test_a_table_is_judged_rightly_while_the_one_it_refers_to_has_tokens_of_the_old_key(people: People) -> None:
    people.run("keys", "rotate")
    people.run("backfill", "--select", "silver/payments")
    assert people.rows("silver/payments").height == 2
    assert ids(people, "silver/payments", "payer") != ids(people, "silver/members", "email")


def test_a_lost_key_is_an_error_at_the_step_and_not_at_the_load(people: People) -> None:
    (people.home / "masking.keys").unlink()
    assert assemble(people.settings, people.contracts).definitions.resolve_all_job_defs()
    versions = people.rows("silver/members")
    said = people.run("backfill", code=1)
    assert "MaskingKeyMissing: Tried to read" in said
    assert "`assay init` makes one" in said
    assert people.rows("silver/members").equals(versions)
    assert "Made a key" in people.run("init")
    people.run("backfill")
    assert ids(people, "silver/members", "email") == {read_ring(people.settings.masking_keys).current.id}


def test_what_was_encrypted_is_read_by_whoever_has_the_key(people: People) -> None:
    sealed = people.rows("silver/members")["iban"].to_list()
    said = people.ask("keys", "decrypt", "members.iban", stdin="\n".join(sealed) + "\n")
    assert sorted(said.split()) == ["DE00", "DE02120300000000202051"]


def test_a_reference_may_lead_to_a_variable_and_never_be_the_key(people: People) -> None:
    entries = (people.home / "masking.keys").read_text().splitlines()[-1]
    (people.home / "masking.keys").unlink()
    people.more = {"ASSAY_MASKING_KEYS": "env:OUR_KEYS", "OUR_KEYS": entries}
    people.run("backfill", "--force", "--select", "silver/members")
    assert "not for Assay to write" in people.run("keys", "rotate", code=1)
    people.more = {"ASSAY_MASKING_KEYS": entries}
    said = people.run("backfill", code=1)
    assert "ASSAY_MASKING_KEYS is no reference to a secret" in said
    assert entries.partition(":")[2] not in people.said
