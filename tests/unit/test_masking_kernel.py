"""Masking in the kernel: rules see what landed, everything that leaves it is masked, and what is set aside quotes nobody."""

from __future__ import annotations

import errno
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from assay.contracts.model.contract import EVENT_DATE
from assay.errors import AssayError, ContractInvalid
from assay.ingest.bronze import bronze_spec, event_dates
from assay.lake.publisher import fingerprint
from assay.masking.keyring import MaskingKeyMissing
from assay.masking.methods import Masks
from assay.masking.redaction import HIDDEN, StepFailed, nothing_quoted
from assay.masking.tokens import decrypt, tokenizer
from assay.refine.kernel import Refined, refine
from assay.settings import SecretReference
from orders import orders_contract
from people import MEMBER, PAYMENT, people
from sales import KEYS, sold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract

DAY = "2024-01-01"
ADA = "ada@example.org"


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Contract]:
    return people(tmp_path_factory.mktemp("contracts"))


def bronze(contract: Contract, default: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> pl.LazyFrame:
    frame = pl.DataFrame([{**default, **row} for row in rows], schema=dict.fromkeys(default, pl.String)).with_columns(
        pl.lit("a.csv").alias("_source_file"), pl.int_range(1, len(rows) + 1).alias("_source_row"), pl.lit("h").alias("_source_hash"),
        pl.lit(date(2024, 1, 1)).alias("_arrival_date"),
    )  # fmt: skip
    frame = frame.with_columns(event_dates(frame, contract)) if contract.event_time else frame
    return frame.select(bronze_spec(contract).schema.names).lazy()


def members(contracts: Mapping[str, Contract], *rows: Mapping[str, str], masks: Masks | None = None) -> Refined:
    return refine(bronze(contracts["members"], MEMBER, rows), contracts["members"], {}, None, "test", masks=masks or Masks(KEYS))


def payments(contracts: Mapping[str, Contract], there: Sequence[str], *rows: Mapping[str, str], masks: Masks | None = None) -> Refined:
    numbered = [{"payment": str(number), **row} for number, row in enumerate(rows, 1)]
    known: dict[Any, pl.Series] = {("members", "email"): pl.Series(there, dtype=pl.String)}
    frame = bronze(contracts["payments"], PAYMENT, numbered).filter(pl.col(EVENT_DATE).is_not_null())
    return refine(frame, contracts["payments"], known, None, "test", masks=masks or Masks(KEYS, contracts))


def test_every_method_masks_its_column(contracts: dict[str, Contract]) -> None:
    masks = Masks(KEYS)
    row = members(contracts, {"iban": "DE02120300000000202051"}, masks=masks).published.row(0, named=True)
    assert row["email"] == tokenizer(masks.ring.current, "subject:customer")(ADA)
    assert row["full_name"] == tokenizer(masks.ring.current, "column:members.full_name")("Ada Byron")
    assert (row["phone"], row["born"], row["town"]) == ("+49 ", date(1990, 1, 1), "Bonn")
    assert decrypt(masks.ring, "column:members.iban", row["iban"]) == "DE02120300000000202051"


def test_rules_judge_the_values_as_they_landed(contracts: dict[str, Contract]) -> None:
    rows = [
        {},
        {"email": "no address"},
        {"full_name": "A", "email": "b@c"},
        {"born": "1799-12-31", "email": "c@d"},
        {"town": "Rom", "email": "d@e"},
    ]
    found = members(contracts, *rows)
    assert found.published.height == 1
    assert found.rejected["rule"].to_list() == ["email_pattern", "full_name_length", "born_minimum", "town_enum"]


def test_of_two_rows_with_one_raw_key_the_later_is_published(contracts: dict[str, Contract]) -> None:
    found = members(contracts, {"phone": "+49 111"}, {"phone": "+33 222"}, {"email": "b@c"})
    assert found.tallies["all"].duplicates == 1
    assert sorted(found.published["phone"]) == ["+33 ", "+49 "]


def test_the_order_of_rows_does_not_tell_the_order_of_raw_keys(contracts: dict[str, Contract]) -> None:
    published = members(contracts, *({"email": f"{letter}@x"} for letter in "abcdefgh")).published
    assert published["email"].is_sorted()


def test_a_reference_to_a_masked_column_is_judged_by_tokens(contracts: dict[str, Contract]) -> None:
    there = members(contracts, {}, {"email": "bob@x"}).published["email"].to_list()
    found = payments(contracts, there, {}, {"payer": "eve@x", "remark": "b"}, {"payer": "bob@x", "remark": "c"})
    assert found.published["payer"].to_list() == there or sorted(found.published["payer"]) == sorted(there)
    assert found.rejected.select("rule", "reason").rows() == [
        ("payer_known", f"payer_known: Found {HIDDEN}. Promised: payer is in members.")
    ]


def test_a_reference_holds_while_the_other_table_has_tokens_of_an_old_key(contracts: dict[str, Contract]) -> None:
    ring = Masks(KEYS).ring
    old, new = (tokenizer(ring.key(id_), "subject:customer")(ADA) for id_ in ("test1", "test2"))
    assert ring.current.id == "test2"
    found = payments(contracts, [old], {})
    assert found.published["payer"].to_list() == [new]
    with pytest.raises(MaskingKeyMissing, match="lost1 is not in the key ring"):
        payments(contracts, [old.replace("test1", "lost1")], {})


def test_a_reference_holds_while_the_other_table_is_not_as_its_contract_masks_it_by_now(contracts: dict[str, Contract]) -> None:
    """A partition of it may be refused, or still to be built: what it holds is what it publishes."""
    key = Masks(KEYS).ring.current
    raw, own, elsewhere = "ada@x", tokenizer(key, "column:members.email")("bob@x"), tokenizer(key, "subject:visitor")("cyd@x")
    plain = [replace(column, masking=None, subject=None) if column.name == "email" else column for column in contracts["members"].columns]
    opened = {**contracts, "members": replace(contracts["members"], columns=tuple(plain))}
    visits = [replace(column, subject="visitor") for column in contracts["members"].columns if column.name == "email"]
    opened["visits"] = replace(contracts["members"], columns=tuple(visits))
    rows = [{"payer": payer, "remark": "a"} for payer in ("ada@x", "bob@x", "cyd@x", "eve@x", own)]
    for said in (opened, opened | {"members": contracts["members"]}):
        found = payments(contracts, [raw, own, elsewhere], *rows, masks=Masks(KEYS, said))
        assert found.published["payment"].sort().to_list() == [1, 2, 3] + ([5] if said is opened else [])


def test_nothing_that_is_set_aside_quotes_a_sensitive_value(contracts: dict[str, Contract]) -> None:
    secret = "zz-planted-zz"
    rows = [{"email": secret, "full_name": secret}, {"email": "a@b", "born": secret}, {"email": "b@c", "full_name": "x", "diet": secret}]
    found = members(contracts, *rows)
    assert found.rejected.height == 3
    assert secret not in str(found.rejected.rows())
    assert f'"email":"{HIDDEN}"' in found.rejected["raw"][0]
    assert '"town":"Bonn"' in found.rejected["raw"][0]
    there = members(contracts, {}).published["email"].to_list()
    wrong = [{"remark": f"{secret} fool"}, {"remark": secret, "payer": secret}, {"salary": "901234567890"}, {"amount": "-77"}]
    paid = payments(contracts, there, *wrong)
    assert paid.rejected["rule"].to_list() == ["remark_polite", "payer_known", "salary_maximum", "amount_minimum"]
    said = str(paid.rejected.rows())
    assert secret not in said
    assert "901234567890" not in said
    assert "Found -77.0" in said, "what is not sensitive is shown as before"


def test_what_a_rule_about_several_columns_finds_is_not_the_whole_row(tmp_path: Path) -> None:
    from sales import sales_contract

    found = sold(sales_contract(tmp_path), [{"till": "9", "first_name": "Planted"}])
    assert found.rejected["rule"].to_list() == ["till_known"]
    assert "Planted" not in str(found.rejected.rows())


def test_a_refusal_does_not_tell_what_one_person_earns(contracts: dict[str, Contract]) -> None:
    there = members(contracts, {}).published["email"].to_list()
    refusal = payments(contracts, there, {"salary": "812345678901"}).tallies[DAY].refusal(contracts["payments"])
    assert refusal is not None
    assert "salary_usual" in refusal
    assert f"measured: {HIDDEN}." in refusal
    assert "812345678901" not in refusal


def test_without_a_key_what_needs_one_fails_and_what_needs_none_does_not(contracts: dict[str, Contract], tmp_path: Path) -> None:
    nowhere = Masks(SecretReference("file", str(tmp_path / "nowhere")))
    with pytest.raises(MaskingKeyMissing, match=r"Tried to read .*nowhere; No such file or directory"):
        members(contracts, {}, masks=nowhere)
    keyless = orders_contract(tmp_path, "{minLength: 2, maxLength: 5}", "{minLength: 2, maxLength: 5}, customProperties: [{property: masking, value: {method: truncate, keep: 1}}]")  # fmt: skip
    from orders import bronze_of

    frame = refine(bronze_of(keyless, [{}]).lazy(), keyless, {("customers", "customer"): pl.Series(["ada"])}, None, "x", masks=nowhere)
    assert frame.published["note"].to_list() == ["h"]


def test_another_current_key_is_another_meaning_where_a_key_is_used(contracts: dict[str, Contract], tmp_path: Path) -> None:
    lines = [line for line in KEYS.read().splitlines() if not line.startswith("#")]
    turned = tmp_path / "turned"
    turned.write_text("\n".join(reversed(lines)))
    now, then = Masks(KEYS), Masks(SecretReference("file", str(turned)))
    assert fingerprint(now.meaning(contracts["members"])) != fingerprint(then.meaning(contracts["members"]))
    assert now.meaning(orders_contract(tmp_path / "orders")) == ()
    assert "2222" not in str(now.meaning(contracts["members"]))


def test_an_error_among_personal_rows_leaves_without_its_words_and_its_causes(contracts: dict[str, Contract]) -> None:
    said = r"Tried to work on members; ValueError in test_masking_kernel\.py, line \d+\."
    with pytest.raises(StepFailed, match=said) as failure, nothing_quoted(contracts["members"]):
        raise ValueError(ADA)
    assert (failure.value.__cause__, failure.value.__suppress_context__) == (None, True)
    with pytest.raises(ContractInvalid, match="ours") as ours, nothing_quoted(contracts["members"]):
        _from_value_error()
    assert (ours.value.__cause__, ours.value.__suppress_context__) == (None, True)
    open_ = replace(contracts["members"], columns=(), source=replace(contracts["members"].source, classifications=("",) * 7))
    with pytest.raises(ValueError, match=ADA), nothing_quoted(open_):
        raise ValueError(ADA)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, f"{ADA} is not allowed", "/lake/silver/members"), "Permission denied: /lake/silver/members."),
        (OSError(errno.ENOSPC, f"[Errno 28] Error writing {ADA}. Detail: [errno 28]"), "No space left on device."),
        (RuntimeError(f"Generic error: cannot write {ADA} (os error 13)"), "Permission denied."),
    ],
)
def test_what_the_system_refuses_among_personal_rows_is_told_in_its_own_words(
    contracts: dict[str, Contract], error: Exception, said: str
) -> None:
    """They quote no row. Before, a disk that was full, or a table of another user, was said to be a fault of a line of a library."""
    with pytest.raises(StepFailed) as failure, nothing_quoted(contracts["members"]):
        raise error
    assert str(failure.value) == f"Tried to work on members; {said} Nothing was published by that."


def _from_value_error() -> None:
    try:
        int(ADA)
    except ValueError as error:
        raise ContractInvalid("ours") from error


def test_an_engine_that_quotes_values_is_not_repeated(tmp_path: Path) -> None:
    contracts = people(tmp_path, ("remark NOT LIKE '%fool%'", "CAST(remark AS INTEGER) < 3"))
    with pytest.raises(AssayError, match="'remark_polite' cannot be evaluated: the engine's words are not shown") as failure:
        payments(contracts, [], {"remark": "planted words"})
    assert "planted" not in str(failure.value)
