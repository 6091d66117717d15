"""Key rings: the keys that mask, each with an id that its tokens carry. The first masks; the others are old and still tell what they made.

A ring is read where it is needed from where a reference says, and kept nowhere. No key is in a repr, a message or a log.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.errors import PermanentFailure, SettingsError

if TYPE_CHECKING:
    from assay.settings import SecretReference

ID = re.compile(r"[a-z0-9]{1,16}")
FEWEST_BYTES, ID_BYTES = 32, 4
TOKENS, ENCRYPTION = b"assay/masking/tokens/1", b"assay/masking/encryption/1"
HEAD = "# Masking keys, as id:base64. The first masks; older ones stay as long as something was made with them. Keep a copy.\n"


class MaskingKeyMissing(PermanentFailure):
    """Values have to be masked, and the key is not there or is none."""

    hint = "`assay keys list` says where it is looked for; `assay init` makes one. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Key:
    """A secret with a name. From it a key of its own is derived for each purpose, so that none says anything about another."""

    id: str
    secret: bytes = field(repr=False)

    def token_key(self, domain: str) -> bytes:
        """The HMAC key of the tokens of a domain."""
        return hmac.digest(hmac.digest(self.secret, TOKENS, "sha256"), domain.encode(), "sha256")

    def encryption_key(self) -> bytes:
        """The 64 bytes of AES-256-SIV."""
        return hmac.digest(self.secret, ENCRYPTION, "sha512")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys, the current one first."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        """The key that masks."""
        return self.keys[0]

    def key(self, id_: str) -> Key:
        """The key of an id that a token carries. Raises MaskingKeyMissing for one that is not in the ring."""
        for key in self.keys:
            if key.id == id_:
                return key
        raise MaskingKeyMissing(f"The masking key {id_} is not in the key ring.", hint="Put it back below the current one.")


def read_ring(reference: SecretReference | None) -> KeyRing:
    """The key ring that a reference leads to. Raises MaskingKeyMissing, which says where and why, and never what is there."""
    if reference is None:
        raise MaskingKeyMissing("No place of the masking keys is known to this run.")
    try:
        return parse_ring(reference.read())
    except SettingsError as missing:
        raise MaskingKeyMissing(f"{missing.message}") from None
    except KeyRingInvalid as fault:
        raise MaskingKeyMissing(f"The masking keys at {reference} cannot be used: {fault}.") from None


class KeyRingInvalid(ValueError):
    """A text is no key ring; the message names the entry and quotes nothing."""


def parse_ring(text: str) -> KeyRing:
    """Read `id:base64` entries, one a line or between commas; what follows a # is left out. Raises KeyRingInvalid."""
    found: dict[str, Key] = {}
    entries = [entry.strip() for line in text.splitlines() for entry in line.partition("#")[0].split(",")]
    for number, entry in enumerate(filter(None, entries), 1):
        id_, _, encoded = entry.partition(":")
        try:
            secret = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise KeyRingInvalid(f"entry {number} is not of the form id:base64") from None
        if not ID.fullmatch(id_):
            raise KeyRingInvalid(f"the id of entry {number} is not of 1 to 16 small letters and digits")
        if len(secret) < FEWEST_BYTES:
            raise KeyRingInvalid(f"the key of entry {number} has {len(secret)} bytes, and {FEWEST_BYTES} are the fewest")
        if id_ in found:
            raise KeyRingInvalid(f"entry {number} has the id of another one")
        found[id_] = Key(id_, secret)
    if not found:
        raise KeyRingInvalid("there is no key")
    return KeyRing(tuple(found.values()))


def new_entry() -> str:
    """A fresh key as an entry of a ring. Its id is chance too: a key made anew is never taken for one that was lost."""
    return f"k{secrets.token_hex(ID_BYTES)}:{base64.b64encode(secrets.token_bytes(FEWEST_BYTES)).decode()}"


def current_id(reference: SecretReference | None) -> str:
    """The id of the key that masks now; empty when there is none, which the step that needs it says by name."""
    try:
        return read_ring(reference).current.id
    except MaskingKeyMissing:
        return ""
