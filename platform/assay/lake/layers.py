"""Layers: the folders of a lake in which its tables lie. What this user may not look into is told, and not taken for what is not there.

A layer that is closed is listed as one more name in it, `silver/*`, which nobody can open: so it is told by whoever tells of a table that
cannot be read, and everybody else goes on with the other layers.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assay.errors import LayerClosed

if TYPE_CHECKING:
    from pathlib import Path

ALL = "*"


def folders_in(root: Path) -> tuple[list[str], list[str]]:
    """The folders below the layers of a lake, as `<layer>/<dataset>`, and the names of the layers that are closed, such as `silver/*`.

    Raises LayerClosed if the lake itself is.
    """
    found, closed = list[str](), list[str]()
    for layer in _folders(str(root)):
        if os.access(f"{root}/{layer}", os.R_OK | os.X_OK):
            found += [f"{layer}/{name}" for name in _folders(f"{root}/{layer}")]
        else:
            closed.append(f"{layer}/{ALL}")
    return found, closed


def is_closed_layer(name: str) -> bool:
    """Whether this is no table, but the name of all that is in a closed layer."""
    return name.endswith(f"/{ALL}")


def refuse_closed_layer(root: Path, name: str) -> None:
    """Raise LayerClosed for the name of all that is in a closed layer."""
    if is_closed_layer(name):
        raise LayerClosed(f"Tried to read {name}; this user must not look into {(root / name).parent}.")


def _folders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as there:
            return [one.name for one in there if one.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise LayerClosed(f"Tried to list the tables in {folder}; this user must not look into it.") from error
