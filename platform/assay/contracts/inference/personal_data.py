"""Personal data, looked for by name and by content: which columns look like it, why, and how to mask them.

A reason has counts and never a value. What is not recognised here is not said to be harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.inference import identifiers
from assay.contracts.inference.column_words import words_of
from assay.contracts.inference.guesses import counted, trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from assay.contracts.inference.profile import Profile

LOOKED_AT = 2_000
PERSONAL, RESTRICTED = "personal", "restricted"
MOSTLY, SOME = 0.5, 0.02
FEWEST = 3  # so many matches make a column suspect without a name that says so
# one in ten numbers of the right length passes these tests
BY_CHANCE, FEWEST_BY_CHANCE = ("payment card number", "German tax number"), 5
SHORTEST = 5
MOST_ORIGINS = 20  # so many categories and more are no census: races of horses or cars


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of personal data: how it is called, which words in a name mean it, which test its values pass, and how it is masked.

    `by_name_only`: values that pass the test mean nothing without a name that says so. `tells_apart`: people differ by it.
    """

    what: str
    classification: str = PERSONAL
    words: tuple[str, ...] = ()
    test: Callable[[str], bool] | None = None
    masking: tuple[tuple[str, str | int], ...] = (("method", "tokenize"),)
    is_date: bool = False
    by_name_only: bool = False
    tells_apart: bool = True


@dataclass(frozen=True, slots=True)
class Personal:
    """A column that looks personal."""

    kind: Kind
    reason: str
    certainty: float


# the first kind that fits is taken; a name of several words is given with a blank between them, in any order in the column's name
KINDS = (
    Kind("e-mail address", words=("email", "mail", "e mail"), test=identifiers.is_email),
    Kind("IBAN", RESTRICTED, ("iban",), identifiers.is_iban),
    Kind("payment card number", RESTRICTED, ("card number", "card no", "creditcard", "pan", "kreditkarte"), identifiers.is_card),
    Kind("US social security number", RESTRICTED, ("ssn", "social security"), identifiers.is_us_ssn),
    Kind("German tax number", RESTRICTED, ("steuer id", "tax id", "steuernummer"), identifiers.is_german_tax_id),
    Kind("British national insurance number", RESTRICTED, ("nino", "national insurance"), identifiers.is_british_nino),
    Kind("French social security number", RESTRICTED, ("nir", "insee"), identifiers.is_french_nir),
    Kind("national id or passport number", RESTRICTED, ("passport", "national id", "ausweis", "licence number", "license number")),
    Kind("IP address", words=("ip", "ip address", "ipaddress"), test=identifiers.is_ip_address),
    Kind("date of birth", words=("birth", "birthday", "birthdate", "dob", "born", "geburtsdatum", "geburtstag"),
         masking=(("method", "generalize"), ("to", "year")), is_date=True),
    Kind("telephone number", words=("phone", "mobile", "tel", "telephone", "telefon", "fax", "handy", "msisdn", "cell phone"),
         test=identifiers.is_phone),
    Kind("name of a person", words=(
        "first name", "firstname", "last name", "lastname", "surname", "forename", "given name", "family name", "middle name", "full name",
        "fullname", "customer name", "user name", "username", "contact name", "patient name", "employee name", "passenger name",
        "driver name", "owner name", "vorname", "nachname", "nom", "prenom"), tells_apart=False),
    Kind("street address", words=("street", "address", "address line", "addr", "strasse", "adresse", "anschrift", "hausnummer"),
         tells_apart=False),
    Kind("health, belief or origin", RESTRICTED,
         ("religion", "ethnicity", "ethnic", "diagnosis", "disability", "blood type", "health", "nationality", "race ethnicity",
          "patient race", "sexual orientation", "political", "trade union", "genetic", "biometric", "caste"),
         masking=(("method", "nullify"),)),
    Kind("race or ethnic origin", RESTRICTED, ("race",), identifiers.is_origin, masking=(("method", "nullify"),), by_name_only=True),
)  # fmt: skip
PERSON_NAME = Kind("name of a person", tells_apart=False)


def personal_columns(profiles: Sequence[Profile]) -> dict[str, Personal]:
    """The columns that look personal, by their landing name. A column `name` counts as a person's beside other personal columns."""
    found = {profile.name: hit for profile in profiles if (hit := _personal(profile)) is not None}
    beside = [name for name, hit in found.items() if not hit.kind.is_date]
    for profile in profiles:
        if beside and profile.name not in found and words_of(profile.name) in {("name",), ("nom",)} and profile.present:
            reason = f"{PERSON_NAME.what}: a column of that name beside {counted(len(beside), 'personal column')}"
            found[profile.name] = Personal(PERSON_NAME, reason, 0.5)
    return found


def _personal(profile: Profile) -> Personal | None:
    texts = [text.strip() for text in profile.texts.head(LOOKED_AT)]
    matches = {kind.what: sum(map(kind.test, texts)) for kind in KINDS if kind.test}
    for kind in KINDS:
        hits, named = matches.get(kind.what, 0), _is_named(profile.name, kind.words)
        fewest = 1 if named else FEWEST_BY_CHANCE if kind.what in BY_CHANCE else min(FEWEST, len(texts))
        if hits >= max(fewest, MOSTLY * len(texts), 1) and (named or not kind.by_name_only):
            said = ", and its name says so" if named else ""
            reason = f"{kind.what}: {hits:,} of {counted(len(texts), 'different value')} look like one{said}"
            return Personal(kind, reason, trust(len(texts)) * (1.0 if named else 0.9))
    for kind in KINDS:
        if _is_named(profile.name, kind.words) and not _is_something_else(kind, texts, matches):
            said = f"; {matches[kind.what]:,} of {counted(len(texts), 'different value')} look like one" if kind.test else ""
            return Personal(kind, f"{kind.what} by the column's name{said}", 0.7)
    return _within(texts, matches)


def _is_something_else(kind: Kind, texts: Sequence[str], matches: Mapping[str, int]) -> bool:
    """Whether no value can be what the name says: a flag such as `email_verified`, a count such as `mobile_visits`, a `race` of horses."""
    if kind.test is None or not texts or matches[kind.what]:
        return False
    if kind.by_name_only:
        return len(texts) > MOST_ORIGINS
    return kind.test is identifiers.is_email or all(len(text) < SHORTEST for text in texts)


def _within(texts: Sequence[str], matches: Mapping[str, int]) -> Personal | None:
    """A column of which some values are, or text that holds, an e-mail address and the like."""
    inside = {kind.what: matches[kind.what] for kind in KINDS if kind.test and not kind.by_name_only}
    pieces = [text.split() for text in texts]
    inside["e-mail address"] = sum(any(identifiers.is_email(piece.strip(".,;:()<>")) for piece in text) for text in pieces)
    inside["IBAN"] = sum(any(identifiers.is_iban(piece.strip(".,;:()<>")) for piece in text) for text in pieces)
    what, hits = max(inside.items(), key=lambda pair: pair[1])
    if what not in BY_CHANCE and hits >= max(FEWEST, SOME * len(texts)):
        kind = next(kind for kind in KINDS if kind.what == what)
        return Personal(kind, f"{hits:,} of {counted(len(texts), 'different value')} hold one: {what}", 0.5)
    return None


def _is_named(name: str, words: Iterable[str]) -> bool:
    """Whether a name has one of the words, or all of several; an `address_id` is a key, not an address."""
    said = words_of(name)
    is_key = bool(said) and said[-1] in {"id", "key", "code"}
    fits = [word for word in words if set(word.split()) <= set(said) or word.replace(" ", "") == "".join(said)]
    return any(not is_key or said[-1] in word.split() for word in fits)
