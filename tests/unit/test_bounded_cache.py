"""A cache of bounded weight: what goes, what stays, and what it costs to keep one more."""

from __future__ import annotations

from assay.lake.bounded_cache import BoundedCache


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    cache = BoundedCache[str, str](len, 6)
    for name in ("aa", "bb", "cc"):
        cache.keep(name, name)
    assert cache.get("aa") == "aa"

    cache.keep("dd", "dd")

    assert [cache.get(name) for name in ("aa", "bb", "cc", "dd")] == ["aa", None, "cc", "dd"]


def test_the_newest_stays_whatever_it_weighs_and_nothing_beside_it() -> None:
    cache = BoundedCache[str, str](len, 3)
    cache.keep("light", "1")
    cache.keep("heavy", "12345")
    assert (cache.get("light"), cache.get("heavy")) == (None, "12345")
    cache.keep("light", "1")
    assert (cache.get("light"), cache.get("heavy")) == ("1", None)


def test_a_value_that_has_grown_is_weighed_anew_when_it_is_asked_for() -> None:
    cache, grown = BoundedCache[str, list[int]](len, 4), [1]
    cache.keep("other", [1])
    cache.keep("grown", grown)
    grown += [2, 3]
    cache.get("grown")

    cache.keep("more", [1])

    assert (cache.get("other"), cache.get("grown"), cache.get("more")) == (None, [1, 2, 3], [1])


def test_values_that_weigh_nothing_have_an_end_too() -> None:
    cache = BoundedCache[int, str](len, 10)
    for number in range(100):
        cache.keep(number, "")
    assert [number for number in range(100) if cache.get(number) is not None] == [*range(90, 100)]


def test_each_value_is_weighed_once_however_many_are_kept() -> None:
    weighed = list[int]()

    def weigh(value: int) -> int:
        weighed.append(value)
        return 1

    cache = BoundedCache[int, int](weigh, 1_000)
    for number in range(1_000):
        cache.keep(number, number)
    assert weighed == [*range(1_000)]
