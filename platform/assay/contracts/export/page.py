"""A page about a dataset as values: titles, facts, tables and what their cells hold. `page_markdown` and `page_html` spell it.

The content is said once (`page_content`), so the two forms cannot differ. Texts are as the contract has them: each form escapes its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A name, an expression or a pattern, shown as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A word that is to be seen at a glance: a classification, a severity, a status."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads to an address."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class PageLink:
    """A dataset that has a page beside this one."""

    dataset: str


Inline = str | Code | Badge | Link | PageLink
Cell = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with what is to be said of each."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; a column of the table in which every cell is empty is not shown."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def filled(self) -> Table:
        """The table without the columns that say nothing."""
        kept = [place for place in range(len(self.head)) if any(row[place] for row in self.rows)]
        return Table(tuple(self.head[place] for place in kept), tuple(tuple(row[place] for place in kept) for row in self.rows))


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a title; `lead` says in a sentence what it shows."""

    title: str
    body: Facts | Table
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page. `notices` are what nobody must overlook, `lead` is for whoever reads no further."""

    title: str
    badges: tuple[Badge, ...]
    notices: tuple[str, ...]
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    is_index: bool = False
