"""Which code made a table: a digest of the source files that decide its rows, and the release that a person knows it by.

Editing one of these files makes every partition that it made outdated, so a backfill rebuilds them and nothing else.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from assay.errors import SettingsError


@cache
def code_version(*modules: str) -> str:
    """Twelve hexadecimal digits for the sources of these modules and packages, found without importing them."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted({path for module in modules for path in _sources(module)}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def release() -> str:
    """The release of Assay that is installed, such as 0.1.0; `unknown` for sources that were never installed."""
    try:
        return version("assay")
    except PackageNotFoundError:
        return "unknown"


def _sources(module: str) -> list[Path]:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise SettingsError(
            f"Tried to find the source of the module {module!r}; it is not installed.", hint="Install the project: make setup."
        )
    if spec.submodule_search_locations:
        return list(Path(spec.origin).parent.rglob("*.py"))
    return [Path(spec.origin)]
