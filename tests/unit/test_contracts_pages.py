"""Pages compiled from contracts: they say everything, link only where links may lead, and no text of a contract becomes markup."""

from __future__ import annotations

import html.parser
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from evolving import ORDERS, all_of, of_column, of_contract
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from assay.cli.main import app
from assay.contracts.export.page_content import index_of, page_of
from assay.contracts.export.page_html import html as html_of
from assay.contracts.export.page_markdown import markdown
from assay.contracts.export.page_rules import span
from assay.contracts.model.about import About, Channel, Deprecation
from assay.contracts.model.gold_contract import Consumer
from assay.contracts.reading.odcs import load_product
from flights.definitions import CONTRACTS
from sales import sales_contract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from assay.contracts.export.page import Page
    from assay.contracts.model.contract import Contract

HOSTILE = "<script>alert(1)</script> | **bold** [x](javascript:alert(2)) `tick` &lt; _em_\n\n# Title\n1. one"
SAID = (
    "sales", "2.1.0", "retail", "one row per sale", "owner@example.org", "helper@example.org", "#sales", "Turnover by store.",
    "Returns are missing.", "tokenize", "truncate: 4 characters stay", "generalize to year", "restricted", "identifies a customer", "EUR",
    "till_known", "mean_price", "is more than 1 and less than 100", "since version 2.0.0 and stays until 2030-01-01. Use code instead.",
    "36 hours old, told by sale_date", "732 days", "2032-05-12", "2033-01-01", "0 6 * * mon-fri", "CONCAT(first_name, ' ', last_name)", "iban",
    "Who was at the till.", "one per day from 2024-01-01",
)  # fmt: skip


class Reader(html.parser.HTMLParser):
    """The elements, links and text of a page, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.links, self.text, self.open = set[str](), list[str](), "", list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [str(value) for name, value in attrs if name == "href"]
        if tag not in {"meta", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(text: str) -> Reader:
    """Markdown as the readers show it who let HTML pass and know tables."""
    return Reader(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


def hostile() -> Contract:
    about = About(purpose=HOSTILE, usage=HOSTILE, limitations=HOSTILE, support=(Channel("chat", "javascript:alert(3)", HOSTILE),))
    column = of_column("state", description=HOSTILE, classification="public", unit=HOSTILE, expression=HOSTILE, source=None)
    return all_of(column, of_contract(about=about, description=HOSTILE, domain="<b>", deprecated=Deprecation(HOSTILE)))(ORDERS)


@pytest.mark.parametrize("read", [lambda page: Reader(html_of(page)), lambda page: rendered(markdown(page))], ids=["html", "markdown"])
def test_a_page_says_everything_that_the_contract_promises(read: Callable[[Page], Reader], tmp_path: Path) -> None:
    said = " ".join(read(page_of(sales_contract(tmp_path))).text.split())
    assert [text for text in SAID if text not in said] == []


def test_no_text_of_a_contract_becomes_markup_in_html() -> None:
    found = Reader(html_of(page_of(hostile())))
    assert found.open == []
    assert "script" not in found.tags
    assert " ".join(HOSTILE.split()) in " ".join(found.text.split())
    assert not any(link.lower().startswith("javascript") for link in found.links)


def test_no_text_of_a_contract_becomes_markup_in_markdown() -> None:
    text = markdown(page_of(hostile()))
    found, usual = rendered(text), rendered(markdown(page_of(ORDERS)))
    assert found.tags - usual.tags - {"blockquote"} == set()
    assert "script" not in found.tags
    assert " ".join(HOSTILE.split()) in " ".join(found.text.split())
    assert not any(link.lower().startswith("javascript") for link in found.links)
    assert len(re.findall("^# ", text, re.MULTILINE)) == 1


def test_a_page_of_html_needs_nothing_but_itself() -> None:
    page = html_of(page_of(ORDERS))
    assert "default-src 'none'" in page
    assert not re.search(r"<script|src=|@import|url\(", page)


def test_the_index_leads_to_every_page_and_each_page_back(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["contracts", "export", "--format", "html", "--to", str(tmp_path)])
    assert done.exit_code == 0, done.output
    pages = {path.name: Reader(path.read_text()) for path in tmp_path.iterdir()}
    linked = {link for link in pages["index.html"].links if link.endswith(".html")}
    assert linked == pages.keys() - {"index.html"}
    assert all("index.html" in page.links for name, page in pages.items() if name != "index.html")
    for page in pages.values():
        assert {link for link in page.links if link.endswith(".html")} <= pages.keys()


def test_an_index_in_markdown_names_every_dataset() -> None:
    found = rendered(markdown(index_of([ORDERS, of_contract(dataset="other_orders")(ORDERS)])))
    assert {"orders.md", "other_orders.md"} <= set(found.links)


def test_the_page_of_a_model_says_who_reads_it_and_nothing_of_files() -> None:
    model = next(iter(load_product(CONTRACTS).models.values()))
    page = page_of(
        replace(model, consumers=(Consumer("Board <1>", "board@example.org", ("flight_date",)), Consumer("All", "all@example.org")))
    )
    found = Reader(html_of(page))
    assert {"mailto:board@example.org", "mailto:all@example.org"} <= set(found.links)
    assert "Board <1>" in found.text
    assert f"gold.{model.dataset}" in found.text
    titles = [section.title for section in page.sections]
    assert titles[-1] == "Who reads it"
    assert "What lands" not in titles


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(hours=36), "36 hours"), (timedelta(hours=24), "1 day"), (timedelta(days=14), "14 days"), (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"), (timedelta(seconds=30), "0.5 minutes"),
    ],
)  # fmt: skip
def test_spans_are_said_in_the_greatest_unit_that_they_fill(length: timedelta, said: str) -> None:
    assert span(length) == said
