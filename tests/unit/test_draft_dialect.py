"""A drafted dialect is that of its sample: the file itself is read by the contract, every row of it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.cli.sampling import take_sample
from assay.contracts.inference.draft import draft_contract
from assay.contracts.inference.guesses import Sample
from assay.contracts.language.dialect import Dialect
from assay.ingest.bronze import bronze_rows
from assay.ingest.formats.csv_sniff import sniff
from assay.ingest.formats.readers import read_text
from assay.ingest.landing_file import LandingFile
from assay.ingest.merging import Content
from assay.ingest.reading import Batch, read_pieces
from assay.masking.methods import Masks
from assay.refine.kernel import refine
from drafted import contract_of
from sales import KEYS

if TYPE_CHECKING:
    from pathlib import Path

NUMBERED = {"column_1": "1", "column_2": "2024-01-01", "column_3": "x"}
FIRST = {"id": "1", "day": "2024-01-01", "x": "x"}
ROWS = "1;2024-01-01;x\n2;2024-01-02;y\n3;2024-01-03;z\n"


@pytest.mark.parametrize(
    ("content", "dialect", "first"),
    [
        pytest.param("id;day;x\n" + ROWS, Dialect(";"), FIRST, id="semicolons"),
        pytest.param("id;day;x\n" + ROWS.replace("x\n", "1,5\n"), Dialect(";"), FIRST | {"x": "1,5"}, id="semicolons-and-decimal-commas"),
        pytest.param(("id;day;x\n" + ROWS).replace(";", "\t"), Dialect("\t"), FIRST, id="tabs"),
        pytest.param(("id;day;x\n" + ROWS).replace(";", "|"), Dialect("|"), FIRST, id="bars"),
        pytest.param("id,day,x,\n" + ROWS.replace(";", ",").replace("\n", ",\n"), Dialect(), FIRST, id="a-delimiter-at-the-end"),
        pytest.param("id,day,x\n" + ROWS.replace(";", ",").replace("\n", ",\n"), Dialect(), FIRST, id="at-the-end-of-rows-only"),
        pytest.param("# from the shop\n# all of it\nid,day,x\n" + ROWS.replace(";", ","), Dialect(comment_char="#"), FIRST, id="comments"),
        pytest.param("#id,day,x\n" + ROWS.replace(";", ","), Dialect(), {"#id": "1", "day": "2024-01-01", "x": "x"}, id="a-marked-header"),
        pytest.param(ROWS.replace(";", ","), Dialect(header=False), NUMBERED, id="no-header"),
        pytest.param('id,day,x\n1,2024-01-01,"a \\"b\\", c"\n2,2024-01-02,y\n', Dialect(escape_char="\\"), FIRST | {"x": 'a "b", c'}, id="escapes"),
        pytest.param("id,day,x\n1,2024-01-01,'a, b'\n2,2024-01-02,'c'\n", Dialect(quote_char="'"), FIRST | {"x": "a, b"}, id="single-quotes"),
        pytest.param('id,day,x\n1,2024-01-01,6" nail\n2,2024-01-02,y\n', Dialect(quote_char=""), FIRST | {"x": '6" nail'}, id="inches"),
        pytest.param('id,day,x\n1,2024-01-01,"a;b;c|d"\n2,2024-01-02,"e;f\ng"\n', Dialect(), FIRST | {"x": "a;b;c|d"}, id="plain"),
        pytest.param('"","id","day","x"\n"7",1,2024-01-01,x\n"8",2,2024-01-02,y\n', Dialect(), {"column_1": "7"} | FIRST, id="numbers-of-rows-without-a-name"),
        pytest.param("country,1990,1991,1992\nfr,1,2,3\nde,4,5,6\n", Dialect(),
                     {"country": "fr", "1990": "1", "1991": "2", "1992": "3"}, id="years-are-names"),
    ],
)  # fmt: skip
def test_a_sample_of_any_dialect_is_drafted_so_that_the_file_itself_is_read(
    tmp_path: Path, content: str, dialect: Dialect, first: dict[str, str]
) -> None:
    path = tmp_path / "shop_2024-03-31.csv"
    path.write_text(content)
    taken = take_sample(path, 100)
    sample = Sample("shop", "shop@example.org", path.name, taken.format, dialect=taken.dialect, dialect_guess=taken.guess)
    contract = contract_of(draft_contract(taken.frame, sample), tmp_path)
    assert contract.source.dialect == dialect
    landed = read_text(LandingFile(path, path.name, date(2024, 3, 31)), contract.source).to_pylist()
    assert (landed[0], len(landed)) == (first, taken.frame.height)


@pytest.mark.parametrize("content", ["id  day         x\n1   2024-01-01  y\n22  2024-01-02  z\n", "id day\n1 2024-01-01\n"])
def test_columns_apart_by_white_space_are_said_to_be_one_column(content: str) -> None:
    found = sniff(content)
    assert found.dialect == Dialect()
    assert "apart by white space" in str(found.doubt)


@pytest.mark.parametrize("content", ["", "note\n", "note\nhello, you\nall well; or not\n", "a,b\n1\n", "name\nAda Lovelace\nBob\n", '"a'])
def test_what_cannot_be_told_is_taken_for_plain(content: str) -> None:
    found = sniff(content)
    assert (found.dialect, found.doubt) == (Dialect(), None)


def test_a_format_with_a_null_of_its_own_has_no_texts_that_mean_absent(tmp_path: Path) -> None:
    path = tmp_path / "shop_2024-03-31.parquet"
    sizes = [number / 2 for number in range(50)]
    notes = ["", "null", "N/A", None, *("words" for _ in sizes[4:])]
    pl.DataFrame({"row_id": [f"r{n:02}" for n in range(50)], "note": notes, "size": [*sizes[:49], float("nan")]}).write_parquet(path)
    taken = take_sample(path, 100)
    contract = contract_of(
        draft_contract(taken.frame, Sample("shop", "shop@example.org", path.name, taken.format, declared=taken.declared)), tmp_path
    )
    assert contract.source.null_values == ()
    (piece,) = read_pieces([Batch("", (Content(LandingFile(path, path.name, date(2024, 3, 31)), "digest"),))], contract.source)
    done = refine(pl.DataFrame(bronze_rows(piece, contract)).lazy(), contract, {}, None, "run", masks=Masks(KEYS))
    assert done.published.sort("row_id").select("note", "size").head(4).rows() == [("", 0.0), ("null", 0.5), ("N/A", 1.0), (None, 1.5)]
    assert done.rejected["rule"].to_list() == ["size_type"]  # NaN is no number, and is held
