"""Old faults, brought back one by one: what the model is judged by. Each is a patch of the product as it is now."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from assay.erasure import old_files
from assay.erasure.proving import Scan
from assay.gold import step as gold_step
from assay.lake import beside, publisher
from assay.lake.staged import Staging
from assay.orchestration import erasing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.lake.snapshots import DataFile


@contextmanager
def gold_keeps_months_that_silver_has_lost() -> Iterator[None]:
    """Fault 1: a month is planned only while an input has rows for it."""

    def is_wanted(self: gold_step.GoldInputs, model: Any, month: Any) -> bool:
        return month is None or self._has_rows(model, month)

    with mock.patch.object(gold_step.GoldInputs, "is_wanted", is_wanted):
        yield


@contextmanager
def the_fence_is_not_asked() -> Iterator[None]:
    """Fault 3: a writer that read before an erasure publishes after it."""
    with mock.patch.object(publisher, "refuse_late", return_value=None):
        yield


@contextmanager
def publications_are_named_by_fingerprints() -> Iterator[None]:
    """Fault 4: the number of a publication comes back when its inputs do, and with it rows that another writer has taken away."""

    def publication(self: Staging) -> int:
        return publisher.fingerprint(sorted(file.digest for file in self.files))

    with mock.patch.object(Staging, "publication", property(publication)):
        yield


@contextmanager
def quarantine_keeps_only_the_newest() -> Iterator[None]:
    """Fault 4: what others may be about to name is cleared as soon as rows are stored, before the table that names them is committed."""
    real = beside.Beside.store

    def store(self: beside.Beside, rows: Any, publications: Mapping[str, int], _: Any, provenance: Any, *also: Any) -> list[DataFile]:
        self.clear(real(self, rows, publications, {}, provenance, *also), provenance)
        return []

    with mock.patch.object(beside.Beside, "store", store):
        yield


@contextmanager
def erasures_leave_old_files() -> Iterator[None]:
    """Fault 5: nobody takes away the files that no version names any more, and the proof believes it."""
    nothing = Scan(0, 0, ())
    with mock.patch.object(old_files.OldFiles, "remove", return_value=[]), mock.patch.object(erasing, "prove", return_value=nothing):
        yield


# each with the seed whose lives find it
FOUND_BY = {
    gold_keeps_months_that_silver_has_lost: 0,  # after 659 steps
    quarantine_keeps_only_the_newest: 0,  # 287
    erasures_leave_old_files: 0,  # 659
    publications_are_named_by_fingerprints: 0,  # 1,348
    the_fence_is_not_asked: 0,  # 2,056
}
