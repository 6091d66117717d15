"""A page as one HTML file that needs nothing else: no script, no font, no picture, and none is allowed to load. Every text is escaped."""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from assay.contracts.export.page import Badge, Cell, Code, Facts, Inline, Link, Page, PageLink, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMES = {"http", "https", "mailto"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
NARROW = {
    "Type",
    "Unit",
    "Classification",
    "Severity",
    "Presence",
    "Version",
    "Status",
    "Domain",
    "Rules",
}  # columns that are not broken up
NOT_OF_AN_ANCHOR = re.compile(r"[^a-z0-9]+")


def html(page: Page) -> str:
    """The text of the page."""
    style = files("assay.contracts.export").joinpath("page.css").read_text(encoding="utf-8")
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(page.title)}</title>\n<style>\n{style}</style>"
    )
    body = "\n".join(_body(page))
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{body}\n</body>\n</html>\n'


def is_safe(address: str) -> bool:
    """Whether a link may lead there: to a page or a mailbox, never into a script."""
    try:
        return urlsplit(address).scheme.lower() in SCHEMES
    except ValueError:
        return False


def _body(page: Page) -> Iterator[str]:
    back = "" if page.is_index else '<a class="up" href="index.html">All datasets</a>'
    yield f"<header>{back}<h1>{escape(page.title)}</h1><p>{' '.join(map(_inline, page.badges))}</p>"
    yield from (f'<p class="lead">{escape(text)}</p>' for text in page.lead)
    yield "</header>"
    yield from (f'<p class="notice">{escape(text)}</p>' for text in page.notices)
    if len(page.sections) > 1:
        links = (f'<a href="#{_anchor(section)}">{escape(section.title)}</a>' for section in page.sections)
        yield f"<nav>{' '.join(links)}</nav>"
    yield "<main>"
    for section in page.sections:
        yield f'<section id="{_anchor(section)}"><h2>{escape(section.title)}</h2>'
        if section.lead:
            yield f"<p>{escape(section.lead)}</p>"
        yield from _facts(section.body) if isinstance(section.body, Facts) else _table(section.body.head, section.body.rows)
        yield "</section>"
    yield "</main>"


def _anchor(section: Section) -> str:
    return NOT_OF_AN_ANCHOR.sub("-", section.title.lower()).strip("-")


def _facts(facts: Facts) -> Iterator[str]:
    yield "<dl>"
    yield from (f"<div><dt>{escape(name)}</dt><dd>{_cell(cell)}</dd></div>" for name, cell in facts.rows)
    yield "</dl>"


def _table(head: Iterable[str], rows: Iterable[tuple[Cell, ...]]) -> Iterator[str]:
    names = list(head)
    kinds = [' class="narrow"' if name in NARROW else "" for name in names]
    yield f'<div class="table"><table><thead><tr>{"".join(f"<th>{escape(name)}</th>" for name in names)}</tr></thead><tbody>'
    for row in rows:
        yield f"<tr>{''.join(f'<td{kind}>{_cell(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>"
    yield "</tbody></table></div>"


def _cell(cell: Cell) -> str:
    return "".join(map(_inline, cell))


def _inline(piece: Inline) -> str:
    match piece:
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Badge(text):
            return f'<span class="badge {NOT_OF_AN_ANCHOR.sub("-", text.lower()).strip("-")}">{escape(text)}</span>'
        case Link(text, address):
            return f'<a href="{escape(address)}" rel="noreferrer">{escape(text)}</a>' if is_safe(address) else escape(text)
        case PageLink(dataset):
            return f'<a href="{escape(quote(dataset))}.html">{escape(dataset)}</a>'
        case _:
            return escape(str(piece))
