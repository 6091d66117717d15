"""Identifiers of people and their money, told by their form and checksums: one text in, whether it is one out. Nothing is kept."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter

EMAIL = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\".]+(\.[^@\s,;<>()\".]+)+")
PHONE = re.compile(r"\+[1-9][0-9 ()/.-]{5,18}[0-9]|(\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-.])[2-9][0-9]{2}[-.][0-9]{4}")
IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
CARD = re.compile(r"[2-6][0-9]{12,18}")
US_SSN = re.compile(r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}")
GERMAN_TAX = re.compile(r"[1-9][0-9]{10}")
BRITISH_NINO = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]")
FRENCH_NIR = re.compile(r"[12][0-9]{2}(0[1-9]|1[0-2]|[2-9][0-9])[0-9]{10}")  # months from 20 on: not known
ORIGIN = re.compile(
    r"\b(white|black|asian|hispanic|latin[oax]|caucasian|african|indigenous|aboriginal|native (american|hawaiian|alaska)|pacific islander"
    r"|alaska native|american indian|middle eastern|multiracial|two or more races|mixed race)\b",
    re.IGNORECASE,
)
SEPARATORS = str.maketrans("", "", " -.")


def is_email(text: str) -> bool:
    """An e-mail address: one @, a host with a dot."""
    return EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """A telephone number with a plus and a country's prefix, or as North America groups it. Others are told by the column's name only."""
    return PHONE.fullmatch(text) is not None and 7 <= sum(letter.isdigit() for letter in text) <= 15


def is_iban(text: str) -> bool:
    """An account number whose check digits are right (ISO 13616, modulo 97)."""
    plain = text.translate(SEPARATORS).upper()
    if not IBAN.fullmatch(plain):
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """A payment card number whose last digit is right (Luhn)."""
    plain = text.translate(SEPARATORS)
    if not CARD.fullmatch(plain):
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(plain))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def is_ip_address(text: str) -> bool:
    """An address of version 4 or 6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "." in text or text.count(":") > 1


def is_us_ssn(text: str) -> bool:
    """A social security number of the United States, with its dashes."""
    return US_SSN.fullmatch(text) is not None


def is_german_tax_id(text: str) -> bool:
    """A German tax number of 11 digits: one digit two or three times among the first ten, and the check digit (ISO 7064, modulo 11, 10)."""
    plain = text.translate(SEPARATORS)
    if not GERMAN_TAX.fullmatch(plain) or max(Counter(plain[:10]).values()) not in {2, 3}:
        return False
    product = 10
    for digit in plain[:10]:
        rest = (int(digit) + product) % 10 or 10
        product = rest * 2 % 11
    return (11 - product) % 10 == int(plain[10])


def is_british_nino(text: str) -> bool:
    """A national insurance number of the United Kingdom."""
    return BRITISH_NINO.fullmatch(text.upper()) is not None


def is_french_nir(text: str) -> bool:
    """A French social security number with its key (modulo 97)."""
    plain = text.translate(SEPARATORS)
    return FRENCH_NIR.fullmatch(plain) is not None and 97 - int(plain[:13]) % 97 == int(plain[13:])


def is_origin(text: str) -> bool:
    """A word by which censuses tell races and ethnic origins apart; only a name that says so makes it one."""
    return ORIGIN.search(text) is not None
