"""The parts of an erasure: who is meant, the fence, which old files may go, what the log forgets, and a scan that finds."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from assay.erasure import partition_rows
from assay.erasure.old_files import LOG, OldFiles, committable, forget_bounds, rewritten
from assay.erasure.person_search import at_places, data_files, search
from assay.erasure.places import Kind, Place
from assay.erasure.proving import scan
from assay.erasure.removing import Person, remove_from_bronze, remove_from_quarantine
from assay.erasure.search_terms import SearchTerms
from assay.errors import Fenced
from assay.ingest import work
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake import audited, side_tables
from assay.lake.erasures import BEGUN, Erasure, erasures, raise_fence, record
from assay.lake.fence import fence_now, fence_of
from assay.lake.migrations import TOKEN
from assay.lake.publisher import Provenance, publish
from assay.lake.quarantine.rejected import Rejected
from assay.lake.quarantine.store import COLUMNS, PARTITION, Quarantine
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec
from assay.lake.snapshots import newest, open_snapshot, table_names
from assay.lake.staging import stage
from assay.lake.tables import table_folders
from assay.maintenance.unfinished import remove_unfinished
from assay.masking.keyring import MaskingKeyMissing, read_ring
from assay.masking.subjects import erasure_token, rows_of, spelled
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import SecretReference
from assay.steps import Run, Status
from people import MEMBER, PAYMENT, csv_of, people
from sales import KEYS

if TYPE_CHECKING:
    from assay.contracts.model.contract import Contract

ADA, BOB = "ada.planted@secret.example", "bob.other@secret.example"
AT = datetime(2024, 5, 1, tzinfo=UTC)
PLAIN = TableSpec("silver/plain", pa.schema([pa.field("day", pa.string(), nullable=False), ("text", pa.string())]), ("day",))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "lake", tmp_path / "landing", people(tmp_path / "contracts"), "test", keys=KEYS)


@pytest.fixture
def payments(run: Run) -> Contract:
    return run.contracts["payments"]


def land(run: Run, *who: str, name: str = "2024-01-01") -> None:
    path = run.landing / f"payments/payments_{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(csv_of(PAYMENT, [{"payment": str(number), "payer": one} for number, one in enumerate(who, 1)]))


def day(contract: Contract) -> Slice:
    return Slice(bronze_spec(contract), (Partition("2024-01-01", ("2024-01-01",)),))


def ada(number: int = 1, kind: str = "customer") -> Erasure:
    return Erasure(number, BEGUN, kind, erasure_token(read_ring(KEYS).current, kind, ADA), "tester", AT)


def put(lake: Path, key: str, *texts: str) -> None:
    frame = pl.DataFrame({"day": [key] * len(texts), "text": texts}, schema={"day": pl.String, "text": pl.String})
    publish(lake, stage(lake / PLAIN.name, Slice(PLAIN, (Partition(key, (key,)),)), [frame]), {key: 1})


def test_a_person_is_told_as_the_contract_reads_the_value(tmp_path: Path) -> None:
    change = (
        "      - {name: payer, logicalType: string}\n",
        "      - {name: payer, logicalType: string}\n      - {name: badge, logicalType: string}\n",
    )
    badge = "      - {name: badge, logicalType: integer, customProperties: [{property: subject, value: customer}]}\n      - {name: amount, logicalType: number"
    contract = people(tmp_path, change, ("      - {name: amount, logicalType: number", badge))["payments"]
    frame = pl.DataFrame({**{name: [None] * 4 for name in contract.source.columns}, "payer": [ADA, f" {ADA}", "", None], "badge": ["x", "007", "7", "70"]},
                         schema=dict.fromkeys(contract.source.columns, pl.String))  # fmt: skip
    for value, found in (
        (ADA, [True, False, False, False]),
        ("7", [False, True, True, False]),
        ("007", [False, True, True, False]),
        ("", [False] * 4),
    ):
        wanted = spelled(contract, "customer", value)
        assert rows_of(frame, contract, "customer", lambda texts, wanted=wanted: texts.is_in(wanted)).to_list() == found
    assert rows_of(frame, contract, "driver", lambda texts: texts.is_in([ADA])).to_list() == [False] * 4
    assert rows_of(frame.clear(), contract, "customer", lambda texts: texts.is_in([ADA])).to_list() == []


def test_an_erasure_is_told_by_a_token_of_its_own(run: Run) -> None:
    record(run.lake, ada())
    (found,) = erasures(run.lake)
    assert found == ada()
    assert ADA not in str(found)
    assert erasure_token(read_ring(KEYS).current, "driver", ADA) != found.token


def test_who_was_erased_is_left_out_and_counted(run: Run, payments: Contract) -> None:
    land(run, ADA, BOB, ADA)
    record(run.lake, ada())
    (outcome,) = ingest(run, payments, day(payments))
    assert (outcome.status, outcome.rows, outcome.facts["erased"]) == (Status.PUBLISHED, 1, 2)
    rows = open_snapshot(run.lake, "bronze/payments").scan().collect()
    assert rows.select("payer", "_source_row").rows() == [(BOB, 2)], "the others keep their place in the file"
    note = json.loads(open_snapshot(run.lake, "bronze/payments").table.history(limit=1)[0]["assay.partitions"])["2024-01-01"]
    assert note["erased"] == 2


def test_an_erasure_of_an_old_key_still_holds_and_without_the_key_nothing_is_ingested(run: Run, payments: Contract, tmp_path: Path) -> None:
    land(run, ADA, BOB)
    old = read_ring(KEYS).key("test1")
    record(run.lake, Erasure(1, BEGUN, "customer", erasure_token(old, "customer", ADA), "tester", AT))
    lost = tmp_path / "keys"
    lost.write_text(KEYS.read().splitlines()[1])
    with pytest.raises(MaskingKeyMissing, match="test1 is not in the key ring"):
        list(ingest(Run(run.lake, run.landing, run.contracts, keys=SecretReference("file", str(lost))), payments, day(payments)))
    (outcome,) = ingest(run, payments, day(payments))
    assert outcome.facts["erased"] == 1


def test_an_ingest_that_began_before_an_erasure_cannot_publish(run: Run, payments: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    land(run, ADA, BOB)

    def erased_meanwhile(*arguments: object) -> object:
        record(run.lake, ada())
        raise_fence(run.lake, ["bronze/payments"])
        return stage(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(work, "stage", erased_meanwhile)
        with pytest.raises(Fenced, match="publish to bronze/payments what was read before an erasure had begun"):
            list(ingest(run, payments, day(payments)))
    assert open_snapshot(run.lake, "bronze/payments").rows == 0
    assert data_files(run.lake / "bronze/payments") == []
    (outcome,) = ingest(run, payments, day(payments))
    assert outcome.rows == 1


def test_a_person_leaves_what_bronze_holds_of_archived_files_and_is_counted_as_erased_for_good(run: Run, payments: Contract) -> None:
    land(run, ADA, BOB)
    list(ingest(run, payments, day(payments)))
    for file in (run.landing / "payments").iterdir():
        file.unlink()
    record(run.lake, ada())
    assert remove_from_bronze(run.lake, payments, Person("customer", ADA)) == 1
    for _ in range(2):
        (outcome,) = ingest(replace(run, force=True), payments, day(payments))
        assert (outcome.status, outcome.rows, outcome.facts["erased"]) == (Status.PUBLISHED, 1, 1)
        rows = open_snapshot(run.lake, "bronze/payments").scan().collect()
        assert rows.select("payer", "_source_row").rows() == [(BOB, 2)]


def test_a_person_is_named_with_all_names_of_a_content_and_leaves_under_each(run: Run, payments: Contract) -> None:
    names = [f"payments/payments_2024-01-01{suffix}.csv" for suffix in ("_a", "_b", "_c")]
    for name in names:
        land(run, ADA, BOB, name=name.removeprefix("payments/payments_").removesuffix(".csv"))
    list(ingest(run, payments, day(payments)))
    assert search(run.lake, payments, "customer", ADA).files == {*names}
    record(run.lake, ada())
    assert remove_from_bronze(run.lake, payments, Person("customer", ADA)) == 1
    (run.landing / names[1]).unlink()
    for place, others in (("_a", [BOB]), ("_c", [])):  # the archived one goes on to have what is left of its rows
        land(run, *others, name=f"2024-01-01{place}")
        (outcome,) = ingest(run, payments, day(payments))
        assert outcome.facts["erased"] == 1
    rows = open_snapshot(run.lake, "bronze/payments").scan().collect()
    assert sorted(rows.select("payer", "_source_file", "_source_row").rows()) == [(BOB, names[0], 1), (BOB, names[1], 2)]


def test_a_row_held_under_the_hash_of_an_earlier_delivery_is_found(run: Run, payments: Contract) -> None:
    """The file was sent again with one row more: the days that it leaves as they were keep what they hold, with the hash of then."""
    land(run, ADA, BOB)
    list(ingest(run, payments, day(payments)))
    earlier = open_snapshot(run.lake, "bronze/payments").scan().collect()["_source_hash"][0]
    quarantine = Quarantine(run.lake, "payments")
    held = pl.DataFrame({"source_file": ["payments/payments_2024-01-01.csv"], "source_row": [1], "source_hash": [earlier]})
    others = {name: pl.lit("x") for name in quarantine.spec.schema.names if name not in {*held.columns, "_publication"}}
    quarantine.store(quarantine.stage(Rejected(held.with_columns(**others)), {"x": 1}), {}, Provenance())
    land(run, ADA, BOB, BOB)
    list(ingest(run, payments, day(payments)))
    for path in data_files(run.lake / "bronze/payments"):
        if str(path) not in {file.path for file in open_snapshot(run.lake, "bronze/payments").files}:
            path.unlink()  # as a vacuum does
    found = search(run.lake, payments, "customer", ADA)
    assert (earlier, 1) in found.of("quarantine")
    assert (earlier, 1) not in found.of("decisions"), "no silver shows it: in that content the row may have been another one's"


def test_a_fence_only_rises_and_changes_no_row(run: Run, payments: Contract) -> None:
    land(run, BOB)
    list(ingest(run, payments, day(payments)))
    before = open_snapshot(run.lake, "bronze/payments").files
    assert fence_now(run.lake) == fence_of(newest(run.lake, "bronze/payments")) == 0
    for number in (1, 2, 3):
        assert raise_fence(run.lake, ["bronze/payments", "bronze/not_there"]) == number
        assert fence_of(newest(run.lake, "bronze/payments")) == fence_now(run.lake) == number
    assert open_snapshot(run.lake, "bronze/payments").files == before
    assert newest(run.lake, "bronze/not_there") is None


def test_removing_keeps_the_fingerprint_so_that_nothing_is_ingested_again(run: Run, payments: Contract) -> None:
    land(run, ADA, BOB)
    list(ingest(run, payments, day(payments)))
    token = open_snapshot(run.lake, "bronze/payments").token(f"{TOKEN}2024-01-01")
    assert remove_from_bronze(run.lake, payments, Person("customer", ADA)) == 1
    assert remove_from_bronze(run.lake, payments, Person("customer", ADA)) == 0
    assert open_snapshot(run.lake, "bronze/payments").token(f"{TOKEN}2024-01-01") == token
    assert [outcome.status for outcome in ingest(run, payments, day(payments))] == [Status.UNCHANGED]
    assert len(search(run.lake, payments, "customer", ADA).places) == 1, "the earlier version"
    assert ADA not in repr(Person("customer", ADA))


def test_an_old_file_goes_and_one_that_may_still_be_committed_stays(tmp_path: Path) -> None:
    lake, begun = tmp_path / "lake", datetime.now(UTC)
    put(lake, "a", "one")
    put(lake, "b", "two")
    first = open_snapshot(lake, PLAIN.name).version
    put(lake, "a", "other")
    young, old = (
        stage(lake / PLAIN.name, Slice(PLAIN, (Partition("a", ("a",)),)), [pl.DataFrame({"day": ["a"], "text": [text]})]) for text in "xy"
    )
    before = begun - timedelta(minutes=5)
    os.utime(lake / PLAIN.name / old.files[0].path, (before.timestamp(), before.timestamp()))
    assert rewritten(lake, PLAIN.name, first) == {("a",)}
    assert rewritten(lake, PLAIN.name, None) == set()
    gone = OldFiles.of(lake, PLAIN.name, begun).remove(lambda _: True)
    assert len(gone) == 2
    assert (lake / PLAIN.name / young.files[0].path).exists()
    assert not (lake / PLAIN.name / old.files[0].path).exists()
    assert open_snapshot(lake, PLAIN.name).scan().collect().sort("day")["text"].to_list() == ["other", "two"]
    publish(lake, young, {"a": 2})
    assert open_snapshot(lake, PLAIN.name).scan().collect().sort("day")["text"].to_list() == ["x", "two"]


def test_what_was_staged_before_the_fence_goes_whatever_is_in_it_also_of_a_table_that_was_never_made(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    slice_ = Slice(PLAIN, (Partition("a", ("a",)),))
    left, cut, young, being_written = (stage(lake / PLAIN.name, slice_, [pl.DataFrame({"day": ["a"], "text": ["x"]})]) for _ in "1234")
    fenced_at = datetime.now(UTC)
    paths = [lake / PLAIN.name / staging.files[0].path for staging in (left, cut, young, being_written)]
    for path in (paths[1], paths[3]):
        path.write_bytes(path.read_bytes()[:-9])
    for path in paths[:2]:
        os.utime(path, (fenced_at.timestamp() - 5,) * 2)
    for path in paths[2:]:
        os.utime(path, (fenced_at.timestamp() + 5,) * 2)
    assert table_folders(lake) == [PLAIN.name]
    gone = OldFiles.of(lake, PLAIN.name, fenced_at).remove(lambda _: False)
    assert {*gone} == {*paths[:2]}
    forget_bounds(lake / PLAIN.name)
    assert [path for path in paths if path.exists()] == paths[2:]
    publish(lake, young, {"a": 1})
    assert open_snapshot(lake, PLAIN.name).rows == 1


def test_what_another_erasure_has_staged_of_its_record_stays_as_no_fence_keeps_it_out(tmp_path: Path) -> None:
    lake, begun = tmp_path / "lake", datetime.now(UTC)
    theirs = stage(lake / PLAIN.name, Slice(PLAIN, (Partition("b", ("b",)),)), [pl.DataFrame({"day": ["b"], "text": ["x"]})])
    os.utime(lake / PLAIN.name / theirs.files[0].path, (begun.timestamp() - 5,) * 2)
    assert OldFiles.unfenced(lake, PLAIN.name, begun).remove(lambda path: "day=a" in str(path)) == []
    publish(lake, theirs, {"b": 1})
    assert open_snapshot(lake, PLAIN.name).scan().collect()["text"].to_list() == ["x"]


def test_which_files_a_writer_may_still_commit_depends_on_the_fence() -> None:
    fenced_at = datetime.now(UTC) - timedelta(minutes=5)
    assert {committable(f"{layer}/x", fenced_at) for layer in ("bronze", "quarantine", "decisions", "claims")} == {float("inf")}
    assert {committable(f"{layer}/x", fenced_at) for layer in ("silver", "gold")} == {fenced_at.timestamp()}


def test_of_two_erasures_at_once_the_first_is_told_and_undoes_nothing(
    run: Run, payments: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(run, ADA, BOB, "eve@example.org")
    list(ingest(run, payments, day(payments)))
    mine = raise_fence(run.lake, ["bronze/payments"])

    def other(*arguments: object) -> object:
        patch.undo()
        assert remove_from_bronze(run.lake, payments, Person("customer", BOB), raise_fence(run.lake, ["bronze/payments"])) == 1
        return stage(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(partition_rows, "stage", other)
        with pytest.raises(Fenced):
            remove_from_bronze(run.lake, payments, Person("customer", ADA), mine)
    left = open_snapshot(run.lake, "bronze/payments").scan().collect()["payer"].to_list()
    assert left == [ADA, "eve@example.org"], "who is erased does not come back, and every file that is named is there"


def test_an_erasure_looks_again_at_what_an_ingest_has_published_meanwhile(
    run: Run, payments: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forced, it has the fingerprint that the erasure saw: only the publication tells that it is another."""
    land(run, ADA, BOB)
    list(ingest(run, payments, day(payments)))

    def ingested(*arguments: object) -> object:
        patch.undo()
        list(ingest(replace(run, force=True), payments, day(payments)))
        return stage(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(partition_rows, "stage", ingested)
        assert remove_from_bronze(run.lake, payments, Person("customer", ADA)) == 1
    assert open_snapshot(run.lake, "bronze/payments").scan().collect()["payer"].to_list() == [BOB]


def refuse(run: Run, *hashes: str, fence: int | None = None) -> None:
    """Keep the rows of a refused attempt, in place of those of the attempt before."""
    row = dict.fromkeys(COLUMNS.names[:-1], "x") | {PARTITION: "2024-01-01"}
    rows = pl.DataFrame([row | {"source_hash": hash_, "source_row": 1} for hash_ in hashes])
    noted = Provenance(fence=fence_now(run.lake) if fence is None else fence)
    Quarantine(run.lake, "payments").refuse(Rejected(rows), {"2024-01-01": None}, {"2024-01-01": "too many"}, noted)


def test_an_erasure_looks_again_at_rows_that_were_refused_meanwhile(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have the name of those that the erasure has read: refused rows are kept under the publication that stays."""
    refuse(run, "hers", "of the attempt before")

    def refused(*arguments: object) -> object:
        patch.undo()
        refuse(run, "hers", "of this attempt", "and another")
        return stage(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(partition_rows, "stage", refused)
        assert remove_from_quarantine(run.lake, "payments", {("hers", 1)}) == 1
    assert {*open_snapshot(run.lake, "quarantine/payments").scan().collect()["source_hash"]} == {"of this attempt", "and another"}


def test_rows_that_were_refused_on_what_was_read_before_an_erasure_are_not_kept(run: Run) -> None:
    refuse(run, "others")
    before = fence_now(run.lake)
    raise_fence(run.lake, table_names(run.lake))
    with pytest.raises(Fenced, match="quarantine/payments"):
        refuse(run, "hers", fence=before)
    assert open_snapshot(run.lake, "quarantine/payments").rows == 1


@pytest.mark.parametrize("where", ["quarantine", "silver"])
def test_a_refinement_that_was_paused_before_the_fence_publishes_nothing_after_it(
    run: Run, payments: Contract, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The partition was never published: no erasure rebuilds it, and nothing but the fence keeps its first publication out."""
    path = run.landing / "members/members_2024-01-01.csv"
    path.parent.mkdir(parents=True)
    path.write_text(csv_of(MEMBER, [{"email": ADA}, {"email": BOB}]))
    members = run.contracts["members"]
    list(ingest(run, members, Slice(bronze_spec(members), (WHOLE,))))
    list(refine_partitions(run, members, Slice(silver_spec(members), (WHOLE,))))
    path = run.landing / "payments/payments_2024-01-01.csv"
    path.parent.mkdir(parents=True)
    rows = [{"payment": str(number), "payer": ADA, "amount": amount} for number, amount in enumerate(("1", "2", "many"), 1)]
    path.write_text(csv_of(PAYMENT, rows))
    list(ingest(run, payments, day(payments)))
    owner, name = (audited, "publish") if where == "silver" else (side_tables, "publish")
    real, slice_ = getattr(owner, name), Slice(silver_spec(payments), (Partition("2024-01-01", ("2024-01-01",)),))

    def fenced(*arguments: object, **named: object) -> object:
        patch.undo()
        raise_fence(run.lake, table_names(run.lake))
        for file in data_files(run.lake / where / "payments"):
            file.unlink()  # as an erasure does with what nobody can commit any more
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fenced)
        with pytest.raises(Fenced, match=f"{where}/payments"):
            list(refine_partitions(run, payments, slice_))
    tables = [table for layer in ("silver", "quarantine") if (table := newest(run.lake, f"{layer}/payments"))]
    assert not any(table.files for table in tables if table.name.startswith(("silver/", f"{where}/")))
    assert all(Path(file.path).exists() for table in tables for file in table.files)
    (outcome,) = refine_partitions(run, payments, slice_)
    assert (outcome.rows, outcome.facts["quarantined"]) == (2, 1)


def test_the_log_forgets_the_bounds_of_removed_files_and_nothing_else(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    table = lake / PLAIN.name
    put(lake, "a", ADA)
    put(lake, "b", BOB)
    open_snapshot(lake, PLAIN.name).table.create_checkpoint()
    put(lake, "a", "nobody")
    terms = SearchTerms((ADA,), ())
    assert {one.partition(",")[0] for one in scan([Place("", table / LOG, Kind.TABLES)], terms).found} == {
        "00000000000000000001.json",
        "00000000000000000002.checkpoint.parquet",
    }
    history = open_snapshot(lake, PLAIN.name).table.history()
    assert len(OldFiles.of(lake, PLAIN.name, datetime.now(UTC)).remove(lambda _: True)) == 1
    forget_bounds(table)  # told by the disk, not by what was just removed: an erasure may have been killed in between
    assert scan([Place("", lake, Kind.TABLES)], terms).found == ()
    assert scan([Place("", lake, Kind.TABLES)], SearchTerms((BOB,), ())).found != ()
    now = open_snapshot(lake, PLAIN.name)
    assert now.table.history() == history
    assert sorted(now.scan().collect()["text"]) == [BOB, "nobody"]
    assert [file.rows for file in open_snapshot(lake, PLAIN.name, 1).files] == [1], "what the old version was can still be told"
    put(lake, "c", "more")
    assert open_snapshot(lake, PLAIN.name).rows == 3


def test_what_killed_writers_had_not_finished_goes_and_what_one_is_at_stays(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put(lake, "a", ADA)
    log, fenced_at = lake / PLAIN.name / LOG, datetime.now(UTC)
    left = [log / ".00000000000000000001.json.1f.tmp", log / "_commit_1f.json.tmp", lake / PLAIN.name / "day=a/x.parquet#1"]
    for path in (*left, young := log / "_commit_2f.json.tmp"):
        path.write_text(ADA)
        os.utime(path, (fenced_at.timestamp() - 5,) * 2 if path in left else None)
    checkpoint = lake / PLAIN.name / ".checkpoint-3f"
    (checkpoint / LOG).mkdir(parents=True)
    (checkpoint / LOG / "00000000000000000001.checkpoint.parquet").write_text(ADA)
    (checkpoint / LOG / "00000000000000000000.json").symlink_to(log / "00000000000000000000.json")
    os.utime(checkpoint, (fenced_at.timestamp() - 5,) * 2)
    assert remove_unfinished(lake, fenced_at) == 4
    assert not checkpoint.exists()
    assert [path for path in (*left, young) if path.exists()] == [young]
    assert open_snapshot(lake, PLAIN.name).rows == 1


def test_the_scan_finds_a_value_wherever_it_is_packed(run: Run, tmp_path: Path) -> None:
    terms = SearchTerms.of(run.contracts.values(), Person("customer", ADA), read_ring(KEYS))
    assert ADA not in repr(terms)
    assert len([one for one in terms.within if one.startswith("tok_test")]) == 2, "under the current key and the old one"
    folder = tmp_path / "there"
    folder.mkdir()
    pl.DataFrame({"x": [f"to {ADA}"] * 3000}).write_parquet(folder / "a.parquet", compression="zstd")
    pl.DataFrame({"x": [{"y": [ADA]}]}).write_parquet(folder / "b.parquet")
    (folder / "c.json").write_text(json.dumps({"stats": json.dumps({"max": ADA})}))
    (folder / "d.json").write_text(next(one for one in terms.within if one.startswith("tok_")))
    pl.DataFrame({"x": ["nobody"]}).write_parquet(folder / "e.parquet")
    found = scan([Place("", folder, Kind.TABLES)], terms)
    assert {one.partition(",")[0] for one in found.found} == {"a.parquet", "b.parquet", "c.json", "d.json"}
    assert found.files == 5


@pytest.mark.parametrize("name", ['Ada "Countess" Lovelace', "Zoë Müller-Łódź", "back\\slash name"])
def test_the_scan_finds_a_name_as_json_spells_it(run: Run, tmp_path: Path, name: str) -> None:
    terms = SearchTerms.of(run.contracts.values(), Person("customer", name), read_ring(KEYS))
    for number, ascii_ in enumerate((True, False)):
        stats = json.dumps({"max": name}, ensure_ascii=ascii_)
        (tmp_path / f"plain{number}.json").write_text(stats)
        (tmp_path / f"nested{number}.json").write_text(json.dumps({"stats": stats}, ensure_ascii=ascii_))
    found = {one for one in scan([Place("", tmp_path, Kind.TABLES)], terms).found if one.endswith(".json")}
    assert found == {"plain0.json", "plain1.json", "nested0.json", "nested1.json"}


def test_a_short_value_is_looked_for_as_a_whole_cell(run: Run, tmp_path: Path) -> None:
    terms = SearchTerms.of(run.contracts.values(), Person("customer", "bo"), read_ring(KEYS))
    pl.DataFrame({"x": ["about", "robot"]}).write_parquet(tmp_path / "a.parquet")
    assert scan([Place("", tmp_path / "nowhere", Kind.TABLES)], terms).files == 0
    folder = tmp_path / "there"
    folder.mkdir()
    pl.DataFrame({"x": ["about", "bo"]}).write_parquet(folder / "b.parquet")
    pl.DataFrame({"x": ["about", "robot"]}).write_parquet(folder / "c.parquet")
    assert scan([Place("", folder, Kind.TABLES)], terms).found == ("b.parquet, column x",)


def test_places_are_told_by_content_and_row() -> None:
    frame = pl.DataFrame({"source_hash": ["a", "a", "b"], "source_row": [1, 2, 1]})
    assert at_places(frame, {("a", 2), ("b", 1), ("c", 9)}).to_list() == [False, True, True]
    assert at_places(frame, set()).to_list() == [False] * 3


def test_a_snapshot_table_is_searched_and_cleaned_as_a_whole(run: Run) -> None:
    members = run.contracts["members"]
    path = run.landing / "members/members_2024-01-01.csv"
    path.parent.mkdir(parents=True)
    path.write_text(csv_of(MEMBER, [{"email": ADA}, {"email": BOB}]))
    list(ingest(run, members, Slice(bronze_spec(members), (WHOLE,))))
    assert search(run.lake, members, "customer", ADA).files == {"members/members_2024-01-01.csv"}
    assert remove_from_bronze(run.lake, members, Person("customer", ADA)) == 1
    assert open_snapshot(run.lake, "bronze/members").scan().collect()["email"].to_list() == [BOB]
    record(run.lake, ada())
    (outcome,) = ingest(Run(run.lake, run.landing, run.contracts, force=True, keys=KEYS), members, Slice(bronze_spec(members), (WHOLE,)))
    assert (outcome.rows, outcome.facts["erased"]) == (1, 1)
