"""Numbers and truth values among the texts of a column: which types read them, and how wide these have to be."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from assay.contracts.inference.column_words import MONEY, YES_OR_NO, looks_like_identity, words_of
from assay.contracts.inference.guesses import counted
from assay.contracts.inference.readings import DECIMAL_COMMA, DECIMAL_COMMA_FORM, THOUSANDS, THOUSANDS_FORM, Reading, Reads, kept, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from assay.contracts.inference.profile import Profile

INTEGER = r"^[+-]?[0-9]+$"
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
# a number would lose its zeros; programs print exponents with a point before or a sign within, codes such as 1E6 without
CODE = r"^[+-]?0[0-9]+$|^[0-9]+[eE][0-9]+$"
LONG = r"[0-9.]{16,}"  # a DOUBLE may lose digits of these
FEW_CODES = 0.01
SPELLED = {THOUSANDS: THOUSANDS_FORM, DECIMAL_COMMA: DECIMAL_COMMA_FORM}
# what the engine reads as true and false
WORDS, DIGITS = ("true", "t", "yes", "y", "false", "f", "no", "n"), ("1", "0")
SPACE = {"SMALLINT": 2**15 - 1, "INTEGER": 2**31 - 1}
MARGIN = 100  # an integer type is wide enough for values so many times larger than those that were seen
MOST_SCALE, LEAST_PRECISION, MOST_PRECISION = 4, 12, 38


def booleans(profile: Profile, reading: Reading, texts: pl.Series) -> Iterator[Reads]:
    """Truth values: two words for them, or 0 and 1 in a column whose name asks a question."""
    lower = texts.str.to_lowercase()
    asks = bool(set(words_of(profile.name)) & YES_OR_NO)
    readable = lower.is_in([*WORDS, *(DIGITS if asks else ())])
    if lower.filter(readable).n_unique() >= 2 or lower.is_in(["true", "false"]).any():
        yield Reads("boolean", "BOOLEAN", reading, kept(readable, lower), "two words for true and false" if not asks else "true or false")


def integers(profile: Profile, reading: Reading, texts: pl.Series) -> Iterator[Reads]:
    """Whole numbers without leading zeros, in a type with a margin; keys get the widest."""
    import polars as pl

    if share(texts.str.contains(CODE), profile.counts) > FEW_CODES:
        return
    values = kept(texts.str.contains(INTEGER), texts).cast(pl.Int64, strict=False)
    known = values.drop_nulls()
    if known.is_empty():
        return
    largest = max(abs(int(known.min())), abs(int(known.max())))  # type: ignore[arg-type]  # integers
    fitting = (name for name, most in SPACE.items() if largest * MARGIN <= most)
    wide = "BIGINT" if looks_like_identity(profile.name) else next(fitting, "BIGINT")
    yield Reads("integer", wide, reading, values, "whole numbers")


def numbers(profile: Profile, reading: Reading, texts: pl.Series) -> Iterator[Reads]:
    """Other numbers: DECIMAL for what looks like money and has few decimals, and for digits that a DOUBLE would lose; else DOUBLE."""
    import polars as pl

    if share(texts.str.contains(CODE), profile.counts) > FEW_CODES:
        return
    spelled = kept(texts.str.contains(NUMBER), texts)
    values = spelled.cast(pl.Float64, strict=False)
    values = kept(values.is_finite(), values)
    if values.drop_nulls().is_empty():
        return
    lost = sum(map(_loses_digits, spelled.filter(spelled.str.contains(LONG)).drop_nulls()))
    if lost:
        yield from _exact_decimals(reading, spelled, values, f"a DOUBLE would lose digits of {counted(lost, 'value')}")
        return
    yield from _decimals(profile, reading, spelled, values)
    yield Reads("number", "DOUBLE", reading, values, "numbers")


def _loses_digits(text: str) -> bool:
    """Whether a DOUBLE, printed again, is another number than the text."""
    return Decimal(repr(float(text))) != Decimal(text)


def _exact_decimals(reading: Reading, spelled: pl.Series, values: pl.Series, said: str) -> Iterator[Reads]:
    """The DECIMAL that holds every digit, if there is one; otherwise nothing, and the column stays text, as numbers without decimals do."""
    import polars as pl

    if spelled.str.contains("[eE]").any():
        return
    plain = spelled.drop_nulls().str.strip_chars("+-")
    scale = int(str(plain.str.extract(r"[.]([0-9]*)$").fill_null("").str.len_chars().max()))
    whole = int(str(plain.str.replace(r"[.].*$", "").str.len_chars().max()))
    if scale and (precision := whole + scale) <= MOST_PRECISION:
        exact = spelled.cast(pl.Decimal(precision, scale), strict=False)
        yield Reads("number", f"DECIMAL({precision}, {scale})", reading, kept(exact.is_not_null(), values), said, None, 0.8)


def _decimals(profile: Profile, reading: Reading, spelled: pl.Series, values: pl.Series) -> Iterator[Reads]:
    """The DECIMAL type that holds money: by its name, or because all values have two decimals."""
    import polars as pl

    scales = spelled.drop_nulls().str.extract(r"\.([0-9]*)$").fill_null("").str.len_chars().unique().to_list()
    named = bool(set(words_of(profile.name)) & MONEY)
    scale = max(scales)
    if scale > MOST_SCALE or not (scales == [2] or (named and scale > 0)) or spelled.str.contains("[eE]").any():
        return
    whole = spelled.str.strip_chars("+-").str.replace(r"\..*$", "").str.len_chars().max()
    precision = max(LEAST_PRECISION, int(str(whole)) + 4 + scale)
    if precision > MOST_PRECISION:
        return
    exact = spelled.cast(pl.Decimal(precision, scale), strict=False)
    said = f"{'money by its name' if named else 'looks like money'}, {'all with' if len(scales) == 1 else 'up to'} {scale} decimals"
    yield Reads("number", f"DECIMAL({precision}, {scale})", reading, kept(exact.is_not_null(), values), said, None, 1.0 if named else 0.6)


def is_meant(reading: Reading, texts: pl.Series) -> bool:
    """Whether a column is spelled as a reading of numbers expects: some values need it, and none would be read as another number."""
    if reading not in SPELLED:
        return True
    trimmed = texts.str.strip_chars()
    numeric = trimmed.filter(trimmed.str.contains(r"^[+-]?[0-9][0-9.,]*$"))
    needs = numeric.str.contains(",").any()
    return bool(needs) and bool(numeric.str.contains(SPELLED[reading]).all())
