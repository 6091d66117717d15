"""The dialect of patterns: what is read, how it is said to each engine, and what is refused with the reason and what to write instead.

That all engines find the same is in tests/integration/test_conformance.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.contracts.model.contract import Kind
from assay.contracts.patterns.parser import parse_pattern
from assay.contracts.patterns.pattern import LAST, SPACE, NotAPattern, merged, others
from assay.contracts.patterns.printer import ECMA, RE2, RUST, SHARED, said_to
from assay.contracts.reading.odcs import load_product
from conformance import PATTERNS
from flights.definitions import CONTRACTS

if TYPE_CHECKING:
    from assay.contracts.patterns.printer import Dialect

REFUSED = [
    (r"a\<b", r"uses \<, the edge of a word in some engines and a sign in others", "Write < for the sign"),
    ("[[:alpha:]]", "uses [:alpha:], a class of POSIX", "A-Za-z"),
    ("[a[.-.]]", "uses [.-.], a class of POSIX", "A-Za-z"),
    ("a++", "+ follows a repeat", "possessive"),
    ("a{2}{3}", "{3} follows a repeat", "possessive"),
    ("(?i)a", "uses (?i), a flag that ECMA-262 has not", "[Aa]"),
    ("(?=a)", "uses (?=", "neither look around nor refer back"),
    ("(?<!a)b", "uses (?<!", "neither look around nor refer back"),
    (r"(a)\1", r"uses \1", "neither look around nor refer back"),
    (r"(?<x>a)\k<x>", r"uses \k", "neither look around nor refer back"),
    (r"a\Z", r"uses \Z, which ECMA-262 does not know", "Write $"),
    (r"\pL", r"uses \p, which ECMA-262 does not know", r"\p{L}"),
    (r"\p{Greeek}", r"uses \p{Greeek}, which not every engine knows", "Greek"),
    (r"\p{Cn}", r"uses \p{Cn}, which not every engine knows", ""),
    (r"\ud83d", r"uses \ud83d, which is no sign of Unicode", ""),
    ("a{,3}", "{ is no count such as {2} or {2,5}", r"\{"),
    ("{2}", "{ repeats nothing", r"\{"),
    ("*a", "* repeats nothing", r"\*"),
    ("^*", "* repeats a place", ""),
    ("a{3,2}", "{3,2} counts down", ""),
    ("(a", "( is never closed", r"\("),
    ("a)", ") closes a group that was never opened", r"\)"),
    ("[a", "[ is never closed", r"\["),
    ("a\\", "it ends with a backslash", ""),
    ("[]", "it has a class without signs", r"\]"),
    (r"[^\s\S]", "it has a class without signs", ""),
    (r"[\w-.]", "a range in a class begins or ends with a set", r"\-"),
    ("[z-a]", "the range z-a goes backwards", r"\-"),
    ("[a&&b]", "uses && in a class", "Write & once"),
    (r"[\B]", r"uses \B, a place, in a class of signs", ""),
    ("(a{100}){100}", "its repeats within repeats make 10,000, and engines count to 1,000", "maxLength"),
    (".{9999}", "steps, and engines have room for 20,000", "maxLength"),
]


@pytest.mark.parametrize(("pattern", "why", "instead"), REFUSED, ids=[pattern for pattern, *_ in REFUSED])
def test_what_engines_would_read_apart_is_refused_with_the_reason_and_what_to_write(pattern: str, why: str, instead: str) -> None:
    with pytest.raises(NotAPattern, match=re.escape(why)) as refusal:
        parse_pattern(pattern)
    assert instead in refusal.value.hint


@pytest.mark.parametrize(
    ("dialect", "pattern", "said"),
    [
        (RUST, r"^\w+\.\d$", "^[0-9A-Z_a-z]+[.][0-9]$"),
        (RUST, r"\bé", r"(?-u:\b)é"),
        (RE2, r"\bé", r"\bé"),
        (RE2, "^a{1500}$", "^a{1000}a{500}$"),
        (RE2, "a{1,2500}", "a{0,1000}a{0,1000}a{1,500}"),
        (RUST, "a{1,2500}", "a{1,2500}"),
        (SHARED, "^[A-Z]{3}$", r"^[A-Z]{3}\z"),
        (SHARED, r"\p{sc=Greek}", r"\p{IsGreek}"),
        (SHARED, r"a\b", None),
        (ECMA, r".\u{1F600}\x00\ufeff", r"[^\n\r\u2028\u2029]😀\u0000\ufeff"),
        (RE2, "{{x}}", None),
        (RE2, r"\{\{x}}", r"\x{7b}\x{7b}x\x{7d}\x{7d}"),
        (RUST, "(?<year>a|b)c", "(?:a|b)c"),
        (RUST, "[a-cb-f_-]", "[-_a-f]"),
    ],
)
def test_a_pattern_is_said_to_an_engine_in_its_own_words(dialect: Dialect, pattern: str, said: str | None) -> None:
    if pattern == "{{x}}":
        with pytest.raises(NotAPattern):
            said_to(dialect, pattern)
    else:
        assert said_to(dialect, pattern) == said


@pytest.mark.parametrize("case", PATTERNS, ids=str)
def test_what_is_said_in_ecma_262_is_a_pattern_of_the_dialect_again_and_says_the_same(case: object) -> None:
    text = case.said
    said = said_to(ECMA, text)
    if "(?<" not in str(said):  # edges of words are spelled out by looking around
        assert said_to(ECMA, str(said)) == said


@given(st.lists(st.tuples(st.integers(0, LAST), st.integers(0, LAST)).map(lambda pair: (min(pair), max(pair))), max_size=6))
def test_a_set_and_the_others_are_all_signs_and_have_none_in_common(ranges: list[tuple[int, int]]) -> None:
    found, rest = merged(ranges), others(ranges)
    assert sum(high - low + 1 for low, high in (*found, *rest)) == LAST + 1
    assert others(rest) == found


def test_white_space_is_what_ecma_262_says() -> None:
    spaces = {code for low, high in SPACE for code in range(low, high + 1)}
    assert spaces == {code for code in range(0x10000) if chr(code).isspace() and code not in {0x1C, 0x1D, 0x1E, 0x1F, 0x85}} | {0xFEFF}


def test_the_patterns_of_the_product_are_of_the_dialect() -> None:
    said = [rule.argument for contract in load_product(CONTRACTS).promises.values() for rule in contract.rules if rule.kind is Kind.PATTERN]
    assert len(said) > 4
    assert all(said_to(dialect, pattern) for pattern in said for dialect in (RUST, RE2, ECMA, SHARED))
