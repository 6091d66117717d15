"""Names: the nearest valid one for every complaint about one that nobody knows, and those that a dataset or a model can have."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 20
LONGEST = 100  # letters of a name of a dataset or model: names of files are made from it
NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_]+")


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


def unnameable(name: str) -> tuple[str, str] | None:
    """Why nothing that is published can be called so, with a name that it can have; None if it can. Words of SQL are names like others."""
    if not name:
        return "it has no name", "Call it after its rows, such as orders."
    if len(name) > LONGEST:
        return f"a name of {len(name)} letters is no name of a folder in the lake", f"At most {LONGEST}."
    if name.startswith("_"):
        return f"{name!r} is hidden from engines that read the lake, as all that begins with _ is", "Begin with a letter or a digit."
    if not NOT_OF_A_NAME.search(name):
        return None
    plain = NOT_OF_A_NAME.sub("_", name).strip("_")
    hint = "Letters from A to Z, digits and _" + (f", such as {plain}." if plain else ".")
    return f"{name!r} is no name of an asset in Dagster, of a folder in the lake and of a table in SQL alike", hint
