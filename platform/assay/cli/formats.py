"""How commands print what they found."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """A table for people, JSON and CSV for programs."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Export(StrEnum):
    """The forms of a contract that others read: schemas for programs, pages for people."""

    JSON_SCHEMA = "json-schema"
    AVRO = "avro"
    MARKDOWN = "markdown"
    HTML = "html"
