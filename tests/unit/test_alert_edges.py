"""What is news: a beginning, a growth, an end, each once; and what is remembered of it stays bounded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assay.alerting.alert import LONGEST, Edge, Kind, Look, Message, Part, Trouble
from assay.alerting.edges import ALL_KEYS, MOST_KEYS, NAMED, Open, follow
from assay.alerting.state import LONGEST_PAUSE, MOST_REFUSALS, MOST_WAITING, Fate, Health, Memory
from assay.alerting.wording import About, Wording, lasted

NOW = datetime(2024, 3, 5, 12, tzinfo=UTC)
DAYS = [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]


def failed(*keys: str, subject: str = "silver/sales", why: str = "it broke") -> Trouble:
    return Trouble(Kind.FAILED, subject, why, keys)


def news(before: tuple[Open, ...], *troubles: Trouble, look: Look | None = None, at: datetime = NOW) -> tuple[tuple[Open, ...], list[str]]:
    after, messages = follow(before, look or Look(troubles), at)
    return after, [f"{one.edge} {part.subject} {part.count} {','.join(part.keys)}".strip() for one in messages for part in one.parts]


def test_a_trouble_is_told_of_when_it_begins_and_when_it_clears_and_not_in_between() -> None:
    after, said = news((), failed("2024-03-01"))
    assert said == ["began silver/sales 1 2024-03-01"]
    for _ in range(3):
        after, said = news(after, failed("2024-03-01", why="it broke in other words"))
        assert said == []
    after, (message,) = follow(after, Look(()), NOW + timedelta(hours=3))
    assert after == ()
    assert message.edge is Edge.CLEARED
    assert "cleared after 3 h" in Wording("market").title(message)


def test_a_year_of_partitions_of_one_cause_is_one_message_with_a_count_and_the_first_keys() -> None:
    after, said = news((), failed(*DAYS))
    assert said == [f"began silver/sales {len(DAYS)} {','.join(DAYS[:5])}"]
    assert (len(after[0].keys), after[0].count) == (MOST_KEYS, len(DAYS))
    assert news(after, failed(*DAYS))[1] == []


def test_another_partition_that_fails_while_the_first_is_open_is_told_of_alone() -> None:
    after, _ = news((), failed("2024-03-01"))
    after, said = news(after, failed("2024-03-01", "2024-03-02"))
    assert said == ["grew silver/sales 1 2024-03-02"]
    after, said = news(after, failed("2024-03-02"))
    assert said == []
    assert news(after, failed("2024-03-01", "2024-03-02"))[1] == ["grew silver/sales 1 2024-03-01"], "it was well in between"


def test_a_partition_that_is_being_made_again_is_neither_well_nor_news() -> None:
    after, _ = news((), failed("2024-03-01"))
    making = Look((), undecided={(Kind.FAILED, "silver/sales"): frozenset(("2024-03-01", "2024-03-02"))})
    after, said = news(after, look=making)
    assert said == []
    assert news(after, failed("2024-03-01"))[1] == []
    assert news(after)[1] == ["cleared silver/sales 1 2024-03-01"]


def test_what_a_look_cannot_tell_stays_as_it_was() -> None:
    stale = Trouble(Kind.STALE, "silver/sales", "old")
    after, _ = news((), failed("2024-03-01"), stale)
    assert news(after, look=Look((), unjudged=frozenset(one.id for one in after)))[0] == after
    clock = Trouble(Kind.CLOCK, "", "set back")
    then, said = news(after, look=Look((clock,), judged=frozenset((Kind.CLOCK,))))
    assert said == ["began  0"]
    assert set(then) >= set(after)


def test_a_cause_that_many_tables_meet_at_once_is_one_message() -> None:
    tables = [failed("2024-03-01", subject=f"silver/t{number:03}") for number in range(300)]
    after, (message,) = follow((), Look(tuple(tables)), NOW)
    assert (len(message.parts), message.more) == (NAMED, 300 - NAMED)
    assert "and 299 others failed" in Wording("market").title(message)
    assert len(after) == 300


def test_what_is_remembered_is_bounded_however_much_is_wrong() -> None:
    tables = [failed(*DAYS, subject=f"silver/t{number:03}", why="x" * 10_000) for number in range(300)]
    after, messages = follow((), Look(tuple(tables)), NOW)
    assert sum(len(one.keys) for one in after) <= ALL_KEYS
    assert len(Memory(after).with_news(messages, lambda _: ["log"]).dump()) < 400_000
    assert follow(after, Look(tuple(tables)), NOW)[1] == ()


def message(number: int = 0, *left: str) -> Message:
    return Message(Kind.FAILED, Edge.BEGAN, NOW.isoformat(), (Part(f"silver/t{number}", "why", NOW.isoformat()),), left)


def test_a_cursor_is_read_as_it_was_written_and_another_versions_is_as_none() -> None:
    after, messages = follow((), Look((failed("2024-03-01"),)), NOW)
    memory = Memory(after, ends="1:a").with_news(messages, lambda _: ["a", "b"])
    memory = memory.after("a", [Fate(memory.waiting[0].key, "no", of_message=True)], NOW)
    assert Memory.load(memory.dump()) == memory
    for strange in (None, "", "[]", "{", '{"opened": 3}', "null", '{"calm": ""}'):
        assert Memory.load(strange) == Memory()


def test_a_sink_that_fails_is_tried_again_after_pauses_that_grow_to_an_hour_and_keeps_its_messages() -> None:
    memory, now, pauses = Memory().with_news([message()], lambda _: ["down", "up"]), NOW, list[timedelta]()
    memory = memory.after("up", [Fate(message().key)], now)
    for _ in range(9):
        assert list(memory.to_send(["down", "up"], now)) == ["down"]
        memory = memory.after("down", [Fate(message().key, "unreachable")], now)
        assert memory.to_send(["down", "up"], now) == {}
        pauses.append(datetime.fromisoformat(memory.sinks["down"].again) - now)
        now += pauses[-1]
    assert [pause / timedelta(minutes=1) for pause in pauses] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pauses[-1] == LONGEST_PAUSE
    memory = memory.after("down", [Fate(message().key)], now)
    assert memory.waiting == ()
    assert memory.sinks["down"] == Health()


def test_a_sink_that_failed_while_the_clock_was_ahead_is_tried_when_it_is_right_again() -> None:
    memory = Memory().with_news([message()], lambda _: ["down"])
    for _ in range(9):
        memory = memory.after("down", [Fate(message().key, "unreachable")], NOW + timedelta(days=400))
    assert list(memory.to_send(["down"], NOW)) == ["down"]
    memory = memory.after("down", [Fate(message().key, "unreachable")], NOW)
    assert memory.to_send(["down"], NOW) == {}
    assert list(memory.to_send(["down"], NOW + LONGEST_PAUSE)) == ["down"]


def test_a_message_that_a_sink_refuses_for_what_it_is_lets_the_others_pass_and_is_given_up_in_the_end() -> None:
    memory = Memory().with_news([message(1), message(2)], lambda _: ["mail"])
    memory = memory.after("mail", [Fate(message(1).key, "too large", of_message=True), Fate(message(2).key)], NOW)
    assert [one.parts[0].subject for one in memory.waiting] == ["silver/t1"]
    for _ in range(MOST_REFUSALS - 1):
        memory = memory.after("mail", [Fate(message(1).key, "too large", of_message=True)], NOW)
    assert memory.waiting == ()
    assert memory.sinks["mail"].lost == 1


def test_of_too_many_messages_the_oldest_are_given_up_and_counted() -> None:
    memory = Memory().with_news([message(number) for number in range(MOST_WAITING + 7)], lambda _: ["down"])
    assert len(memory.waiting) == MOST_WAITING
    assert memory.waiting[0].parts[0].subject == "silver/t7"
    assert memory.sinks["down"].lost == 7
    assert "7 earlier messages were given up" in Wording("market").text(memory.waiting[0], lost=7)


def test_a_sink_that_is_not_declared_any_more_is_forgotten() -> None:
    memory = Memory(sinks={"old": Health(1)}).with_news([message()], lambda _: ["old"])
    assert memory.only(["new"]) == Memory()


def test_the_key_of_a_message_is_that_of_its_content_and_not_of_who_has_taken_it() -> None:
    assert message(1, "a", "b").key == message(1, "b").key
    assert message(1).key != message(2).key
    assert message(1).key != replace(message(1), edge=Edge.CLEARED).key
    assert message(1).key != replace(message(1), at=(NOW + timedelta(hours=1)).isoformat()).key


def test_a_message_tells_no_token_and_nothing_beyond_its_bound() -> None:
    told = Wording("market", "https://ui.example.org/", {"sales": About("owner@example.org", ("#help https://chat.example.org",))})
    token = "tok_k1_" + "0" * 32
    trouble = Part("silver/sales", f"the value {token}\nis {'x' * 2000}", NOW.isoformat())
    text = told.text(replace(message(), parts=(trouble,)))
    assert token not in text
    assert "tok_***" in text
    assert len(text) < LONGEST + 500
    for wanted in ("https://ui.example.org/assets/silver/sales", "Owner: owner@example.org", "Support: #help https://chat.example.org"):
        assert wanted in text
    assert "\n" not in told.line(replace(message(), parts=(trouble,)))


def test_how_long_something_lasted_is_said_in_two_units() -> None:
    spans = {
        0: "less than a minute",
        60: "1 min",
        3 * 3600: "3 h",
        3 * 3600 + 1800: "3 h 30 min",
        2 * 86400 + 3600: "2 d 1 h",
        -5: "less than a minute",
    }
    for seconds, words in spans.items():
        assert lasted(NOW.isoformat(), (NOW + timedelta(seconds=seconds)).isoformat()) == words
