"""The nearest valid name: every complaint about a name that nobody knows ends in what was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 20


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, whatever the case of its letters; None if none is like it."""
    folded = {one.casefold(): one for one in known}
    found = get_close_matches(str(name).casefold(), folded, n=1)
    return folded[found[0]] if found else None


def suggest(name: object, known: Iterable[str]) -> str:
    """A hint: the name that was probably meant, and the names that are known unless they are many."""
    names = list(dict.fromkeys(known))
    meant = nearest(name, names)
    said = [f"Did you mean {meant}?"] if meant else []
    if names and len(names) <= SHOWN:
        said.append(f"Known: {', '.join(names)}.")
    elif not meant:
        said.append(f"Known are {len(names)} others, {', '.join(names[:SHOWN])} among them." if names else "None is known here.")
    return " ".join(said)
