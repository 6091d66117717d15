"""Tokens and ciphertexts: texts that stand for a value, equal for equal values of one domain. Both say which key made them.

A token is HMAC-SHA256 over the text (RFC 2104), cut to 128 bits, under a key of the domain's own. A ciphertext is AES-SIV (RFC 5297) with
the domain as associated data. A domain is a kind of person, or one column where no kind is said. Each distinct value is worked on once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

from assay.errors import PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from assay.contracts.model.contract import Column
    from assay.masking.keyring import Key, KeyRing

TOKEN, CIPHER = "tok", "enc"  # what masked texts begin with
HEAD = f"(?:{TOKEN}|{CIPHER})_[a-z0-9]{{1,16}}"  # and the id of the key
MASKED = re.compile(rf"\b({TOKEN}|{CIPHER})_([a-z0-9]{{1,16}})_([0-9A-Za-z_=-]+)")
ANYWHERE = re.compile(rf"({TOKEN}|{CIPHER})_[a-z0-9]{{1,16}}_[0-9a-z_=-]+", re.IGNORECASE)  # also within a longer text, or in capitals
DIGITS, BLOCK = 32, 64
INNER, OUTER = 0x36, 0x5C
EVERY = 1_000_000  # so many distinct values are worked on at once: as Python's own texts they are ten times as large


class NotDecipherable(PermanentFailure):
    """A text is no ciphertext of this column and these keys."""

    hint = "Ciphertexts begin with enc_ and the id of their key; each belongs to one column, or one kind of person."


def domain_of(dataset: str, column: Column) -> str:
    """What a value is masked as: values of one domain that are equal have equal tokens."""
    return f"subject:{column.subject}" if column.subject else f"column:{dataset}.{column.name}"


def tokenizer(key: Key, domain: str) -> Callable[[str], str]:
    """The function that gives a text its token. The two halves of HMAC are begun once: per value this is four times as fast."""
    block = key.token_key(domain).ljust(BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (INNER, OUTER))
    head = f"{TOKEN}_{key.id}_"

    def token(text: str) -> str:
        first, second = inner.copy(), outer.copy()
        first.update(text.encode())
        second.update(first.digest())
        return head + second.hexdigest()[:DIGITS]

    return token


def encrypter(key: Key, domain: str) -> Callable[[str], str]:
    """The function that encrypts a text, equal texts equally."""
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    cipher, head, data = AESSIV(key.encryption_key()), f"{CIPHER}_{key.id}_", [domain.encode()]

    def encrypt(text: str) -> str:
        # a byte in front, because AES-SIV of OpenSSL takes no empty text
        return head + base64.urlsafe_b64encode(cipher.encrypt(b"\1" + text.encode(), data)).decode()

    return encrypt


def decrypt(ring: KeyRing, domain: str, text: str) -> str:
    """The value that a ciphertext stands for. Raises NotDecipherable, MaskingKeyMissing for a key that is not in the ring."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    match = MASKED.fullmatch(text)
    if match is None or match.group(1) != CIPHER:
        raise NotDecipherable("Tried to decrypt a text that is no ciphertext.")
    try:
        sealed = base64.urlsafe_b64decode(match.group(3))
        return AESSIV(ring.key(match.group(2)).encryption_key()).decrypt(sealed, [domain.encode()])[1:].decode()
    except (InvalidTag, binascii.Error, ValueError):
        raise NotDecipherable(f"Tried to decrypt a text as {domain}; it is not of that.") from None


def each_once(values: pl.Series, work: Callable[[str], str]) -> pl.Series:
    """The values with each distinct one replaced by what `work` makes of it; null stays null."""
    import polars as pl

    distinct = values.drop_nulls().unique()
    parts = [
        pl.Series(map(work, part.to_list()), dtype=pl.String)
        for part in (distinct[at : at + EVERY] for at in range(0, len(distinct), EVERY))
    ]
    made = pl.concat(parts) if parts else pl.Series(dtype=pl.String)
    known = pl.DataFrame({"value": distinct, "made": made})
    return values.to_frame("value").join(known, on="value", how="left", maintain_order="left")["made"].alias(values.name)


def without_tokens(text: str) -> str:
    """A message in which no token and no ciphertext can be read: logs outlive what is erased."""
    return ANYWHERE.sub(r"\1_***", text)


def heads_of(values: pl.Series) -> set[tuple[str, str] | None]:
    """What some texts begin with that are masked: TOKEN or CIPHER, and the id of the key. None is among them if some are not masked."""
    import polars as pl

    texts = values.drop_nulls()
    maybe = texts.filter(texts.str.starts_with(TOKEN) | texts.str.starts_with(CIPHER))  # all texts of a large table are soon looked at so
    heads = maybe.str.extract(f"^({HEAD})_", 1).unique()
    assert heads.dtype == pl.String  # noqa: S101  # of an empty series too
    raw: set[tuple[str, str] | None] = {None} if heads.null_count() or len(maybe) < len(texts) else set()
    return raw | {(kind, key) for kind, _, key in (head.partition("_") for head in heads.drop_nulls())}


def is_masked(values: pl.Series) -> pl.Series:
    """Which texts begin as a token or a ciphertext does."""
    return values.str.contains(f"^{HEAD}_").fill_null(value=False)
