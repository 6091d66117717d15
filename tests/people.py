"""A made-up product with personal data, for tests: members, a snapshot, and payments by day that refer to them. Its values are planted.

Each planted value is found nowhere else, so that a search for it in all bytes of a lake proves something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.reading.odcs import load_contracts
from contract_head import landing_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from assay.contracts.model.contract import Contract

MEMBERS = (
    landing_head("members", path="members/members_{arrival:yyyy-MM-dd}*.csv")
    + """\
schema:
  - name: members_landing
    physicalType: file
    properties:
      - {name: email, logicalType: string}
      - {name: full_name, logicalType: string, classification: personal}
      - {name: phone, logicalType: string}
      - {name: born, logicalType: string}
      - {name: iban, logicalType: string, classification: restricted}
      - {name: diet, logicalType: string, classification: restricted}
      - {name: town, logicalType: string}
  - name: members
    physicalType: table
    description: Who pays.
    dataGranularityDescription: one row per member
    properties:
      - name: email
        logicalType: string
        required: true
        primaryKey: true
        classification: personal
        logicalTypeOptions: {pattern: "^[^@ ]+@[^@ ]+$", maxLength: 60}
        customProperties:
          - {property: masking, value: {method: tokenize}}
          - {property: subject, value: customer}
      - {name: full_name, logicalType: string, logicalTypeOptions: {minLength: 3}}
      - name: phone
        logicalType: string
        classification: personal
        customProperties:
          - {property: masking, value: {method: truncate, keep: 4}}
      - name: born
        logicalType: date
        classification: personal
        logicalTypeOptions: {minimum: 1800-01-01}
        customProperties:
          - {property: masking, value: {method: generalize, to: year}}
      - name: iban
        logicalType: string
        classification: restricted
        customProperties:
          - {property: masking, value: {method: encrypt}}
      - {name: town, logicalType: string, enum: [{value: Bonn}, {value: Ulm}]}
    customProperties:
      - {property: eventTime, value: none, description: Members have no events.}
"""
)
PAYMENTS = (
    landing_head("payments", path="payments/payments_{arrival:yyyy-MM-dd}*.csv")
    + """\
schema:
  - name: payments_landing
    physicalType: file
    properties:
      - {name: day, logicalType: string}
      - {name: payment, logicalType: string}
      - {name: payer, logicalType: string}
      - {name: amount, logicalType: string}
      - {name: salary, logicalType: string}
      - {name: remark, logicalType: string, classification: personal}
  - name: payments
    physicalType: table
    description: What was paid.
    dataGranularityDescription: one row per payment
    properties:
      - {name: payment_date, logicalType: date, required: true, partitioned: true}
      - {name: payment, logicalType: integer, required: true, primaryKey: true}
      - name: payer
        logicalType: string
        classification: personal
        customProperties:
          - {property: subject, value: customer}
        relationships:
          - to: members.email
            customProperties:
              - {property: name, value: payer_known}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - name: salary
        logicalType: integer
        classification: restricted
        logicalTypeOptions: {maximum: 900000000000}
        customProperties:
          - {property: masking, value: {method: generalize, to: 10000000000}}
        quality:
          - name: salary_usual
            type: sql
            query: SELECT MAX({property}) FROM {object}
            mustBeLessThan: 800000000000
            description: Nobody earns so much.
      - {name: remark, logicalType: string}
    quality:
      - name: remark_polite
        type: custom
        engine: assay
        implementation: remark NOT LIKE '%fool%'
        description: Remarks are polite.
      - name: payer_not_remarked
        type: custom
        engine: assay
        implementation: remark <> payer
        description: A remark is no address.
    customProperties:
      - property: eventTime
        value: {expression: day, format: yyyy-MM-dd, timeZone: Etc/UTC}
      - property: partitioning
        value: {grain: day, start: 2024-01-01, end: 2024-04-01}
      - property: arrival
        value: {grain: day, start: 2024-01-01, end: 2024-04-01, lateness: 40}
      - property: rejectedShare
        value: {mustBeLessThan: 0.9}
"""
)
MEMBER = {
    "email": "ada@example.org", "full_name": "Ada Byron", "phone": "+49 151 555", "born": "1990-05-17", "iban": "DE00", "diet": "none",
    "town": "Bonn",
}  # fmt: skip
PAYMENT = {"day": "2024-01-01", "payment": "1", "payer": "ada@example.org", "amount": "10", "salary": "51234567890", "remark": "thanks"}


def write_people(folder: Path, *changes: tuple[str, str]) -> Path:
    """The contracts of members and payments in a folder, after replacing pieces of their text that are there once."""
    texts = {"members": MEMBERS, "payments": PAYMENTS}
    for old, new in changes:
        assert sum(text.count(old) for text in texts.values()) == 1, f"{old!r} is not there once"
        texts = {name: text.replace(old, new) for name, text in texts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.odcs.yaml").write_text(text)
    return folder


def people(folder: Path, *changes: tuple[str, str]) -> dict[str, Contract]:
    return load_contracts(write_people(folder, *changes))


def csv_of(default: Mapping[str, str], rows: Iterable[Mapping[str, str]]) -> str:
    """A landing file of rows that differ from the default in what they say."""
    lines = [",".join({**default, **row}.values()) for row in rows]
    return "\n".join([",".join(default), *lines]) + "\n"
