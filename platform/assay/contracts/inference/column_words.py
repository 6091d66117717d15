"""Names of columns as drafting reads them: their words, the name that is published, and what a name alone suggests."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
SPOTS = ("{}", "TRIM({})", "CASE WHEN {0} = '' THEN '? ' || {0} ELSE {0} END")  # where a drafted expression names a column


def vocabulary(text: str) -> frozenset[str]:
    """The words of a text, each once."""
    return frozenset(text.split())


IDENTITY = vocabulary("id uuid guid key code no nr number num sku ean isbn ref reference")
MONEY = vocabulary(
    "price amount total subtotal cost costs fee fees revenue salary balance tax vat net gross payment discount charge paid budget "
    "betrag preis summe gebuehr umsatz gehalt eur usd gbp chf"
)
YES_OR_NO = vocabulary("is has was can flag enabled active deleted valid opted subscribed verified")
INSTANT = vocabulary("ts timestamp time at epoch created updated when")


def words_of(name: str) -> tuple[str, ...]:
    """The words of a column's name in lower case: `OrderID`, `order-id` and `Order Id` are all (order, id)."""
    spelled = unicodedata.normalize("NFKD", name.translate(UMLAUTS)).encode("ascii", "ignore").decode()
    return tuple(piece.lower() for piece in PIECES.findall(spelled))


def published_names(landing: Iterable[str]) -> tuple[str, ...]:
    """A snake_case name for each landing column, each once: the second of two equal ones gets a number."""
    found = list[str]()
    for number, name in enumerate(landing, 1):
        if PLAIN.fullmatch(name):
            base = name
        else:
            base = "_".join(words_of(name)) or f"column_{number}"
            base = f"column_{base}" if base[0].isdigit() else base
        found.append(free_name(base, found))
    return tuple(found)


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name itself, or with the first number that makes it differ from those that are taken."""
    known, candidate, number = set(taken), name, 2
    while candidate in known:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def looks_like_identity(name: str) -> bool:
    """Whether a name is one of keys: `order_id`, `customerNo`, `sku`."""
    words = words_of(name)
    return bool(words) and (words[-1] in IDENTITY or words[0] in {"id", "uuid"})


def sql_name(name: str) -> str:
    """A column's name as SQL spells it: quoted, unless it is plain and no word of SQL."""
    from assay.contracts.compiling.expressions import sql_expression
    from assay.errors import ContractInvalid

    quoted = '"' + name.replace('"', '""') + '"'
    if not PLAIN.fullmatch(name):
        return quoted
    try:
        # `table` is a name where it stands alone, and none within TRIM()
        plain = all(str(sql_expression(spot.format(name), [name])) == str(sql_expression(spot.format(quoted), [name])) for spot in SPOTS)
    except ContractInvalid:
        return quoted
    return name if plain else quoted
