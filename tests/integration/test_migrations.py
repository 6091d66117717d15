"""A changed calendar: every table is of the old one or of the new one, and the new one is what a fresh lake would hold."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from calendar_products import Calendars, totals

from assay.contracts.reading.odcs import load_contracts
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.migrations import CALENDAR, CalendarChanged
from assay.lake.publisher import _Commit
from assay.lake.quarantine.reader import Fate, View
from assay.lake.snapshots import newest
from assay.orchestration.calendars import arrivals_of, events_of
from assay.orchestration.partitions import slice_of, whole_of
from assay.refine.step import refine_partitions, silver_spec
from assay.steps import Outcome, Run, Status

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from deltalake import DeltaTable

    from assay.contracts.model.contract import Contract
    from assay.lake.slices import TableSpec

NAME = "meter"
BEFORE = {"end": "2024-04-01", "arrival_end": "2024-04-05"}
# 23:30 in UTC is the next day in India; the value of a row that silver must reject is no number
FILES = {
    "2024-01-03": [("2024-01-02T23:30:00Z", 1), ("2024-01-03T08:00:00Z", 2), ("2024-01-31T23:30:00Z", 4)],
    "2024-01-04": [("2024-01-04T08:00:00Z", 8), ("2024-01-05T08:00:00Z", "x")],
    "2024-02-29": [("2024-02-29T08:00:00Z", 16), ("2024-02-03T08:00:00Z", 32), ("never", 64)],
    "2024-03-31": [("2024-03-31T08:00:00Z", 128)],
}
CHANGES: dict[str, dict[str, str]] = {
    "months of events": {"grain": "month"},
    "months of arrivals": {"arrival": "month"},
    "months of both, in another zone": {"grain": "month", "arrival": "month", "zone": "Asia/Kolkata"},
    "another zone": {"zone": "Asia/Kolkata"},
    "a later start": {"start": "2024-01-04"},
    "an earlier end": {"end": "2024-02-10"},
    "fewer arrivals": {"arrival_start": "2024-01-04", "arrival_end": "2024-03-01"},
    "months with ends inside": {"grain": "month", "start": "2024-01-04", "end": "2024-03-31"},
}  # fmt: skip


def land(product: Calendars) -> Calendars:
    for arrival, rows in FILES.items():
        product.land(NAME, arrival, [(at, value) for at, value in rows])  # type: ignore[misc]
    return product


def content(product: Calendars) -> dict[str, Any]:
    """What readers see of all tables, without versions and runs."""
    lake = product.folder / "home/lake"
    found: dict[str, Any] = {}
    for layer in ("bronze", "silver"):
        snapshot = newest(lake, f"{layer}/{NAME}")
        assert snapshot is not None
        found[layer] = sorted(map(repr, snapshot.scan().collect().rows()))
        found[f"{layer} files"] = sorted((file.values, file.digest) for file in snapshot.files)
        keys = {f"assay:{file.values[0]}" for file in snapshot.files}  # a partition without rows has a fingerprint as well
        found[f"{layer} tokens"] = {app: value for app, value in snapshot.tokens("").items() if app in keys or app == CALENDAR}
    view = View.open(lake, NAME)
    for fate in (Fate.HELD, Fate.REFUSED):
        found[fate] = view.rows(fate, ["rule", "source_file", "source_row", "_partition"]).rows()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_calendar_leaves_what_a_fresh_lake_would_hold_and_so_does_its_return(tmp_path: Path, change: str) -> None:
    product = land(Calendars(tmp_path / "changed").readings(NAME, **BEFORE))
    fresh = land(Calendars(tmp_path / "fresh").readings(NAME, **(BEFORE | CHANGES[change])))
    assert set(product.backfill_lake().values()) == set(fresh.backfill_lake().values()) == {None}
    before = content(product)

    product.readings(NAME, **(BEFORE | CHANGES[change]))
    done = product.backfill_lake()
    assert set(done.values()) == {None}, done
    assert content(product) == content(fresh)
    assert product.backfill_lake() == {}, "done once"

    product.readings(NAME, **BEFORE)
    assert set(product.backfill_lake().values()) == {None}
    assert content(product) == before
    assert product.backfill_lake() == {}


@pytest.mark.slow
def test_a_key_of_the_whole_table_is_counted_once_in_either_calendar(tmp_path: Path) -> None:
    scope = {"more": "      - {property: keyScope, value: table}\n"}
    product = land(Calendars(tmp_path / "changed").readings(NAME, **BEFORE, **scope))
    fresh = land(Calendars(tmp_path / "fresh").readings(NAME, **BEFORE, **scope, grain="month", zone="Asia/Kolkata"))
    product.backfill_lake()
    fresh.backfill_lake()
    before = content(product)
    product.readings(NAME, **BEFORE, **scope, grain="month", zone="Asia/Kolkata")
    assert set(product.backfill_lake().values()) == {None}
    assert content(product) == content(fresh)
    product.readings(NAME, **BEFORE, **scope)
    assert set(product.backfill_lake().values()) == {None}
    assert content(product) == before
    assert product.backfill_lake() == {}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Calendars:
    """The dataset by days, published."""
    product = land(Calendars(tmp_path_factory.mktemp("days")).readings(NAME, **BEFORE))
    product.backfill_lake()
    return product


def changed(published: Calendars, folder: Path, **said: str) -> Calendars:
    """A copy in which the contract says something else."""
    shutil.copytree(published.folder / "home/lake", folder / "home/lake")
    shutil.copytree(published.folder / "home/landing", folder / "home/landing")
    return Calendars(folder).readings(NAME, **(BEFORE | said))


def parts(product: Calendars) -> tuple[Run, Contract, dg.TimeWindowPartitionsDefinition, TableSpec]:
    contracts = load_contracts(product.contracts)
    contract = contracts[NAME]
    definition = events_of(contract)
    assert definition is not None
    home = product.folder / "home"
    return Run(home / "lake", home / "landing", contracts, "test"), contract, definition, silver_spec(contract)


def rebuild(product: Calendars) -> list[Outcome]:
    """Silver is replaced by all months that there are. Bronze keeps days: of months of events it knows nothing but the dates."""
    run, contract, definition, spec = parts(product)
    bronze, arrivals = bronze_spec(contract), arrivals_of(contract)
    assert arrivals is not None
    list(ingest(run, contract, slice_of(arrivals, list(FILES), bronze)))
    return list(refine_partitions(run, contract, slice_of(definition, definition.get_partition_keys(), spec), whole_of(definition, spec)))


def test_one_partition_of_another_calendar_is_refused_with_what_to_do(published: Calendars, tmp_path: Path) -> None:
    product = changed(published, tmp_path, grain="month")
    before = content(product)
    run, contract, definition, spec = parts(product)
    january = slice_of(definition, ["2024-01-01"], spec)
    with pytest.raises(CalendarChanged, match=r"2 others, such as 2024-02-01, would be left\. Build all.*--select silver/meter`"):
        list(refine_partitions(run, contract, january, whole_of(definition, spec)))
    with pytest.raises(CalendarChanged, match="its calendar was changed: its partitions are not those of a calendar of months in UTC"):
        list(refine_partitions(run, contract, january))
    assert content(product) == before


def test_one_refused_partition_leaves_the_old_calendar_as_it_is(published: Calendars, tmp_path: Path) -> None:
    product = changed(published, tmp_path, grain="month", more="      - {property: rejectedShare, value: {mustBeLessThan: 0.2}}\n")
    before = content(product)["silver files"]
    outcomes = {one.key: one for one in rebuild(product)}
    assert {key: one.status for key, one in outcomes.items()} == dict.fromkeys(["2024-01-01", "2024-02-01", "2024-03-01"], Status.REFUSED)
    assert "2024-01-01 was refused" in str(outcomes["2024-03-01"].refusal)
    assert content(product)["silver files"] == before
    assert len(list((tmp_path / "home/lake/silver").rglob("*.parquet"))) == len(before), "nothing staged is left"


@pytest.mark.parametrize("change", ["months of arrivals", "months of both, in another zone"])
def test_bronze_is_made_again_from_its_own_rows_where_landing_was_archived_and_back(
    published: Calendars, tmp_path: Path, change: str
) -> None:
    product = changed(published, tmp_path / "archived", **CHANGES[change])
    fresh = land(Calendars(tmp_path / "fresh").readings(NAME, **(BEFORE | CHANGES[change])))
    assert set(fresh.backfill_lake().values()) == {None}
    before = content(product)
    for archived in ("2024-01-03", "2024-02-29"):
        (tmp_path / f"archived/home/landing/meter/meter_{archived}.csv").unlink()
    assert set(product.backfill_lake().values()) == {None}
    assert content(product)["bronze"] == content(fresh)["bronze"]
    assert content(product)["silver"] == content(fresh)["silver"]
    assert product.backfill_lake() == {}, "done once"
    product.readings(NAME, **BEFORE)
    assert set(product.backfill_lake().values()) == {None}
    assert content(product)["bronze"] == before["bronze"]


def with_twin(published: Calendars, folder: Path) -> tuple[Calendars, list[Path]]:
    """A copy in which the content of a day has landed for another day of its month, too; and both files."""
    product = changed(published, folder)
    first, second = product.folder / "home/landing/meter/meter_2024-01-03.csv", product.folder / "home/landing/meter/meter_2024-01-10.csv"
    shutil.copy(first, second)
    assert set(product.backfill_lake().values()) == {None}
    return product, [first, second]


def test_one_content_of_two_days_is_there_for_each_when_bronze_goes_back_from_months(published: Calendars, tmp_path: Path) -> None:
    """By the month it is there once. Before, only the day whose name bronze had named had rows again if both were archived."""
    product, files = with_twin(published, tmp_path)
    before = content(product)["bronze"]
    product.readings(NAME, **(BEFORE | {"arrival": "month"}))
    assert set(product.backfill_lake().values()) == {None}
    assert len(content(product)["bronze"]) == len(before) - len(FILES["2024-01-03"])
    for file in files:
        file.unlink()
    product.readings(NAME, **BEFORE)
    assert set(product.backfill_lake().values()) == {None}
    assert content(product)["bronze"] == before
    assert product.backfill_lake() == {}


@pytest.mark.parametrize("twin", [False, True], ids=["alone", "beside another arrival of its content"])
def test_rows_that_only_bronze_has_are_not_left_out_by_fewer_arrivals(published: Calendars, tmp_path: Path, *, twin: bool) -> None:
    product = with_twin(published, tmp_path)[0] if twin else changed(published, tmp_path)
    product.readings(NAME, **(BEFORE | {"arrival_start": "2024-01-04"}))
    gone = tmp_path / "home/landing/meter/meter_2024-01-03.csv"
    kept, before = gone.read_bytes(), content(product)
    gone.unlink()
    (failure,) = product.backfill_lake().values()
    assert "of 1 files outside the new calendar, such as meter/meter_2024-01-03.csv, only bronze has the rows. Bring them back" in str(
        failure
    )
    assert content(product) == before
    gone.write_bytes(kept)
    assert set(product.backfill_lake().values()) == {None}
    assert product.backfill_lake() == {}


class Killed(BaseException):
    """Nobody catches it."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commit", range(3))
def test_whoever_is_killed_leaves_the_old_calendar_or_the_new_one(
    published: Calendars, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: int, *, after: bool
) -> None:
    product, told = changed(published, tmp_path / "killed", grain="month"), changed(published, tmp_path / "told", grain="month")
    old, _ = content(told), rebuild(told)
    new, offer, left = content(told), _Commit.offer, [commit]

    def dies(self: _Commit, table: DeltaTable, columns: pa.Schema | None = None) -> int | None:
        if self.staging.slice.spec.name.startswith("bronze/"):
            return offer(self, table, columns)
        if left[0] == 0 and not after:
            raise Killed
        done = offer(self, table, columns)
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return done

    with monkeypatch.context() as patched:
        patched.setattr(_Commit, "offer", dies)
        with suppress(Killed):
            rebuild(product)
    seen = content(product)
    del seen["bronze tokens"], old["bronze tokens"], old["bronze files"], seen["bronze files"]
    assert seen in (old, {name: value for name, value in new.items() if name in seen})
    rebuild(product)
    assert content(product) == new


@pytest.mark.slow
def test_a_model_moves_with_the_calendars_of_its_inputs_and_loses_the_months_that_they_lost(tmp_path: Path) -> None:
    product = land(Calendars(tmp_path).readings(NAME, **BEFORE)).model("sums", [NAME])
    assert set(product.backfill().values()) == {None}
    assert totals(product.world, "gold/sums") == {"2024-01-01": 15, "2024-02-01": 48, "2024-03-01": 128}
    product.readings(NAME, **(BEFORE | {"zone": "Asia/Kolkata", "end": "2024-03-01"}))
    done = product.backfill()
    assert set(done.values()) == {None}, done
    assert totals(product.world, "gold/sums") == {"2024-01-01": 11, "2024-02-01": 52}
    assert product.backfill() == {}
    snapshot = newest(tmp_path / "home/lake", "gold/sums")
    assert snapshot is not None
    assert {file.values[0] for file in snapshot.files} == {"2024-01-01", "2024-02-01"}
    product.readings(NAME, **BEFORE)
    assert set(product.backfill().values()) == {None}
    assert totals(product.world, "gold/sums") == {"2024-01-01": 15, "2024-02-01": 48, "2024-03-01": 128}


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"start": "2024-03-15", "end": "2024-03-20"}, {"grain": "month", "start": "2024-03-31", "end": "2024-04-01"}]
)
def test_a_calendar_with_nothing_in_it_leaves_none_of_the_old_rows_published(tmp_path: Path, change: dict[str, str]) -> None:
    product = Calendars(tmp_path / "changed").readings(NAME, **BEFORE)
    product.land(NAME, "2024-01-03", [("2024-01-02T23:30:00Z", 1), ("2024-01-03T08:00:00Z", "x")])
    assert set(product.backfill_lake().values()) == {None}
    assert content(product)["silver"]

    product.readings(NAME, **(BEFORE | change))
    assert set(product.backfill_lake().values()) == {None}
    found = content(product)
    assert found["silver"] == []
    assert {row[0] for row in found[Fate.HELD]} <= {"event_time_from_start", "event_time_before_end", "event_time_readable"}
    assert product.backfill_lake() == {}, "done once"


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"arrival_start": "2024-03-01"}, {"arrival_start": "2999-01-01", "arrival_end": "2999-02-01"}])
def test_bronze_whose_calendar_has_nothing_to_put_in_its_place_stays_and_says_so(tmp_path: Path, change: dict[str, str]) -> None:
    product = Calendars(tmp_path / "changed").readings(NAME, **BEFORE)
    product.land(NAME, "2024-01-03", [("2024-01-02T23:30:00Z", 1), ("never", 2)])
    assert set(product.backfill_lake().values()) == {None}
    before = content(product)

    product.readings(NAME, **(BEFORE | change))
    (bronze,) = product.world.planner().due([dg.AssetKey(["bronze", NAME])])
    assert "The calendar of bronze/meter was changed: it has 1 partitions that its calendar has not, such as 2024-01-03" in bronze.problem
    assert content(product)["bronze"] == before["bronze"]
