"""Two writers of one table whom nothing keeps apart, each paused before any commit of the other: no row is lost, every sum closes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from order_shop import Shop

from assay.errors import Superseded
from assay.lake import audited
from assay.lake.quarantine.store import Quarantine
from orders import write_contracts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

GOOD = [{"number": "10"}, {"number": "11"}, {"number": "12"}]
OLD = [*GOOD, {"number": "2", "amount": "-1"}, {"number": "3", "amount": "-3"}]
NEW = [*GOOD, {"number": "1"}, {"number": "2", "amount": "-2"}, {"number": "5", "amount": "-5"}]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    home = tmp_path_factory.mktemp("shop") / "home"
    return Shop(home, write_contracts(home / "contracts")).open()


@pytest.fixture
def shop(opened: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(opened.home, tmp_path / "home")
    return Shop(tmp_path / "home", tmp_path / "home/contracts")


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], None]], None]:
    """Pauses the next writer before its commit of silver (or bronze), or before it takes rows out of quarantine, and lets others work."""

    def pause(where: str, others: Callable[[], None]) -> None:
        owner, name = (audited, "publish") if where == "commit" else (Quarantine, "clear")
        real = getattr(owner, name)

        def wait(*args: object, **kwargs: object) -> object:
            monkeypatch.setattr(owner, name, real)
            others()
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, wait)

    return pause


def land(shop: Shop, rows: Sequence[dict[str, str]]) -> None:
    shop.drop(1, rows)
    shop.ingest([1])


def accounted(shop: Shop) -> tuple[int, int]:
    """What landed, and what is published or visibly held: nothing here is a duplicate."""
    return shop.rows("bronze").height, shop.rows("silver").height + shop.visible_quarantine().height


@pytest.mark.parametrize("first", [[], OLD], ids=["never published", "published before"])
@pytest.mark.parametrize("where", ["commit", "clear"])
def test_a_writer_that_is_overtaken_while_the_old_rows_come_back_takes_none_away(
    shop: Shop, paused: Callable[[str, Callable[[], None]], None], first: Sequence[dict[str, str]], where: str
) -> None:
    if first:
        land(shop, first)
        shop.refine([1])
    land(shop, NEW)

    def others() -> None:
        land(shop, OLD)
        shop.refine([1], force=True)

    paused(where, others)
    try:
        shop.refine([1])
    except Superseded:
        assert where == "commit"
    landed, found = accounted(shop)
    assert landed == found == len(OLD)
    land(shop, NEW)
    shop.refine([1])
    assert accounted(shop) == (len(NEW), len(NEW))


def test_a_state_that_came_back_meanwhile_is_another_publication(shop: Shop, paused: Callable[[str, Callable[[], None]], None]) -> None:
    """Old, new, old again while a writer that saw the first waits: its compare-and-swap must not take the third for the first."""
    land(shop, OLD)
    shop.refine([1])
    land(shop, NEW)

    def others() -> None:
        for rows in (GOOD, OLD):
            land(shop, rows)
            shop.refine([1], force=True)

    paused("commit", others)
    with pytest.raises(Superseded):
        shop.refine([1])
    assert accounted(shop) == (len(OLD), len(OLD))


def test_an_attempt_that_was_killed_between_its_commits_leaves_rows_that_the_next_takes_away(
    shop: Shop, paused: Callable[[str, Callable[[], None]], None]
) -> None:
    land(shop, OLD)

    def killed() -> None:
        raise KeyboardInterrupt

    paused("commit", killed)
    with pytest.raises(KeyboardInterrupt):
        shop.refine([1])
    assert shop.visible_quarantine().is_empty()
    for _ in range(2):
        shop.refine([1], force=True)
    assert shop.visible_quarantine().height == 2
    stored = shop.table("quarantine")
    assert stored is not None
    assert stored.rows == 4, "those that are seen, and those of the publication before"


def test_arrivals_too_are_published_by_one_writer_at_a_time(shop: Shop, paused: Callable[[str, Callable[[], None]], None]) -> None:
    undated = [{"number": "1", "day": "never"}, {"number": "2"}]

    def others() -> None:
        land(shop, undated)

    paused("commit", others)
    shop.drop(1, [*undated, {"number": "3", "day": "some day"}])
    with pytest.raises(Superseded):
        shop.ingest([1])
    assert shop.rows("bronze").height == 2
    land(shop, [*undated, {"number": "3", "day": "some day"}])
    assert shop.rows("bronze").height == 3
