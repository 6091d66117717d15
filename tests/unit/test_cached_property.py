"""A property that is worked out once for each object, and never makes objects wait for each other."""

from __future__ import annotations

import threading

import pytest

from assay.cached_property import Unlocked, cached_property


class Table:
    """Says how often it was worked out. One waits in the middle until another was asked."""

    def __init__(self, other: Table | None = None) -> None:
        self.asked, self.other = 0, other

    @cached_property
    def files(self) -> list[str]:
        """The files of a table."""
        self.asked += 1
        if self.other:
            thread = threading.Thread(target=lambda: self.other and self.other.files, daemon=True)
            thread.start()
            thread.join(timeout=10)
            assert not thread.is_alive(), "another table waits for this one"
        return []


def test_it_is_worked_out_once() -> None:
    table = Table()
    assert table.files is table.files
    assert table.asked == 1
    assert vars(table)["files"] is table.files


def test_one_object_does_not_wait_for_another() -> None:
    one = Table(Table())
    assert one.files == []


def test_what_fails_is_tried_again_and_the_class_has_the_property_itself() -> None:
    class Broken:
        tries = 0

        @Unlocked
        def value(self) -> int:
            self.tries += 1
            if self.tries == 1:
                raise OSError("not yet")
            return 7

    broken = Broken()
    with pytest.raises(OSError, match="not yet"):
        broken.value  # noqa: B018  # asking is all it takes
    assert (broken.value, broken.tries) == (7, 2)
    assert isinstance(Broken.value, Unlocked)
