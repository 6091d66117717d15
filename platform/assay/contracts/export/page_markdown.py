"""A page in Markdown (the dialect with tables that GitHub, GitLab and most wikis show). Texts of a contract never become markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from assay.contracts.export.page import Badge, Cell, Code, Facts, Inline, Link, Page, PageLink
from assay.contracts.export.page_html import is_safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARKUP = re.compile(r"[\\`*\[\]<|~&]|(?<![^\W_])_|_(?![^\W_])|^[-+=#>]")
SPACE = re.compile(r"\s+")
NUMBERED = re.compile(r"^([0-9]{1,9})([.)])")


def markdown(page: Page) -> str:
    """The text of the page."""
    return "\n\n".join(_blocks(page)) + "\n"


def _blocks(page: Page) -> Iterator[str]:
    yield f"# {escaped(page.title)}"
    if page.badges:
        yield " · ".join(f"**{escaped(badge.text)}**" for badge in page.badges)
    yield from (f"> **Note:** {escaped(notice)}" for notice in page.notices)
    yield from map(escaped, page.lead)
    for section in page.sections:
        yield f"## {escaped(section.title)}"
        if section.lead:
            yield escaped(section.lead)
        body = section.body
        if isinstance(body, Facts):
            yield _table(("", ""), [((f"{name}",), cell) for name, cell in body.rows])
        else:
            yield _table(body.head, body.rows)
    if not page.is_index:
        yield "[All datasets](index.md)"


def _table(head: Iterable[str], rows: Iterable[tuple[Cell, ...]]) -> str:
    names = list(head)
    lines = [
        [escaped(name) for name in names],
        ["---"] * len(names),
        *(["".join(map(_inline, cell)).strip() for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _inline(piece: Inline) -> str:
    match piece:
        case Code(text):
            return _code(text)
        case Badge(text):
            return f" **{escaped(text)}**"
        case Link(text, address):
            return f"[{escaped(text)}]({quote(address, safe=':/?=&%@+,;~#')})" if is_safe(address) else escaped(text)
        case PageLink(dataset):
            return f"[{escaped(dataset)}]({quote(dataset)}.md)"
        case _:
            return escaped(str(piece))


def _code(text: str) -> str:
    """A span of code: its fence is longer than any row of backticks in it, and a bar would end the cell of a table."""
    line = " ".join(text.split()).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence, space = "`" * (longest + 1), " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def escaped(text: str) -> str:
    """A text of which nothing is markup, on one line: a line of its own could end a table."""
    return NUMBERED.sub(r"\1\\\2", MARKUP.sub(lambda found: f"\\{found.group()}", SPACE.sub(" ", text)))
