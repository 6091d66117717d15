"""What masking does to values: tokens join and say nothing, spans hold their numbers, ciphertexts open for whoever has the key."""

from __future__ import annotations

import hmac
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.contracts.model.contract import Column, Masking, MaskingMethod
from assay.masking.keyring import Key, KeyRing, MaskingKeyMissing, new_entry, parse_ring
from assay.masking.methods import without_key
from assay.masking.tokens import NotDecipherable, decrypt, domain_of, each_once, encrypter, heads_of, tokenizer, without_tokens

KEY, OTHER = Key("k1", b"1" * 32), Key("k2", b"2" * 32)
TEXTS = st.text(max_size=40)
GENERALIZE, TRUNCATE = MaskingMethod.GENERALIZE, MaskingMethod.TRUNCATE


def column(kind: str, physical: str = "", **said: object) -> Column:
    return Column("x", kind, physical, required=False, description="", classification="personal", **said)  # type: ignore[arg-type]


def masked(values: list[object], of: Column, masking: Masking, dtype: pl.DataType | type[pl.DataType]) -> list[object]:
    texts = pl.Series([None if value is None else f"{value:f}" if isinstance(value, Decimal) else value for value in values])
    return pl.DataFrame({"x": texts.cast(dtype)}).select(without_key(of, masking))["x"].to_list()


@given(TEXTS)
def test_a_token_is_hmac_sha256_of_the_text_under_the_key_of_its_domain(text: str) -> None:
    key = hmac.digest(hmac.digest(KEY.secret, b"assay/masking/tokens/1", "sha256"), b"subject:customer", "sha256")
    assert tokenizer(KEY, "subject:customer")(text) == f"tok_k1_{hmac.digest(key, text.encode(), 'sha256').hex()[:32]}"


@given(st.lists(st.none() | TEXTS, max_size=30))
def test_equal_texts_and_no_others_have_equal_tokens_wherever_they_stand(texts: list[str | None]) -> None:
    token = tokenizer(KEY, "column:a.b")
    found = each_once(pl.Series(texts, dtype=pl.String), token).to_list()
    assert found == [None if text is None else token(text) for text in texts]
    assert len(set(found)) == len(set(texts))


def test_tokens_differ_by_key_and_by_domain_and_only_by_these() -> None:
    made = {tokenizer(key, domain)("ada") for key in (KEY, OTHER) for domain in ("subject:customer", "subject:driver", "column:a.b")}
    assert len(made) == 6
    assert heads_of(pl.Series([*made, None, "ada"])) == {("tok", "k1"), ("tok", "k2"), None}


def test_a_kind_of_person_is_one_domain_in_all_datasets_and_any_other_column_is_its_own() -> None:
    person, alone = column("string", subject="customer"), column("string")
    assert domain_of("orders", person) == domain_of("visits", person)
    assert domain_of("orders", alone) != domain_of("visits", alone)


@given(TEXTS)
def test_a_ciphertext_opens_with_its_key_and_domain_and_is_the_same_every_time(text: str) -> None:
    sealed = encrypter(KEY, "subject:customer")(text)
    assert sealed == encrypter(KEY, "subject:customer")(text)
    assert decrypt(KeyRing((OTHER, KEY)), "subject:customer", sealed) == text
    with pytest.raises(NotDecipherable, match="it is not of that"):
        decrypt(KeyRing((KEY,)), "subject:driver", sealed)
    with pytest.raises(MaskingKeyMissing, match="k1 is not in the key ring"):
        decrypt(KeyRing((OTHER,)), "subject:customer", sealed)


@pytest.mark.parametrize("text", ["", "ada", "tok_k1_abc", "enc_k1_", "enc_k1_!!!!", "enc_k1_AAAA", "enc_K1_AAAA"])
def test_what_is_no_ciphertext_is_refused(text: str) -> None:
    with pytest.raises(NotDecipherable):
        decrypt(KeyRing((KEY,)), "subject:customer", text)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 10))
def test_a_truncated_text_is_a_beginning_and_never_the_whole(text: str, keep: int) -> None:
    (found,) = masked([text], column("string"), Masking(TRUNCATE, keep=keep), pl.String)
    assert isinstance(found, str)
    assert text.startswith(found)
    assert len(found) == min(keep, max(len(text) - 1, 0))


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 10**6))
def test_a_whole_number_lies_in_the_span_that_it_is_generalized_to(number: int, width: int) -> None:
    (found,) = masked([number], column("integer", "BIGINT"), Masking(GENERALIZE, to=width), pl.Int64)
    assert found == max(number // width * width, -(2**63))


@pytest.mark.parametrize(
    ("number", "found"), [(-32768, -32768), (-32701, -32768), (-1, -100), (0, 0), (99, 0), (32767, 32700), (None, None)]
)
def test_a_span_that_begins_below_the_type_begins_with_its_lowest_number(number: int | None, found: int | None) -> None:
    assert masked([number], column("integer", "SMALLINT"), Masking(GENERALIZE, to=100), pl.Int16) == [found]


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0.001, 1e6))
def test_a_float_stays_finite_and_near(number: float, width: float) -> None:
    (found,) = masked([number], column("number", "DOUBLE"), Masking(GENERALIZE, to=width), pl.Float64)
    assert isinstance(found, float)
    assert abs(found) < float("inf")
    assert abs(number - found) <= width * 1.01 + abs(number) * 1e-9


@settings(deadline=None)
@given(st.decimals(min_value=Decimal("-99.99"), max_value=Decimal("99.99"), places=2), st.sampled_from([0.5, 5, 10, 1000, 0.25]))
def test_a_decimal_is_generalized_with_all_its_digits(number: Decimal, width: float) -> None:
    (found,) = masked([number], column("number", "DECIMAL(4, 2)"), Masking(GENERALIZE, to=width), pl.Decimal(4, 2))
    assert isinstance(found, Decimal)
    assert max(Decimal("-99.99"), number - Decimal(str(width))) <= found <= number


def test_a_decimal_of_as_many_digits_as_there_are_is_generalized_too() -> None:
    most, least, floor = Decimal("9" * 38), Decimal("-" + "9" * 38), Decimal("9" * 37 + "0")
    assert masked([least, most], column("number", "DECIMAL(38, 0)"), Masking(GENERALIZE, to=10), pl.Decimal(38, 0)) == [least, floor]


def test_dates_and_times_are_generalized_to_the_beginning_of_their_part() -> None:
    day, moment = date(1990, 5, 17), datetime(1990, 5, 17, 23, 59, 1, tzinfo=UTC)
    assert masked([day, None], column("date"), Masking(GENERALIZE, to="year"), pl.Date) == [date(1990, 1, 1), None]
    assert masked([day], column("date"), Masking(GENERALIZE, to="month"), pl.Date) == [date(1990, 5, 1)]
    found = masked([moment], column("timestamp"), Masking(GENERALIZE, to="day"), pl.Datetime("us", "UTC"))
    assert found == [datetime(1990, 5, 17, tzinfo=UTC)]


@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "date", "timestamp"])
def test_nullify_leaves_the_type_and_no_value(kind: str) -> None:
    frame = pl.DataFrame({"x": [1, 2]}).select(without_key(column(kind), Masking(MaskingMethod.NULLIFY)))
    assert frame["x"].null_count() == len(frame) == 1
    assert frame.schema["x"] != pl.Null


@given(TEXTS)
def test_a_message_keeps_no_token(text: str) -> None:
    made = [tokenizer(KEY, "column:a.b")(text), encrypter(KEY, "column:a.b")(text)]
    said = without_tokens(f"x={made[0]}, y={made[1]} z")
    assert said == "x=tok_***, y=enc_*** z"
    assert without_tokens(f"payer_{made[0]} or {made[0].upper()} or paid{made[1]}") == "payer_tok_*** or TOK_*** or paidenc_***"


RING = f"# a comment\n{new_entry()}\n\nold1:{'A' * 44}, old2:{'B' * 44} # before 2024\n"


def test_a_ring_has_its_current_key_first_and_shows_none() -> None:
    ring = parse_ring(RING)
    assert [key.id for key in ring.keys[1:]] == ["old1", "old2"]
    assert ring.current is ring.keys[0]
    assert ring.key("old2").id == "old2"
    assert str(ring.current.secret) not in repr(ring)
    assert "secret" not in repr(ring)


def test_keys_that_are_made_differ_in_id_and_secret() -> None:
    made = [parse_ring(new_entry()).current for _ in range(20)]
    assert len({key.id for key in made}) == len({key.secret for key in made}) == 20


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "there is no key"),
        ("# only a comment", "there is no key"),
        ("hunter2hunter2hunter2hunter2hunter2", "entry 1 is not of the form id:base64|the id of entry 1"),
        ("k1:hunter2 hunter2", "entry 1 is not of the form"),
        ("k1:aHVudGVyMg==", "the key of entry 1 has 7 bytes"),
        (f"K_1:{'A' * 44}", "the id of entry 1 is not of"),
        (f"k1:{'A' * 44}\nk1:{'B' * 44}", "entry 2 has the id of another one"),
    ],
)
def test_what_is_no_ring_is_refused_without_a_word_of_it(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as refusal:
        parse_ring(text)
    assert "hunter2" not in str(refusal.value)
    assert "AAAA" not in str(refusal.value)
