"""Files of a dbt project that are at fault: which, where, why, and which models are not as promised because of it.

dbt's parse ends with the first fault, in words. Here those words become a place; nothing here runs dbt (`unparsable_files.py`).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MODELS = "models"
SQL, YAML = ".sql", {".yml", ".yaml"}
MAKES_MACROS = re.compile(r"\{%-?\s*(?:macro|test|data_test|materialization)\s+\w+")
TOP_LEVEL_KEY = re.compile(r"^(\w+):", re.MULTILINE)
OF_UNIT_TESTS = {"version", "unit_tests"}
NAMED = re.compile(r"^( *-? *)name:\s*['\"]?(\w+)", re.MULTILINE)
READS = re.compile(r"\bref\(\s*['\"](\w+)['\"]")
JUDGES = re.compile(r"['\"]model['\"]\s*:\s*['\"](\w+)")
NOT_FOUND = re.compile(r"depends on an? \w+ named '(?:[^']*\.)?([^'.]+)'")
NEAR_LINE = re.compile(r"\bnear line (\d+)")
LINE_OF_FILE = re.compile(r"^Compilation Error in [^\n]*\n(?:.*\n)*?\s+line (\d+)$", re.MULTILINE)
SHORTEST_QUOTE, LONGEST = 4, 600


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file, and the names of the models that cannot be had because of it."""

    file: str
    line: int
    why: str
    models: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Fault:
        """What `to_json` wrote."""
        return cls(said["file"], said["line"], said["why"], tuple(said["models"]))


def text_of(project: Path, file: str) -> str:
    """The text of a file, whatever bytes are in it."""
    return (project / file).read_text(encoding="utf-8", errors="replace")


def is_model(file: str) -> bool:
    """Whether a file is the SQL of a model."""
    return file.endswith(SQL) and PurePosixPath(file).parts[0] == MODELS


def is_of_unit_tests(text: str) -> bool:
    """Whether a YAML file has unit tests and nothing else: they are the developer's, no build of the engine runs them."""
    keys = set(TOP_LEVEL_KEY.findall(text))
    return "unit_tests" in keys and keys <= OF_UNIT_TESTS


def blamed(message: str, project: Path, files: Iterable[str]) -> list[str]:
    """The files that a message of dbt names, or that ask for the thing which it did not find."""
    known = list(files)
    found = [file for file in known if re.search(rf"(?<![\w/.-]){re.escape(file)}(?![\w-]|\.\w)", message)]
    # of YAML that cannot be read the path begins below models/
    found += [file for file in known if re.search(rf"Error reading \w+: {re.escape(_below(file))} - ", message)]
    if missing := NOT_FOUND.search(message):
        asks = re.compile(rf"\b(?:ref|source)\([^)]*['\"]{re.escape(missing.group(1))}['\"]\s*[,)]")
        found += [file for file in known if file.endswith(SQL) and asks.search(text_of(project, file))]
    return list(dict.fromkeys(found))


def quoting(message: str, project: Path, files: Iterable[str]) -> list[str]:
    """The files that have a piece of Jinja which a message quotes at its end, without saying where it is."""
    quoted = message.rpartition("\n")[2].strip().rstrip(".")
    return [file for file in files if quoted in text_of(project, file)] if "{" in quoted and len(quoted) >= SHORTEST_QUOTE else []


def fault_of(message: str, project: Path, file: str) -> Fault:
    """A message of dbt as a fault of a file."""
    return Fault(file, _line(message, project, file), _words(message), tuple(_concerned(project, file)))


def _below(file: str) -> str:
    return file.partition("/")[2]


def _words(message: str) -> str:
    """What dbt says, in one line, without the heading that names the file again and the lines of the file that it shows."""
    first, _, rest = message.partition("\n")
    body = rest if rest and first.startswith(("Compilation Error", "Parsing Error", "Runtime Error")) else message
    body = re.sub(r"^\s*Error reading [^\n]* - Runtime Error", "", body)
    body = re.sub(r"\s*-{9,}.*Raw Error:\s*-{9,}", ":", body, flags=re.DOTALL)
    body = re.sub(r"\s+line \d+$", ":", body, flags=re.MULTILINE)
    return " ".join(body.split()).replace(".:", ":")[:LONGEST].rstrip(".") + "."


def _line(message: str, project: Path, file: str) -> int:
    """The line that dbt names, else the first that holds something which its message quotes, else the first of the file."""
    if found := NEAR_LINE.search(message) or (LINE_OF_FILE.search(message) if file.endswith(SQL) else None):
        return int(found.group(1))
    lines = text_of(project, file).splitlines()
    quoted = [f"'{missing.group(1)}'" for missing in [NOT_FOUND.search(message)] if missing]
    quoted += [one.strip().rstrip(".") for one in message.splitlines()[1:]]
    for quote in quoted:
        for number, line in enumerate(lines, 1):
            if len(quote) >= SHORTEST_QUOTE and quote in line.replace('"', "'"):
                return number
    return 1


def _concerned(project: Path, file: str) -> Iterator[str]:
    """The models that cannot be had without a file: of a test those that it judges, of YAML those that it describes."""
    text = text_of(project, file)
    if is_model(file):
        yield Path(file).stem
    elif Path(file).suffix in YAML:
        yield from () if is_of_unit_tests(text) else dict.fromkeys([Path(file).stem, *_described(text)])
    elif file.endswith(SQL) and not MAKES_MACROS.search(text):
        yield from dict.fromkeys(JUDGES.findall(text) or READS.findall(text))


def _described(text: str) -> list[str]:
    """The names of what a YAML file describes, whether it can be read or not; those of columns and tests lie deeper."""
    found = NAMED.findall(text)
    outermost = min((len(depth) for depth, _ in found), default=0)
    return [name for depth, name in found if len(depth) == outermost]
