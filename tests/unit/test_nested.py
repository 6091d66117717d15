"""Nested values: a path is a column, the elements of an array are rows, and nothing that is there gets lost on the way."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.cli.sampling import take_sample
from assay.contracts.compatibility.comparison import compare
from assay.contracts.inference.draft import draft_contract
from assay.contracts.inference.guesses import Sample
from assay.contracts.language.paths import Path as Steps
from assay.contracts.language.paths import read_path
from assay.contracts.model.contract import Contract
from assay.contracts.model.fingerprint import landing_terms
from assay.contracts.model.sensitivity import sensitive_landing_columns
from assay.contracts.reading.odcs import read_contract
from assay.errors import ContractInvalid, FileUnreadable
from assay.masking.methods import Masks
from assay.refine.kernel import refine
from nested import contract_of, landed, published
from sales import KEYS

if TYPE_CHECKING:
    from pathlib import Path

ORDERS: list[dict[str, Any]] = [
    {"id": 1, "customer": {"day": "2024-01-01", "name": "Zoë", "address": {"city": "Köln", "zip": "01"}},
     "lines": [{"sku": "a", "price": 1.5, "tags": ["x", "y"]}, {"sku": "b", "price": 2.25, "tags": []}]},
    {"id": 2, "customer": {"day": "2024-01-02", "name": "Bob", "address": None}, "lines": []},
    {"id": 3, "customer": {"day": "2024-01-02", "name": None, "address": {"city": None, "zip": "03"}}, "lines": [{"sku": "c", "price": 3.0, "tags": ["z"]}]},
]  # fmt: skip
SCHEMA = pa.schema({
    "id": pa.int64(),
    "customer": pa.struct({"day": pa.string(), "name": pa.string(), "address": pa.struct({"city": pa.string(), "zip": pa.string()})}),
    "lines": pa.list_(pa.struct({"sku": pa.string(), "price": pa.float64(), "tags": pa.list_(pa.string())})),
})  # fmt: skip
COLUMNS = """\
{name: id, logicalType: integer, required: true, primaryKey: true}
{name: city, logicalType: string, transformSourceObjects: [customer.address.city]}
{name: zip, logicalType: string, transformSourceObjects: ['customer["address"].zip']}
{name: shout, logicalType: string, transformLogic: 'UPPER("customer.name")'}
{name: price, logicalType: number, physicalType: "DECIMAL(9, 2)", transformSourceObjects: ["lines[0].price"]}
{name: lines, logicalType: string}"""
LINES = """\
{name: id, logicalType: integer, required: true, primaryKey: true}
{name: sku, logicalType: string, required: true, primaryKey: true, transformSourceObjects: [lines.sku]}
{name: price, logicalType: number, transformSourceObjects: [lines.price]}
{name: tag, logicalType: string, transformSourceObjects: ["lines.tags[0]"]}
{name: city, logicalType: string, transformSourceObjects: [customer.address.city]}"""


def avro_of(rows: list[dict[str, Any]]) -> bytes:
    def union(kind: object) -> list[object]:
        return ["null", kind]

    def record(called: str, /, **fields: object) -> dict[str, object]:
        return {"type": "record", "name": called, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}

    address = record("address", city=union("string"), zip=union("string"))
    customer = record("customer", day="string", name=union("string"), address=union(address))
    line = record("line", sku="string", price="double", tags={"type": "array", "items": "string"})
    out = BytesIO()
    fastavro.writer(out, record("order", id="long", customer=customer, lines={"type": "array", "items": line}), rows)
    return out.getvalue()


def write(folder: Path, form: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / f"nested_2024-01-01.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
    else:
        path.write_bytes(avro_of(rows) if form == "avro" else "".join(json.dumps(row) + "\n" for row in rows).encode())
    return path


@pytest.mark.parametrize("form", ["jsonl", "parquet", "avro"])
def test_a_path_is_a_column_in_every_format(tmp_path: Path, form: str) -> None:
    contract = contract_of(tmp_path, COLUMNS, form=form)
    done = published(contract, write(tmp_path, form, ORDERS))
    rows = done.published.sort("id").drop("lines").rows()
    assert [(str(day), id_, city, zip_, shout, str(price)) for day, id_, city, zip_, shout, price in rows] == [
        ("2024-01-01", 1, "Köln", "01", "ZOË", "1.50"),
        ("2024-01-02", 2, None, None, "BOB", "None"),
        ("2024-01-02", 3, None, "03", None, "3.00"),
    ]
    assert [json.loads(text) for text in done.published.sort("id")["lines"]] == [order["lines"] for order in ORDERS]
    assert done.rejected.is_empty()


@pytest.mark.parametrize("form", ["jsonl", "parquet", "avro"])
def test_elements_are_rows_with_the_columns_of_their_record_beside(tmp_path: Path, form: str) -> None:
    contract = contract_of(tmp_path, LINES, form=form, server="{property: explode, value: lines}")
    path = write(tmp_path, form, ORDERS)
    assert landed(contract, path).height == sum(len(order["lines"]) for order in ORDERS)
    assert published(contract, path).published.sort("sku").drop("order_date").rows() == [
        (1, "a", 1.5, "x", "Köln"), (1, "b", 2.25, None, "Köln"), (3, "c", 3.0, "z", None),
    ]  # fmt: skip


def test_elements_of_an_array_inside_an_object_are_rows(tmp_path: Path) -> None:
    columns = "{name: id, logicalType: integer}\n{name: item, logicalType: string, transformSourceObjects: [order.items.n]}"
    contract = contract_of(tmp_path, columns, landing="day id order", event="day", server="{property: explode, value: order.items}")
    path = write(
        tmp_path, "jsonl", [{"day": "2024-01-01", "id": 1, "order": {"items": [{"n": "a"}, {"n": "b"}], "x": 1}}, {"day": "2024-01-01"}]
    )
    assert published(contract, path).published.sort("item")["item"].to_list() == ["a", "b"]
    assert landed(contract, path)["order"].to_list() == ['{"items": {"n": "a"}, "x": 1}', '{"items": {"n": "b"}, "x": 1}']


def test_numbers_keep_their_digits_on_a_path(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, "{name: n, logicalType: string, transformSourceObjects: [id.n]}", landing="id day", event="day")
    path = tmp_path / "nested_2024-01-01.jsonl"
    path.write_text('{"day": "2024-01-01", "id": {"n": 10000000000000000000001.10}}\n')
    assert published(contract, path).published["n"].to_list() == ["10000000000000000000001.10"]


def test_a_value_that_a_path_does_not_reach_is_held_and_no_silent_null(tmp_path: Path) -> None:
    columns = "{name: id, logicalType: integer}\n{name: city, logicalType: string, transformSourceObjects: [customer.address.city]}"
    contract = contract_of(tmp_path, columns, landing="day id customer", event="day")
    customers = [{"address": "Köln"}, "Bob", [1], {}, None, {"address": {"city": ["Köln"]}}]
    path = write(tmp_path, "jsonl", [{"day": "2024-01-01", "id": number, "customer": one} for number, one in enumerate(customers)])
    done = published(contract, path)
    assert done.published.sort("id").select("id", "city").rows() == [(3, None), (4, None), (5, '["Köln"]')]
    assert done.rejected["rule"].to_list() == ["city_type"] * 3
    assert sorted(done.rejected["source_row"]) == [1, 2, 3]


def test_a_text_of_json_in_a_csv_file_has_paths_and_keys_named_twice_are_held(tmp_path: Path) -> None:
    columns = "{name: id, logicalType: integer}\n{name: city, logicalType: string, transformSourceObjects: [customer.city]}"
    contract = contract_of(
        tmp_path,
        columns,
        landing="day id customer",
        event="day",
        form="csv",
        server='{property: dialect, value: {delimiter: ";", quoteChar: ""}}',
    )
    path = tmp_path / "nested_2024-01-01.csv"
    path.write_text(
        'day;id;customer\n2024-01-01;1;{"city": "Köln"}\n2024-01-01;2;{"city": "a", "city": "b"}\n2024-01-01;3;\n2024-01-01;4;Köln\n'
    )
    done = published(contract, path)
    assert done.published.sort("id").select("id", "city").rows() == [(1, "Köln"), (3, None)]
    assert sorted(done.rejected["source_row"]) == [2, 4]


@pytest.mark.parametrize("value", ["a", 1, {"a": 1}])
def test_what_is_no_array_has_no_elements(tmp_path: Path, value: object) -> None:
    contract = contract_of(tmp_path, LINES, server="{property: explode, value: lines}")
    path = write(tmp_path, "jsonl", [ORDERS[0], {"id": 2, "lines": value}])
    with pytest.raises(FileUnreadable, match="record 2: lines is no array"):
        landed(contract, path)


def test_many_elements_do_not_repeat_a_large_record_without_end(tmp_path: Path) -> None:
    server = "{property: explode, value: lines}, {property: maxBytes, value: 3000000}"
    contract = contract_of(tmp_path, "{name: n, logicalType: string, transformSourceObjects: [lines.n]}", event="id", server=server)
    path = write(tmp_path, "jsonl", [{"id": "2024-01-01", "customer": "x" * 100_000, "lines": [{"n": n} for n in range(1000)]}])
    with pytest.raises(FileUnreadable, match="its rows, one for each element of lines, have more than 3,000,000 bytes"):
        landed(contract, path)


def test_a_key_with_dots_is_a_column_of_its_name_or_stands_in_quotes(tmp_path: Path) -> None:
    columns = "{name: n, logicalType: string, transformSourceObjects: [a.b]}\n{name: m, logicalType: string, transformSourceObjects: ['c[\"d.e\"]']}"
    contract = contract_of(tmp_path, columns, landing="day a a.b c", event="day")
    assert contract.source.paths == ('c["d.e"]',)
    path = write(tmp_path, "jsonl", [{"day": "2024-01-01", "a": {"b": "no"}, "a.b": "yes", "c": {"d.e": "quoted"}}])
    assert published(contract, path).published.select("n", "m").rows() == [("yes", "quoted")]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.b[2].c", Steps("a", ("b", 2, "c"))), ("a['x.y']", Steps("a", ("x.y",))), ('a["q\\"r"]', Steps("a", ('q"r',))), ("a", None), ("a.", None),
        ("a[x]", None), ("b.c", None), ("ab", None), ("a.b.c", Steps("a.b", ("c",))),
    ],
)  # fmt: skip
def test_a_path_is_read_from_the_longest_column(text: str, path: Steps | None) -> None:
    assert read_path(text, ("a", "a.b") if text == "a.b.c" else ("a",)) == path


def test_what_is_no_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractInvalid, match=r"'client\.city' is no column of what lands"):
        contract_of(tmp_path, "{name: n, logicalType: string, transformSourceObjects: [client.city]}")
    with pytest.raises(ContractInvalid, match=r"'line' is no landing column, and no path into one\. Did you mean lines"):
        contract_of(tmp_path, LINES, server="{property: explode, value: line}")


def test_who_is_named_on_a_path_is_hidden_in_the_whole(tmp_path: Path) -> None:
    columns = "{name: n, logicalType: string, classification: personal, transformSourceObjects: [customer.name]}"
    contract = contract_of(tmp_path, columns)
    assert sensitive_landing_columns(contract).keys() == {"customer", "customer.name"}  # but not customer.day, which stands beside the name
    whole = contract_of(tmp_path, columns.replace("[customer.name]", "[customer]"))
    assert sensitive_landing_columns(whole).keys() == {"customer", "customer.day"}


def test_other_rows_are_a_breaking_change_and_another_path_is_none(tmp_path: Path) -> None:
    one, other = contract_of(tmp_path, LINES), contract_of(tmp_path, LINES, server="{property: explode, value: lines}")
    assert "landing_rows_changed" in [change.kind for change in compare(one, other).changes]
    assert landing_terms(one) != landing_terms(other)
    wider = contract_of(tmp_path, LINES + "\n{name: name, logicalType: string, transformSourceObjects: [customer.name]}")
    assert {change.kind for change in compare(one, wider).changes} == {"column_added", "landing_path_changed"}


@pytest.mark.parametrize("form", ["jsonl", "parquet", "avro"])
def test_a_draft_names_paths_and_every_row_of_its_sample_is_accounted_for(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form, [{**ORDERS[number % 3], "id": number} for number in range(30)])
    taken = take_sample(path, 100)
    sample = Sample(
        "nested", "o@example.org", path.name, taken.format, declared=taken.declared, event_time="customer.day", roots=taken.roots
    )
    (tmp_path / "nested.odcs.yaml").write_text(draft_contract(taken.frame, sample).text)
    contract = read_contract(tmp_path / "nested.odcs.yaml")
    assert isinstance(contract, Contract)
    assert contract.source.file_columns == ("id", "customer", "lines")
    assert {"customer.day", "customer.address.city", "customer.address.zip"} <= set(contract.source.paths)
    types = {column.name: column.logical_type for column in contract.columns}
    assert (types["customer_address_zip"], types["customer_day"], types["lines"]) == ("string", "date", "string")
    done = refine(landed(contract, path).lazy(), contract, {}, None, "run", masks=Masks(KEYS))
    assert done.published.height + done.rejected.height == 30
    assert done.published["customer_address_zip"].drop_nulls().n_unique() == 2  # masked: it is a part of an address


def test_a_key_that_is_no_plain_step_is_drafted_in_quotes(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "jsonl",
        [{"a": {"b.c": number, "d": [number]}, "e": {} if number else None, "f": number % 2 and {"x": 1}} for number in range(3)],
    )
    taken = take_sample(path, 100)
    assert taken.frame.columns == ['a["b.c"]', "a.d", "e", "f"]
    assert taken.roots == {'a["b.c"]': "a", "a.d": "a"}
