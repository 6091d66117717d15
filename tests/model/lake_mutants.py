"""Old faults, brought back one by one: what the model is judged by. Each is a patch of the product as it is now."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

from assay.erasure import old_files
from assay.erasure.proving import Scan
from assay.gold import step as gold_step
from assay.lake import log, publisher, side_tables
from assay.lake.durable import replace_file
from assay.lake.staged import Staging
from assay.orchestration import erasing
from assay.refine import global_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from deltalake import DeltaTable

    from assay.lake.publisher import Provenance
    from assay.lake.slices import Slice
    from assay.lake.snapshots import DataFile, Snapshot

Mutant = AbstractContextManager[Any]
LAYERS = ("bronze", "silver", "gold", "decisions", "quarantine")


@contextmanager
def gold_keeps_months_that_silver_has_lost() -> Iterator[None]:
    """Fault 1: a month is planned only while an input has rows for it."""

    def is_wanted(self: gold_step.GoldInputs, model: Any, month: Any) -> bool:
        return month is None or self._has_rows(model, month)

    with mock.patch.object(gold_step.GoldInputs, "is_wanted", is_wanted):
        yield


def nobody_looks_who_has_published_since(layer: str) -> Mutant:
    """No compare-and-swap: whoever commits to the tables of a layer replaces what is there, whatever he has read."""
    real = publisher._refuse_overtaken

    def refuse_overtaken(table: DeltaTable, slice_: Slice, *args: Any, **kwargs: Any) -> None:
        if not slice_.spec.name.startswith(layer):
            real(table, slice_, *args, **kwargs)

    return mock.patch.object(publisher, "_refuse_overtaken", refuse_overtaken)


def the_fence_is_not_asked(layer: str) -> Mutant:
    """Fault 3: a writer that read before an erasure publishes after it, in the tables of a layer."""
    real = publisher.refuse_late

    def refuse_late(root: Path, table: Snapshot, slice_: Slice, writer: Provenance) -> None:
        real(root, table, slice_, replace(writer, fence=None) if table.name.startswith(layer) else writer)

    return mock.patch.object(publisher, "refuse_late", refuse_late)


def nobody_looks_which_files_are_replaced() -> Mutant:
    """Fault 3: two that take rows out of the same files do not see each other."""
    real = publisher.refuse_late

    def refuse_late(root: Path, table: Snapshot, slice_: Slice, writer: Provenance) -> None:
        real(root, table, slice_, replace(writer, replaces=None))

    return mock.patch.object(publisher, "refuse_late", refuse_late)


def an_entry_takes_the_place_of_another() -> Mutant:
    """The log itself has no compare-and-swap: of two that commit one version the later one stays."""

    def create_file(path: Path, content: bytes) -> bool:
        replace_file(path, content)
        return True

    return mock.patch.object(log, "create_file", create_file)


def partitions_that_exchange_rows_do_not_see_each_other() -> Mutant:
    """A partition of a table whose key counts everywhere is published although another one of it was, meanwhile."""
    real = global_keys.SettledWork._held_together

    def held_together(self: global_keys.SettledWork, staging: Staging) -> tuple[Mapping[str, int], Mapping[str, int | None]]:
        return real(self, staging)[0], {}

    return mock.patch.object(global_keys.SettledWork, "_held_together", held_together)


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
    real = side_tables.SideTable.store

    def store(
        self: side_tables.SideTable, rows: Any, publications: Mapping[str, int], _: Any, provenance: Any, *also: Any
    ) -> list[DataFile]:
        self.clear(real(self, rows, publications, {}, provenance, *also), provenance)
        return []

    with mock.patch.object(side_tables.SideTable, "store", store):
        yield


@contextmanager
def erasures_leave_old_files() -> Iterator[None]:
    """Fault 5: nobody takes away the files that no version names any more, and the proof believes it."""
    nothing = Scan(0, 0, ())
    with mock.patch.object(old_files.OldFiles, "remove", return_value=[]), mock.patch.object(erasing, "prove", return_value=nothing):
        yield


CAS = {f"no compare-and-swap in {layer}": partial(nobody_looks_who_has_published_since, f"{layer}/") for layer in LAYERS[:4]}
FENCES = {f"no fence in {layer}": partial(the_fence_is_not_asked, f"{layer}/") for layer in LAYERS}
OTHERS: tuple[Callable[[], Mutant], ...] = (
    gold_keeps_months_that_silver_has_lost, quarantine_keeps_only_the_newest, erasures_leave_old_files,
    publications_are_named_by_fingerprints, nobody_looks_which_files_are_replaced, an_entry_takes_the_place_of_another,
    partitions_that_exchange_rows_do_not_see_each_other,
)  # fmt: skip
MUTANTS: dict[str, Callable[[], Mutant]] = CAS | FENCES | {one.__name__.replace("_", " "): one for one in OTHERS}
