"""Names that no contract knows: what is wrong with one, and the nearest name that would be taken."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING

from assay.contracts.language.date_formats import ARRIVAL_PLACE, strptime_format
from assay.contracts.language.file_names import arrival_names
from assay.contracts.language.names import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.model.contract import Contract

# a date as people write it in a name: 2024-03-02, 2024_3_2, 20240302, and 2024-03 or 202403 for a month
DATE = re.compile(r"(?<![0-9])(?P<year>(?:19|20)[0-9]{2})(?P<mark>[-_. ]?)(?P<month>[0-9]{1,2})(?:(?P=mark)(?P<day>[0-9]{1,2}))?(?![0-9])")
ALIKE = 0.6


def why_not(name: str, contracts: Mapping[str, Contract]) -> tuple[str, str]:
    """The dataset that a file was probably meant for, empty if there is none like it, and why nobody takes it."""
    datasets = {contract.source.path: dataset for dataset, contract in contracts.items()}
    path, why = _why_not(name, tuple(datasets))
    return datasets.get(path, ""), why


@lru_cache(10_000)  # comparing a name with each path is dear, and a misnamed file may lie there for years
def _why_not(name: str, paths: tuple[str, ...]) -> tuple[str, str]:
    nearest = max(paths, key=lambda path: _likeness(name, path), default="")
    if not nearest or _likeness(name, nearest) < ALIKE:
        return "", f"no contract has such a name. {suggest(name, paths)}"
    if form := arrival_names(nearest).expression.fullmatch(name):
        return nearest, f"there is no date {form.group('arrival')}"
    return nearest, f"the contract's name for it is {_meant(name, nearest) or nearest}"


def _likeness(name: str, path: str) -> float:
    """How alike a name and a path are without their digits; 1 if the form is the very one."""
    if arrival_names(path).expression.fullmatch(name):
        return 1.0
    pattern = ARRIVAL_PLACE.sub("", path).replace("*", "")
    return max(SequenceMatcher(None, _letters(pattern), _letters(one)).ratio() for one in (name, name.rpartition("/")[2]))


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", " ", text.casefold())


def _meant(name: str, path: str) -> str | None:
    """The name that the contract gives to the date that stands in a name; None if there is none."""
    place, day = ARRIVAL_PLACE.search(path), next(_dates(name), None)
    if place is None or day is None:
        return None
    return path.replace(place.group(), day.strftime(strptime_format(place.group(1))))


def _dates(name: str) -> Iterator[date]:
    for found in DATE.finditer(name):
        with suppress(ValueError):
            yield date(int(found["year"]), int(found["month"]), int(found["day"] or 1))
