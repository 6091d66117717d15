"""The publisher against real Delta tables: exact replacement, races, failures of the storage, and what readers then see."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from endless_publisher import PARTS, SPEC, Job, new_job, publish_once, state, write_together
from polars.testing import assert_frame_equal

from assay.errors import NullsInRequiredColumn, RowsOutsideSlice, SchemaDrift, SliceInvalid, Superseded, UnsupportedTableFeature
from assay.lake import publisher, tables
from assay.lake.publisher import Provenance, Published, current_tokens, fingerprint, publish
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec, Window
from assay.lake.snapshots import newest, open_snapshot
from assay.lake.staging import stage
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assay.lake.log import Action

NAME = "silver/things"
BY_PART = TableSpec(
    NAME, pa.schema([pa.field("part", pa.string(), nullable=False), pa.field("n", pa.int64())]), partition_by=("part",)
)  # fmt: skip


def parts(*keys: str, spec: TableSpec = BY_PART) -> Slice:
    return Slice(spec, tuple(Partition(key, (key,)) for key in keys))


def rows(**values: list[int | None]) -> pl.DataFrame:
    found = [(part, n) for part, numbers in values.items() for n in numbers]
    return pl.DataFrame(found, schema={"part": pl.String, "n": pl.Int64}, orient="row")


def put(lake: Path, slice_: Slice, frames: Sequence[pl.DataFrame], token: int = 1, **options: Any) -> Published:
    staging = stage(lake / slice_.spec.name, slice_, frames)
    return publish(lake, staging, dict.fromkeys(slice_.keys, token), **options)


def shown(lake: Path, name: str = NAME) -> dict[str, list[int]]:
    frame = open_snapshot(lake, name).scan().group_by("part").agg("n").sort("part").collect()
    return {part: sorted(numbers) for part, numbers in frame.iter_rows()}


def parquet_files(lake: Path) -> set[str]:
    return {str(file) for file in (lake / NAME).rglob("*.parquet") if "_delta_log" not in file.parts}


def test_a_publication_replaces_its_partitions_and_nothing_else(lake: Path) -> None:
    put(lake, parts("a", "b", "c"), [rows(a=[1], b=[2], c=[3])])
    published = put(lake, parts("a", "c"), [rows(a=[10, 11])], token=2)
    assert shown(lake) == {"a": [10, 11], "b": [2]}
    assert (published.version, published.files, published.rows) == (2, 1, 2)


def test_rows_that_lie_scattered_are_brought_together_by_partition(lake: Path) -> None:
    scattered = pl.concat([rows(a=[1]), rows(b=[2]), rows(a=[3]), rows(b=[4])])
    published = put(lake, parts("a", "b"), [scattered])
    assert shown(lake) == {"a": [1, 3], "b": [2, 4]}
    assert published.files == 2


def test_rows_outside_the_slice_are_refused_and_their_files_are_gone(lake: Path) -> None:
    put(lake, parts("a"), [rows(a=[1])])
    before = parquet_files(lake)
    with pytest.raises(RowsOutsideSlice, match="found 2 rows with part = b"):
        put(lake, parts("a"), [rows(a=[2]), rows(a=[3], b=[4, 5])], token=2)
    assert open_snapshot(lake, NAME).version == 1
    assert parquet_files(lake) == before


def test_a_null_in_the_partition_column_is_no_partition(lake: Path) -> None:
    spec = TableSpec(NAME, pa.schema([("part", pa.string()), ("n", pa.int64())]), ("part",))
    with pytest.raises(RowsOutsideSlice, match="found 1 rows with part = ,"):
        put(lake, parts("a", spec=spec), [pl.DataFrame({"part": ["a", None], "n": [1, 2]})])


@pytest.mark.parametrize(("at", "allowed"), [("23:59:59.999999", True), ("24:00", False)])
def test_the_end_of_a_window_is_not_in_it_to_the_microsecond(lake: Path, at: str, *, allowed: bool) -> None:
    day = Window(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 2, tzinfo=UTC))
    spec = TableSpec(NAME, pa.schema([("at", pa.timestamp("us", "UTC"))]), event_time="at")
    moment = day.end if at == "24:00" else datetime.fromisoformat(f"2013-01-01T{at}+00:00")
    slice_ = Slice(spec, (Partition("day", (), day),))
    if allowed:
        assert put(lake, slice_, [pl.DataFrame({"at": [moment]})]).rows == 1
    else:
        with pytest.raises(RowsOutsideSlice, match="found at = 2013-01-02"):
            put(lake, slice_, [pl.DataFrame({"at": [moment]})])


def test_a_partitioned_table_cannot_be_replaced_as_a_whole(lake: Path) -> None:
    put(lake, parts("a"), [rows(a=[1])])
    with pytest.raises(SliceInvalid, match="gives 0 values"):
        Slice(BY_PART, (WHOLE,))
    with pytest.raises(SchemaDrift, match=r"it is partitioned by 'part', not by nothing"):
        put(lake, Slice(TableSpec(NAME, BY_PART.schema), (WHOLE,)), [rows(a=[2])])
    assert shown(lake) == {"a": [1]}


@pytest.mark.parametrize("kind", [pa.int64(), pa.list_(pa.int64())], ids=str)
def test_nulls_in_a_required_column_are_refused_also_in_nested_ones(lake: Path, kind: pa.DataType) -> None:
    spec = TableSpec(NAME, pa.schema([pa.field("n", kind, nullable=False)]))
    empty = pl.from_arrow(pa.table({"n": pa.nulls(2, kind)}))
    assert isinstance(empty, pl.DataFrame)
    with pytest.raises(NullsInRequiredColumn, match="found 2 nulls in 'n'"):
        put(lake, Slice(spec, (WHOLE,)), [empty])
    assert newest(lake, NAME) is None


def test_a_contract_that_changes_a_type_cannot_make_the_table_unreadable(lake: Path) -> None:
    put(lake, parts("a"), [rows(a=[1])])
    other = TableSpec(NAME, pa.schema([BY_PART.schema.field("part"), ("n", pa.string())]), ("part",))
    with pytest.raises(SchemaDrift, match="column 'n' is int64 there, not string"):
        put(lake, parts("b", spec=other), [pl.DataFrame({"part": ["b"], "n": ["x"]})])
    assert shown(lake) == {"a": [1]}
    assert len(parquet_files(lake)) == 1


def test_columns_that_different_frames_add_are_all_kept(lake: Path) -> None:
    put(lake, parts("a"), [rows(a=[1])])
    growing = TableSpec(NAME, BY_PART.schema, ("part",), may_add_columns=True)
    added = [rows(b=[2]).with_columns(colour=pl.lit("red")), rows(b=[3]).with_columns(weight=1.5), rows(b=[4])]
    put(lake, parts("b", spec=growing), added)
    snapshot = open_snapshot(lake, NAME)
    assert snapshot.schema.names == ["part", "n", "colour", "weight"]
    assert sorted(snapshot.scan().collect().rows()) == [
        ("a", 1, None, None),
        ("b", 2, "red", None),
        ("b", 3, None, 1.5),
        ("b", 4, None, None),
    ]
    only_old = duckdb.sql(snapshot.duckdb_select(lambda file: file.values == ("a",)))
    assert only_old.fetchall() == [("a", 1, None, None)]
    with pytest.raises(SchemaDrift, match="'size' is int32 in one frame and string in another"):
        put(lake, parts("b", spec=growing), [rows(b=[2]).with_columns(size=1), rows(b=[3]).with_columns(size=pl.lit("s"))])


@pytest.mark.parametrize("values", [pl.Series("n", [2**63], pl.UInt64), pl.Series("n", [time(5)])], ids=["uint64", "time"])
def test_a_type_that_delta_does_not_have_is_refused(lake: Path, values: pl.Series) -> None:
    with pytest.raises(SchemaDrift, match="which Delta does not have"):
        put(lake, parts("a"), [rows(a=[1]).with_columns(values)])


def test_the_same_tokens_leave_the_same_rows_and_tell_that_nothing_is_to_do(lake: Path) -> None:
    for _ in range(2):
        put(lake, parts("a"), [rows(a=[1, 2])], token=fingerprint("same", 1), expected={"a": None})
    assert shown(lake) == {"a": [1, 2]}
    assert current_tokens(newest(lake, NAME), ["a", "b"]) == {"a": fingerprint("same", 1), "b": None}


def test_a_run_whose_partition_was_published_meanwhile_is_superseded(lake: Path) -> None:
    put(lake, parts("a"), [rows(a=[1])], token=1, expected={"a": None})
    before = parquet_files(lake)
    for stale in (None, 7):
        with pytest.raises(Superseded, match="another run has published it since"):
            put(lake, parts("a"), [rows(a=[2])], token=2, expected={"a": stale})
    assert put(lake, parts("b"), [rows(b=[3])], token=2, expected={"b": None}).version == 2
    assert shown(lake) == {"a": [1], "b": [3]}
    assert len(parquet_files(lake) - before) == 1


def test_the_commit_says_who_made_it_from_what(lake: Path) -> None:
    why = Provenance("run 1", "1.2.0", "abc", {"bronze/things": 4}, {"a": {"quarantined": 2}})
    put(lake, parts("a", "b"), [rows(a=[1, 2])], provenance=why)
    commit = DeltaTable(str(lake / NAME)).history(1)[0]
    noted = json.loads(commit["assay.partitions"])
    assert (commit["assay.run_id"], commit["assay.contract_version"], json.loads(commit["assay.inputs"])) == (
        "run 1",
        "1.2.0",
        {"bronze/things": 4},
    )
    assert (noted["a"]["rows"], noted["a"]["quarantined"], noted["b"]["rows"]) == (2, 2, 0)


def together(lake: Path, jobs: list[Job]) -> None:
    """Run each job in a process of its own, all at the same moment."""
    writers = [Child.start(write_together, lake, job) for job in jobs]
    for writer in writers:
        assert json.loads(writer.stdout.readline()) == {"ready": True}
    lake.mkdir(exist_ok=True)
    (lake / "go").touch()
    for writer in writers:
        writer.rest()
        assert writer.code == 0


@pytest.mark.slow
def test_eight_processes_that_publish_different_partitions_of_a_new_table_all_land_once(lake: Path) -> None:
    together(lake, [Job(f"job {number}", [PARTS[number]], 1000, {PARTS[number]: None}) for number in range(8)])
    assert state(open_snapshot(lake, SPEC.name)) == {PARTS[number]: (f"job {number}", [PARTS[number]]) for number in range(8)}
    assert open_snapshot(lake, SPEC.name).version == 8


def test_two_writers_that_add_a_column_at_the_same_time_both_land(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, parts("a"), [rows(a=[1])])
    growing = TableSpec(NAME, BY_PART.schema, ("part",), may_add_columns=True)
    commit, raced = tables.commit, []

    def beaten(table: DeltaTable, actions: list[Action]) -> int | None:
        if not raced:
            raced.append(True)
            put(lake, parts("b", spec=growing), [rows(b=[2]).with_columns(colour=pl.lit("red"))])
        return commit(table, actions)

    monkeypatch.setattr(tables, "commit", beaten)
    put(lake, parts("c", spec=growing), [rows(c=[3]).with_columns(colour=pl.lit("blue"))])
    assert open_snapshot(lake, NAME).scan().sort("n").collect()["colour"].to_list() == [None, "red", "blue"]


@pytest.mark.slow
def test_two_processes_that_publish_one_partition_leave_one_result_and_no_mix(lake: Path) -> None:
    for name in ("one", "two"):
        together(lake, [Job(f"{name} {number}", PARTS[:2], 1000, {}) for number in range(2)])
        seen = state(open_snapshot(lake, SPEC.name))
        assert seen[PARTS[0]] == seen[PARTS[1]]
        assert seen[PARTS[0]][0] in {f"{name} 0", f"{name} 1"}
        (lake / "go").unlink()


@pytest.mark.parametrize(
    ("won", "left"), [("a", {"a": [3], "b": [0]}), ("c", {"a": [3], "b": [0], "c": [1, 2]})], ids=["same partition", "another"]
)
def test_the_loser_of_any_race_looks_again_before_it_commits(
    lake: Path, monkeypatch: pytest.MonkeyPatch, won: str, left: dict[str, list[int]]
) -> None:
    """Delta's own retries would commit on top of a version that nobody has looked at."""
    put(lake, parts("b"), [rows(b=[0])])
    commit, raced = publisher.commit, []

    def beaten(table: DeltaTable, actions: list[Action]) -> int | None:
        if not raced:
            raced.append(True)
            put(lake, parts(won), [rows(**{won: [1, 2]})])
        return commit(table, actions)

    monkeypatch.setattr(publisher, "commit", beaten)
    assert put(lake, parts("a"), [rows(a=[3])], token=2).attempts == 2
    assert shown(lake) == left


def test_the_loser_of_a_race_that_expected_the_old_rows_is_superseded(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, parts("a"), [rows(a=[0])], token=5)
    commit, raced = publisher.commit, []

    def beaten(table: DeltaTable, actions: list[Action]) -> int | None:
        if not raced:
            raced.append(True)
            put(lake, parts("a"), [rows(a=[1, 2])], token=6)
        return commit(table, actions)

    monkeypatch.setattr(publisher, "commit", beaten)
    with pytest.raises(Superseded, match="another run has published it since"):
        put(lake, parts("a"), [rows(a=[3])], token=7, expected={"a": 5})
    assert shown(lake) == {"a": [1, 2]}


@pytest.mark.parametrize("error", [TimeoutError("timeout"), OSError("connection reset")], ids=repr)
def test_a_commit_that_landed_and_reported_a_failure_is_recognised_and_not_doubled(
    lake: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    commit = publisher.commit

    def ambiguous(table: DeltaTable, actions: list[Action]) -> int | None:
        commit(DeltaTable(table.table_uri), actions)
        put_after(lake)
        raise error

    def put_after(lake: Path) -> None:
        """Others go on meanwhile: the landed version is not the newest."""
        monkeypatch.setattr(publisher, "commit", commit)
        put(lake, parts("other"), [rows(other=[9])])

    monkeypatch.setattr(publisher, "commit", ambiguous)
    published = put(lake, parts("a"), [rows(a=[1, 2])], expected={"a": None})
    assert published.version == 1
    assert shown(lake) == {"a": [1, 2], "other": [9]}
    assert open_snapshot(lake, NAME).version == 2


def test_a_storage_that_fails_again_and_again_is_reported_as_it_is(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    put(lake, parts("a"), [rows(a=[1])])
    monkeypatch.setattr(publisher, "commit", broken)
    with pytest.raises(OSError, match="no space left"):
        put(lake, parts("a"), [rows(a=[2])], token=2)
    assert shown(lake) == {"a": [1]}


def test_the_files_of_an_attempt_that_failed_are_never_visible(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, parts("a"), [rows(a=[1])])
    stage(lake / NAME, parts("a"), [rows(a=[7, 8])])  # a run that died before it could publish
    assert len(parquet_files(lake)) == 2
    for frame in every_reader(lake, NAME).values():
        assert frame.rows() == [("a", 1)]


def every_reader(lake: Path, name: str) -> dict[str, pl.DataFrame]:
    """The rows as each engine reads them, in one order."""
    snapshot = open_snapshot(lake, name)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")  # a session's zone must not move anything
    found = {
        "snapshot": snapshot.scan().collect(),
        "duckdb": pl.from_arrow(connection.sql(snapshot.duckdb_select()).to_arrow_table()),
        "delta-rs": pl.from_arrow(snapshot.table.to_pyarrow_table()),
        "polars": pl.read_delta(str(lake / name)) if " " not in str(lake) else None,  # it looks for the encoded name
    }
    frames = {reader: frame for reader, frame in found.items() if isinstance(frame, pl.DataFrame)}
    zoned = pl.col(pl.Datetime("us", "*")).dt.convert_time_zone("UTC")
    return {reader: frame.with_columns(zoned).sort("n").select(snapshot.schema.names) for reader, frame in frames.items()}


def agree(lake: Path, name: str, expected: pl.DataFrame) -> None:
    for frame in every_reader(lake, name).values():
        assert_frame_equal(frame, expected)


WEIRD = [
    "it's", "a/b", "50%", "50%25", "a=b", "a b", "trailing ", "ü✓日本", "x#y?z", "a\\b", '"q"', "a:b", "..", ".", "a&b+c", "{}", "a,b", "*",
    "[x]", "true", "null", "NULL", "1", "01", "2013-01-01", "a\nb", "$HOME", "~",
]  # fmt: skip


@pytest.mark.parametrize("folder", ["lake", "my lake 1 ü"])
def test_every_reader_sees_the_same_rows_under_any_partition_value(tmp_path: Path, folder: str) -> None:
    lake, expected = tmp_path / folder, pl.DataFrame({"part": WEIRD, "n": range(len(WEIRD))})
    put(lake, parts(*WEIRD), [expected.with_columns(n=pl.lit(-1, pl.Int64))])
    for number, part in enumerate(WEIRD):
        put(lake, parts(part), [expected.slice(number, 1)], token=2)
    DeltaTable(str(lake / NAME)).create_checkpoint()
    assert {file.values[0] for file in open_snapshot(lake, NAME).files} == set(WEIRD)
    agree(lake, NAME, expected)


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([date(2013, 1, 1), date(2013, 11, 3)], ["2013-01-01", "2013-11-03"]),
        (
            [datetime(2013, 11, 3, 5, tzinfo=UTC), datetime(2013, 11, 3, 6, 0, 0, 5, UTC)],
            ["2013-11-03T05:00:00Z", "2013-11-03T06:00:00.000005Z"],
        ),
        ([datetime(2013, 11, 3, 5), datetime(2013, 11, 3, 6, 0, 0, 5)], ["2013-11-03 05:00:00", "2013-11-03 06:00:00.000005"]),  # noqa: DTZ001
        ([-2, 10], ["-2", "10"]),
        ([False, True], ["false", "true"]),
    ],
    ids=["date", "timestamp", "wall clock", "integer", "boolean"],
)
def test_every_reader_sees_the_same_rows_under_any_type_of_partition_column(lake: Path, values: list[Any], keys: list[str]) -> None:
    expected = pl.DataFrame({"part": values, "n": [1, 2]})
    kind = expected.to_arrow().schema.field("part").type
    spec = TableSpec(NAME, pa.schema([pa.field("part", kind, nullable=False), ("n", pa.int64())]), ("part",))
    put(lake, parts(*keys, spec=spec), [expected])
    put(lake, parts(keys[0], spec=spec), [expected.head(1)], token=2)
    agree(lake, NAME, expected)


EVERYTHING = pl.DataFrame(
    {
        "n": [1, 2, None],
        "at": [datetime(2013, 1, 1, 0, 0, 0, 999, UTC), None, datetime(2013, 12, 31, 23, 59, 59, 999_999, UTC)],
        "wall": [datetime(2013, 1, 1, 0, 0, 0, 999), None, None],  # noqa: DTZ001
        "day": [date(2013, 1, 1), None, date(1, 1, 1)],
        "text": ["", "ü" * 100, None],
        "real": [float("nan"), float("inf"), None],
        "yes": [True, False, None],
        "raw": [b"\x00\xff", b"", None],
        "tags": [["a", None], [], None],
        "inner": [{"x": 1, "y": ["z"]}, {"x": None, "y": None}, {"x": 2, "y": []}],
    }
)


@pytest.mark.parametrize("frames", [[EVERYTHING], [EVERYTHING.head(2), EVERYTHING.tail(1)], [EVERYTHING.clear()], []], ids=len)
def test_every_reader_sees_the_same_rows_of_every_type(lake: Path, frames: list[pl.DataFrame]) -> None:
    from assay.lake.schemas import lake_schema

    spec = TableSpec(NAME, lake_schema(EVERYTHING.to_arrow().schema))
    put(lake, Slice(spec, (WHOLE,)), frames)
    agree(lake, NAME, pl.concat([EVERYTHING.clear(), *frames]).sort("n"))


def test_statistics_round_a_timestamp_up_so_that_nobody_skips_its_row(lake: Path) -> None:
    """Delta keeps milliseconds: a maximum cut to them would hide the last row from a reader that skips files."""
    last = datetime(2013, 1, 1, 0, 0, 0, 999, UTC)
    spec = TableSpec(NAME, pa.schema([("at", pa.timestamp("us", "UTC"))]))
    put(lake, Slice(spec, (WHOLE,)), [pl.DataFrame({"at": [last]})])
    file = open_snapshot(lake, NAME).files[0]
    assert file.low["at"] <= last <= file.high["at"]
    assert file.may_hold("at", last, last.replace(second=1))
    assert DeltaTable(str(lake / NAME)).to_pyarrow_table(filters=[("at", ">=", last)]).num_rows == 1
    assert pl.scan_delta(str(lake / NAME)).filter(pl.col("at") >= last).collect().height == 1


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(("moment", "said"), [(FIRST, FIRST), (LAST, None)], ids=["first", "last"])
def test_statistics_of_the_first_and_the_last_instant_are_right_or_none(lake: Path, moment: datetime, said: datetime | None) -> None:
    """The year 1 has four digits, and what is after the last millisecond cannot be rounded up."""
    spec = TableSpec(NAME, pa.schema([("at", pa.timestamp("us", "UTC"))]))
    put(lake, Slice(spec, (WHOLE,)), [pl.DataFrame({"at": [moment]})])
    file = open_snapshot(lake, NAME).files[0]
    assert (file.low.get("at"), file.high.get("at")) == (said, said)
    assert pl.scan_delta(str(lake / NAME)).filter(pl.col("at") == moment).collect().height == 1


def described(protocol: dict[str, Any], configuration: dict[str, str]) -> str:
    """The first commit of an empty table, as another writer would make it."""
    mapped = {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-1"}
    schema = {"type": "struct", "fields": [{"name": "n", "type": "long", "nullable": True, "metadata": mapped}]}
    metadata = {
        "id": "0", "format": {"provider": "parquet", "options": {}}, "schemaString": json.dumps(schema), "partitionColumns": [],
        "configuration": configuration, "createdTime": 0,
    }  # fmt: skip
    return "\n".join(json.dumps(action) for action in ({"protocol": protocol}, {"metaData": metadata}))


@pytest.mark.parametrize(
    ("protocol", "configuration"),
    [
        ({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}, {}),
        ({"minReaderVersion": 2, "minWriterVersion": 5}, {"delta.columnMapping.mode": "name"}),
        ({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["columnMapping"], "writerFeatures": ["columnMapping"]}, {}),
    ],
    ids=["deletion vectors", "column mapping", "column mapping as a feature"],
)
def test_a_table_that_its_file_list_does_not_describe_is_refused(
    lake: Path, protocol: dict[str, Any], configuration: dict[str, str]
) -> None:
    log = lake / NAME / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text(described(protocol, configuration))
    with pytest.raises(UnsupportedTableFeature, match="Tried to read silver/things"):
        open_snapshot(lake, NAME)
    with pytest.raises(UnsupportedTableFeature, match="Tried to read silver/things"):
        put(lake, Slice(TableSpec(NAME, pa.schema([("n", pa.int64())])), (WHOLE,)), [pl.DataFrame({"n": [1]})])


def test_equal_rows_have_equal_digests_whatever_engine_they_come_from(lake: Path) -> None:
    frame = rows(a=[1, 2, 3])
    digests = set()
    for again in (frame, pl.from_arrow(frame.to_arrow()), pl.from_pandas(frame.to_pandas()), pl.concat([frame[:1], frame[1:]])):
        assert isinstance(again, pl.DataFrame)
        digests.add(stage(lake / NAME, parts("a"), [again]).digest_of("a"))
    assert len(digests) == 1


def test_a_rerun_of_what_landed_and_was_overtaken_does_not_bring_it_back(lake: Path) -> None:
    job = new_job(lake, "first", PARTS[:2], 10)
    publish_once(lake, job)
    publish_once(lake, new_job(lake, "second", PARTS[:1], 10))
    with pytest.raises(Superseded, match="'part 0'"):
        publish_once(lake, job)
    assert {part: generation for part, (generation, _) in state(open_snapshot(lake, SPEC.name)).items()} == {
        "part 0": "second",
        "part 1": "first",
    }


def test_delta_itself_accepts_the_same_transaction_twice(lake: Path) -> None:
    """Why the publisher compares tokens itself: when this fails, Delta has begun to do it for us."""
    from deltalake import CommitProperties, Transaction, write_deltalake

    for _ in range(2):
        properties = CommitProperties(app_transactions=[Transaction("app", 1)])
        write_deltalake(str(lake / NAME), pa.table({"n": [1]}), mode="append", commit_properties=properties)
    assert DeltaTable(str(lake / NAME)).to_pyarrow_table().num_rows == 2
