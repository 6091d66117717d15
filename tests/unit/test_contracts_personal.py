"""Personal data are declared once: what is made from them is as sensitive, and masked by default; what says otherwise is a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assay.contracts.model.fingerprint import landing_terms
from assay.contracts.reading.examine import examine
from people import people, write_people

if TYPE_CHECKING:
    from pathlib import Path

FULL_NAME = "{name: full_name, logicalType: string, logicalTypeOptions: {minLength: 3}}"
REMARK = "      - {name: remark, logicalType: string}\n"
BORN = "        logicalTypeOptions: {minimum: 1800-01-01}\n        customProperties:\n          - {property: masking, value: {method: generalize, to: year}}\n"
GENERALIZED = "        customProperties:\n          - {property: masking, value: {method: generalize, to: 10000000000}}\n"
TOKENIZED = "          - {property: masking, value: {method: tokenize}}\n"


def maskings(folder: Path, *changes: tuple[str, str]) -> dict[str, str]:
    contracts = people(folder, *changes)
    return {f"{c.dataset}.{one.name}": str(one.masking.method) for c in contracts.values() for one in c.columns if one.masking}


def test_a_sensitive_column_without_a_masking_is_masked_by_default(tmp_path: Path) -> None:
    found = maskings(tmp_path, (BORN, "        logicalTypeOptions: {minimum: 1800-01-01}\n"))
    assert found["members.full_name"] == found["payments.remark"] == "tokenize", "classified where it lands"
    assert found["payments.payer"] == "tokenize", "classified where it is published"
    assert found["members.born"] == "nullify", "a date has no token"


def test_what_an_expression_makes_of_sensitive_columns_is_sensitive_unless_it_says_that_it_is_not(tmp_path: Path) -> None:
    made = "{name: full_name, logicalType: string, transformLogic: \"CONCAT(full_name, '!')\"}"
    assert maskings(tmp_path / "a", (FULL_NAME, made))["members.full_name"] == "tokenize"
    initial = made.replace("CONCAT(full_name, '!')", "LEFT(full_name, 1)").replace("full_name,", "initial, classification: public,", 1)
    assert "members.initial" not in maskings(tmp_path / "b", (FULL_NAME, initial))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (FULL_NAME, FULL_NAME.replace("}}", "}, classification: public}"), "it is public, and full_name lands as personal or restricted"),
        (REMARK, REMARK + "      - {name: who, logicalType: string, classification: internal, transformSourceObjects: [payer]}\n",
         "it is internal, and payer is published by payer as personal"),
        (BORN, "        required: true\n", "it is personal and required, and a date is masked as null"),
        ("logicalType: date, required: true, partitioned: true}", "logicalType: date, required: true, partitioned: true, classification: personal}",
         "the partition column is personal, and cannot be masked"),
        ("{name: payment, logicalType: integer, required: true, primaryKey: true}",
         "{name: payment, logicalType: integer, required: true, primaryKey: true, classification: personal}",
         "the key column is personal, and a integer cannot become a token"),
        (TOKENIZED + "          - {property: subject, value: customer}\n",
         TOKENIZED + "          - {property: subject, value: customer}\n        transformDescription: By hand.\n        transformSourceObjects: [email]\n",
         "a transform fills the column of a subject"),
    ],
)  # fmt: skip
def test_what_cannot_be_masked_or_is_left_open_is_a_fault(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    write_people(tmp_path, (old, new))
    assert [one for one in examine(sorted(tmp_path.glob("*.yaml"))) if complaint in one.complaint], examine(sorted(tmp_path.glob("*.yaml")))


def test_a_rule_cannot_look_into_a_column_that_is_masked_beyond_recognition(tmp_path: Path) -> None:
    write_people(tmp_path, ("to: members.email", "to: members.phone"))
    found = examine(sorted(tmp_path.glob("*.yaml")))
    assert ["looks into members.phone, which is published by truncate" in one.complaint for one in found] == [True]
    write_people(tmp_path / "b", ("to: members.email", "to: members.iban"))
    assert examine(sorted((tmp_path / "b").glob("*.yaml"))) == []


def test_what_is_hidden_is_part_of_what_bronze_means(tmp_path: Path) -> None:
    plain = people(tmp_path / "a", ("diet, logicalType: string, classification: restricted", "diet, logicalType: string"))["members"]
    assert landing_terms(plain) != landing_terms(people(tmp_path / "b")["members"]), "its rejected rows have to be written anew"
