"""The parser of conditions: text to a tree of `condition.py`. It reads the part of SQL that has one meaning, and nothing beyond."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from assay.contracts.conditions.condition import TRUTH, Literal, Node, OneEnginesOwn, compared, computed, condition_of, listed
from assay.contracts.language.bounds import MOST_DIGITS, MOST_POWER
from assay.contracts.language.literals import NoValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from assay.contracts.conditions.condition import Operand

TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")+"|`[^`]+`)"""
    r"""|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w))|(?P<word>[^\W\d]\w*)|(?P<sign><=>|<>|!=|==|<=|>=|.)""",
    re.DOTALL,
)
SIGNS = {"=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "<=>": "is"}
WORDS = frozenset({"and", "or", "not", "is", "null", "true", "false", "in", "between", "distinct", "from"})
KNOWN = frozenset({*SIGNS, *"(),+-*/"})
TYPED = ("date", "timestamp")
END = ("end", "")
MOST_LEVELS = 200  # of a tree: who says it to an engine goes down all of them
TOO_DEEP = NoValue(f"more than {MOST_LEVELS} of its parts stand within each other", "Say IN (..), or make several rules of it.")


def parse(sql: str, types: Mapping[str, pa.DataType]) -> Node:
    """The tree of a condition over columns of these types.

    Raises OneEnginesOwn for what is not read here, NoValue for a comparison that can never be meant.
    """
    return _parse(sql, tuple(types.items()))


@lru_cache(maxsize=512)
def _parse(sql: str, types: tuple[tuple[str, pa.DataType], ...]) -> Node:
    try:
        reader = _Reader(sql, dict(types))
        found = condition_of(reader.any_of())
    except RecursionError:
        raise TOO_DEEP from None
    reader.expect(END)
    if _levels(found) > MOST_LEVELS:
        raise TOO_DEEP
    return found


def _levels(node: Node) -> int:
    levels, layer = 0, [node]
    while layer:
        levels, layer = levels + 1, [part for one in layer for part in one.parts]
    return levels


class _Reader:
    """Recursive descent, from what binds least to what binds most."""

    def __init__(self, sql: str, types: Mapping[str, pa.DataType]) -> None:
        self.types = types
        self.tokens = [(str(one.lastgroup), one.group()) for one in TOKEN.finditer(sql) if one.lastgroup != "space"]
        if not all(self.is_known(kind, text) for kind, text in self.tokens):
            raise OneEnginesOwn
        self.tokens.append(END)
        self.at = 0

    def is_known(self, kind: str, text: str) -> bool:
        """Whether a piece is one that is read here; any other makes the whole condition one engine's own."""
        if kind == "word":
            return text in self.types or text.lower() in {*WORDS, *TYPED}
        return text in KNOWN if kind == "sign" else True

    def takes(self, *words: str) -> bool:
        """Go past these words or signs if they come next."""
        found = [
            text.lower() if kind == "word" and text not in self.types else text
            for kind, text in self.tokens[self.at : self.at + len(words)]
        ]
        if found != list(words):
            return False
        self.at += len(words)
        return True

    def expect(self, token: tuple[str, str]) -> None:
        if self.tokens[self.at] != token:
            raise OneEnginesOwn
        self.at += 1

    def any_of(self) -> Operand:
        found = self.all_of()
        while self.takes("or"):
            found = Node("or", TRUTH, (condition_of(found), condition_of(self.all_of())))
        return found

    def all_of(self) -> Operand:
        found = self.negated()
        while self.takes("and"):
            found = Node("and", TRUTH, (condition_of(found), condition_of(self.negated())))
        return found

    def negated(self) -> Operand:
        return _not(condition_of(self.negated())) if self.takes("not") else self.predicate()

    def predicate(self) -> Operand:
        left = self.sum_of()
        while True:
            kind, text = self.tokens[self.at]
            if kind == "sign" and text in SIGNS:
                self.at += 1
                left = compared(SIGNS[text], left, self.sum_of())
                if self.tokens[self.at][1] in SIGNS:
                    raise OneEnginesOwn  # a = b = c
            elif self.takes("is"):
                left = self.is_what(left)
            elif self.takes("not", "in") or self.takes("not", "between"):
                left = _not(self.one_of(left) if self.tokens[self.at - 1][1].lower() == "in" else self.between(left))
            elif self.takes("in"):
                left = self.one_of(left)
            elif self.takes("between"):
                left = self.between(left)
            else:
                return left

    def is_what(self, left: Operand) -> Node:
        turned = self.takes("not")
        if self.takes("distinct", "from"):
            found = compared("is", left, self.sum_of())
            return found if turned else _not(found)
        if isinstance(left, Literal):
            raise OneEnginesOwn
        if self.takes("null"):
            found = Node("absent", TRUTH, (left,))
        elif self.takes("true") or self.takes("false"):
            found = compared("is", condition_of(left), Literal(self.tokens[self.at - 1][1].lower() == "true"))
        else:
            raise OneEnginesOwn
        return _not(found) if turned else found

    def one_of(self, left: Operand) -> Node:
        self.expect(("sign", "("))
        values = [self.sum_of()]
        while self.takes(","):
            values.append(self.sum_of())
        self.expect(("sign", ")"))
        return listed(left, values)

    def between(self, left: Operand) -> Node:
        low = self.sum_of()
        self.expect(("word", self.tokens[self.at][1] if self.tokens[self.at][1].lower() == "and" else "and"))
        return Node("and", TRUTH, (compared(">=", left, low), compared("<=", left, self.sum_of())))

    def sum_of(self) -> Operand:
        found = self.product()
        while self.tokens[self.at][1] in {"+", "-"} and self.tokens[self.at][0] == "sign":
            self.at += 1
            found = computed(self.tokens[self.at - 1][1], found, self.product())
        return found

    def product(self) -> Operand:
        found = self.single()
        while self.tokens[self.at][1] in {"*", "/"} and self.tokens[self.at][0] == "sign":
            self.at += 1
            found = computed(self.tokens[self.at - 1][1], found, self.single())
        return found

    def single(self) -> Operand:
        kind, text = self.tokens[self.at]
        self.at += 1
        if text == "(" and kind == "sign":
            found = self.any_of()
            self.expect(("sign", ")"))
            return found
        if text == "-" and kind == "sign":
            found = self.single()
            if isinstance(found, Node):
                return computed("-", Literal(Decimal(0)), found)
            if not isinstance(found.said, Decimal):
                raise OneEnginesOwn
            return Literal(-found.said)
        if kind == "number":
            return Literal(_number(text))
        if kind == "text":
            return Literal(text[1:-1].replace("''", "'"))
        return self.named(kind, text)

    def named(self, kind: str, text: str) -> Operand:
        name = text if kind == "word" else text[1:-1].replace('""', '"')
        if kind in {"word", "quoted"} and name in self.types and self.tokens[self.at] != ("sign", "("):
            return Node("column", self.types[name], value=name)
        word = text.lower() if kind == "word" else ""
        if word in {"true", "false", "null"}:
            return Literal({"true": True, "false": False}.get(word))
        if word in TYPED and self.tokens[self.at][0] == "text":
            return self.single()
        raise OneEnginesOwn


def _number(text: str) -> Decimal:
    digits, _, power = text.lower().partition("e")
    if len(digits) > MOST_DIGITS or (power and (len(power) > 1 + len(str(MOST_POWER)) or abs(int(power)) > MOST_POWER)):
        raise NoValue(f"it has a number of more than {MOST_DIGITS} digits, or beyond ten to the power of {MOST_POWER}")
    return Decimal(text)


def _not(node: Node) -> Node:
    return Node("not", TRUTH, (node,))


def has_one_meaning(sql: str, types: Mapping[str, pa.DataType]) -> bool:
    """Whether every engine can be asked, or at least told why none can."""
    try:
        parse(sql, types)
    except (OneEnginesOwn, NoValue) as found:
        return isinstance(found, NoValue)
    return True


def refusal(sql: str, types: Mapping[str, pa.DataType]) -> tuple[str, str] | None:
    """Why a condition can never be meant, and what to do; None for one that is read here, or by one engine in its own words."""
    try:
        parse(sql, types)
    except OneEnginesOwn:
        return None
    except NoValue as error:
        return str(error), error.hint
    return None
