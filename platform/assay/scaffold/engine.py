"""How this engine came to be installed here, so that a project made with it comes by the same one, and the files that both share."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from assay.errors import SettingsError
from assay.project_root import CHECKOUT

DISTRIBUTION = "assay"
LOCK = "requirements.lock"
PACKED = Path(__file__).parent / "shared"  # in a wheel; pyproject.toml says what is put there
WHEELS = "wheels"


@dataclass(frozen=True, slots=True)
class Engine:
    """What pip is told to install, from within a project; `wheel` is a file that the project takes along in `wheels/`."""

    requirement: str
    wheel: Path | None = None


def installed_engine() -> Engine:
    """How this engine was installed (PEP 610): from a wheel, which is taken along, from a checkout, or from a registry.

    Raises SettingsError when the wheel is not there any more.
    """
    found = distribution(DISTRIBUTION)
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    url = urlsplit(origin.get("url", ""))
    if url.scheme != "file":
        return Engine(f"{DISTRIBUTION}=={found.version}")
    place = Path(url2pathname(url.path))
    if origin.get("dir_info", {}).get("editable"):
        return Engine(f"-e {shlex.quote(str(place))}")
    if not place.exists():
        hint = "Put it there again, or install the engine again from where it is now."
        raise SettingsError(f"Tried to take along {place}, from which the engine was installed; it is gone.", hint=hint)
    return Engine(f"{WHEELS}/{place.name}", place) if place.is_file() else Engine(shlex.quote(str(place)))


def shared(name: str) -> Path:
    """A file or folder that the checkout has, by its path there, and every project gets: what dbt needs of the engine, the lock file."""
    packed = PACKED / name
    return packed if packed.exists() else CHECKOUT / name
