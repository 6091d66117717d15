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
from assay.lake import damage, foreign, log, mending, migrations, publisher, side_tables
from assay.lake import erasures as records
from assay.lake.durable import replace_file
from assay.lake.manifest import Landed
from assay.lake.staged import Staging
from assay.maintenance import cleaning, cutoff, vacuum
from assay.orchestration import erasing, plan_inputs
from assay.orchestration.maintaining import Outdated
from assay.refine import global_keys, kernel
from assay.refine.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import polars as pl
    from deltalake import DeltaTable

    from assay.lake.publisher import Provenance
    from assay.lake.slices import Slice
    from assay.lake.snapshots import DataFile, Snapshot
    from assay.maintenance.file_history import Named

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


def what_another_tool_has_changed_is_believed() -> Mutant:
    """Fault 8: no partition is compared with the files that were published."""
    return mock.patch.object(foreign, "_number", return_value=1)


def a_damaged_file_is_not_seen_by_the_plan() -> Mutant:
    """Fault 7: a partition of which a file is gone or cut is as it was published."""
    return mock.patch.object(foreign, "damage_by_key", return_value={})


def a_lost_entry_of_a_log_is_taken_away() -> Mutant:
    """Mending gives the number of a lost version to whoever commits next."""

    def say_nothing(folder: Path, version: int) -> str:
        return mending.set_aside(folder, f"{log.LOG}/{log.entry_name(version)}")

    return mock.patch.object(mending, "_say_nothing", say_nothing)


def a_share_of_rejected_rows_refuses_nothing() -> Mutant:
    """A partition is published however many of its rows were rejected."""
    return mock.patch.object(Tally, "refusal", return_value=None)


def only_files_are_of_a_calendar() -> Mutant:
    """A partition of which every row was rejected stays when its calendar goes."""
    return mock.patch.object(migrations, "published_keys", migrations._in_files)


def partitions_stay_when_their_calendar_goes() -> Mutant:
    """The log does not say that they are gone, and what is beside them is shown as before."""
    return mock.patch.object(publisher, "other_tokens", return_value={})


def maintenance_does_not_ask_who_is_at_work() -> Mutant:
    """What is old goes, whoever reads it, or has staged it."""
    return mock.patch.object(cutoff, "at_work", return_value=[])


@contextmanager
def old_files_of_bronze_go_like_others() -> Iterator[None]:
    """An erasure does not find what was made from them."""
    with mock.patch.object(cleaning, "still_needed", return_value=set()), mock.patch.object(Outdated, "by", return_value=False):
        yield


@contextmanager
def old_files_go_of_what_another_tool_has_changed() -> Iterator[None]:
    """An arrival of which nothing is in landing cannot be made again."""
    real = vacuum._judged

    def judged(path: Path, below: str, named: Named) -> vacuum.Removal | None:
        by_us = {file: replace(removed, by_assay=True) for file, removed in named.removed.items()}
        return real(path, below, replace(named, removed=by_us))

    with mock.patch.object(vacuum, "altered", return_value=set()), mock.patch.object(vacuum, "_judged", judged):
        yield


def maintenance_does_not_look_again() -> Mutant:
    """What was committed since the look goes, too."""
    return mock.patch.object(cleaning, "newest", return_value=None)


def the_number_of_a_lost_record_is_tried_again() -> Mutant:
    """An erasure is given a number that the log of the record knows, and no row of it."""
    return mock.patch.object(records, "_highest", lambda root: max((one.number for one in records.erasures(root)), default=0))


def a_flipped_bit_is_read() -> Mutant:
    """Nobody compares the bytes of a file with those that were committed."""
    return mock.patch.object(damage, "_digest_damage", return_value=None)


def a_content_is_held_under_one_name() -> Mutant:
    """The rows of an archived file go with what is sent again under another name of its content."""
    return mock.patch.object(Landed, "names", property(lambda self: (self.name,)))


def who_remembers_a_plan_does_not_look_at_data_files() -> Mutant:
    """A plan that found nothing to do stays so when a file is gone."""
    return mock.patch.object(plan_inputs, "file_damage", return_value=None)


def rows_that_gave_way_are_told_by_their_place_alone() -> Mutant:
    """A row is left out that lies where in an earlier content one of another partition lay."""
    real = kernel._kept

    def kept(latest: pl.DataFrame, displaced: pl.DataFrame | None) -> pl.Series:
        if displaced is None:
            return real(latest, displaced)
        everywhere = latest.select("_partition").unique().join(displaced.drop("_partition"), how="cross")
        return real(latest, everywhere)

    return mock.patch.object(kernel, "_kept", kept)


CAS = {f"no compare-and-swap in {layer}": partial(nobody_looks_who_has_published_since, f"{layer}/") for layer in LAYERS[:4]}
FENCES = {f"no fence in {layer}": partial(the_fence_is_not_asked, f"{layer}/") for layer in LAYERS}
OTHERS: tuple[Callable[[], Mutant], ...] = (
    gold_keeps_months_that_silver_has_lost, quarantine_keeps_only_the_newest, erasures_leave_old_files,
    publications_are_named_by_fingerprints, nobody_looks_which_files_are_replaced, an_entry_takes_the_place_of_another,
    partitions_that_exchange_rows_do_not_see_each_other, what_another_tool_has_changed_is_believed, a_damaged_file_is_not_seen_by_the_plan,
    a_lost_entry_of_a_log_is_taken_away, a_share_of_rejected_rows_refuses_nothing, only_files_are_of_a_calendar,
    partitions_stay_when_their_calendar_goes, maintenance_does_not_ask_who_is_at_work, old_files_of_bronze_go_like_others,
    old_files_go_of_what_another_tool_has_changed, maintenance_does_not_look_again, the_number_of_a_lost_record_is_tried_again,
    a_flipped_bit_is_read, a_content_is_held_under_one_name, who_remembers_a_plan_does_not_look_at_data_files,
    rows_that_gave_way_are_told_by_their_place_alone,
)  # fmt: skip
MUTANTS: dict[str, Callable[[], Mutant]] = CAS | FENCES | {one.__name__.replace("_", " "): one for one in OTHERS}
