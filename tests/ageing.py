"""Files as if they had been written days ago, for tests of what is removed by its age."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def aged(folder: Path, days: float) -> None:
    """Let all below a folder have been written so many days ago; the entries of logs do not say otherwise any more."""
    earlier = time.time() - days * 86400
    for path in [one for one in folder.rglob("*") if one.is_file()]:
        if path.suffix == ".json":
            path.write_text(path.read_text().replace('"timestamp":', '"timestamp":0,"said":'))
        os.utime(path, (earlier, earlier))
