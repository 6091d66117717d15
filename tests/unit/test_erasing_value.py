"""The value that names a person, as it is read from a file: exactly, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assay.cli.erasing import read_value
from assay.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("held", [b"\xef\xbb\xbfm\xc3\xbcller@x.example\r\n", "müller@x.example".encode()])
def test_a_value_is_read_as_utf_8_with_or_without_a_mark_of_it(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "request.txt").write_bytes(held)
    assert read_value(str(tmp_path / "request.txt")) == "müller@x.example"


@pytest.mark.parametrize(
    "held", ["müller@x.example".encode("latin-1"), "eve@x.example".encode("utf-16"), "eve@x.example".encode("utf-16-le")]
)
def test_a_value_in_another_encoding_is_refused_rather_than_looked_for_in_vain(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "request.txt").write_bytes(held)
    with pytest.raises(SettingsError, match="in UTF-8"):
        read_value(str(tmp_path / "request.txt"))


def test_a_file_that_is_too_long_for_a_value_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "request.txt").open("wb") as file:
        file.truncate(1 << 40)  # a hole: nothing lies on the disk
    with pytest.raises(SettingsError, match="too long"):
        read_value(str(tmp_path / "request.txt"))
