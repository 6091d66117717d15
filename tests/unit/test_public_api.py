"""`docs/public_api.md` against the code: what stands there exists and says what it is, what a release has promised stands there, and the
examples of the documents, the product and the template import nothing else.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from assay import errors
from assay.cli.main import app
from assay.project_root import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = (CHECKOUT / "docs/public_api.md").read_text()
PYTHON = PAGE.partition("## Python")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| `(assay\.[\w.]+)` \| ([^|]+) \|([^|]*)\|$", PYTHON, re.MULTILINE)
NAMES = [name for name, _, _ in ROWS]
COMMANDS = set(re.findall(r"^\| `assay ([a-z -]+)` \|", PAGE, re.MULTILINE))
VARIABLES = set(re.findall(r"^\| `(ASSAY_\w+)` \|", PAGE, re.MULTILINE))

pytestmark = pytest.mark.slow  # the engine's own imports

# What each release has promised, with the names of its arguments. A line is taken out by a new major version only.
PROMISED = {
    "0.1.0": {
        "assay.orchestration.build.build_definitions": ["settings", "contracts_folder"],
        "assay.settings.load_settings": ["environ"],
        "assay.orchestration.io_manager.LakeIOManager": ["root"],
        "assay.lake.snapshots.open_snapshot": ["root", "name", "version"],
        "assay.lake.snapshots.Snapshot.scan": ["keep", "columns"],
        "assay.lake.snapshots.Snapshot.duckdb_select": ["keep"],
        "assay.refine.clock.local_to_utc": ["day", "minutes", "zone"],
        "assay.refine.clock.minutes_of_clock": ["text"],
        "assay.masking.keyring.read_ring": ["reference"],
        "assay.masking.tokens.decrypt": ["ring", "domain", "text"],
    }
}
PROMISED_COMMANDS = {
    "0.1.0": [
        "backfill", "check-lake", "contracts check", "contracts compile", "contracts diff", "contracts export", "contracts policy", "create",
        "erase", "init", "keys decrypt", "keys list", "keys rotate", "landing", "maintain", "new", "permissions", "quarantine discard",
        "quarantine history", "quarantine list", "quarantine replay", "quarantine restore", "quarantine show", "serve", "sql", "summary",
        "tables", "views",
    ]
}  # fmt: skip


def found(name: str) -> Any:
    """What a dotted name stands for."""
    module, rest = name, list[str]()
    while True:
        try:
            value = importlib.import_module(module)
            break
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
    for one in rest:
        value = getattr(value, one)
    return value


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_exists_and_says_what_it_is_and_takes(name: str) -> None:
    value, (said,) = found(name), [arguments for one, _, arguments in ROWS if one == name]
    assert inspect.getdoc(value)
    for argument in re.findall(r"`(\w+)`", said):
        assert argument in inspect.signature(value).parameters, f"{name} takes no {argument}"


@pytest.mark.parametrize("release", PROMISED)
def test_what_a_release_has_promised_is_there_as_it_was(release: str) -> None:
    for name, arguments in PROMISED[release].items():
        assert name in NAMES, f"{name} was promised by {release}"
        signature = inspect.signature(found(name))
        kept = [one for one in signature.parameters if one != "self"]
        assert kept[: len(arguments)] == arguments, f"{name} was promised by {release} with other arguments"
        more = [one for one in kept[len(arguments) :] if signature.parameters[one].default is inspect.Parameter.empty]
        assert more == [], f"{name} asks for more than {release} has promised"
    assert sorted(set(PROMISED_COMMANDS[release]) - COMMANDS) == []


def test_attributes_that_are_named_are_there() -> None:
    for name, said, _ in ROWS:
        if inspect.isclass(value := found(name)):
            here = {*dir(value), *getattr(value, "__annotations__", {})}
            assert [one for one in re.findall(r"`(\w+)`", said) if one not in here] == [], name


def test_every_error_says_what_it_is() -> None:
    raised = [one for one in vars(errors).values() if inspect.isclass(one) and one.__module__ == errors.__name__]
    assert [one.__name__ for one in raised if not one.__doc__ or not issubclass(one, errors.AssayError)] == []


def commands(group: Any, above: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        yield from commands(command, f"{above}{name} ") if hasattr(command, "commands") else [f"{above}{name}"]


def test_the_page_has_every_command_and_no_other() -> None:
    there = {*commands(typer.main.get_command(app))}
    assert (sorted(there - COMMANDS), sorted(COMMANDS - there)) == ([], [])


def test_the_page_has_every_variable_of_the_environment_and_no_other() -> None:
    texts = [node.value for node in ast.walk(ast.parse((CHECKOUT / "platform/assay/settings.py").read_text())) if is_text(node)]
    assert {text for text in texts if re.fullmatch(r"ASSAY_\w+", text)} == VARIABLES


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_other_names_in_configuration_exist() -> None:
    for name in re.findall(r"^\| `(assay\.[\w.]+)` \|", PAGE.partition("## Names in configuration")[2], re.MULTILINE):
        assert documented(name), name
    macros = "".join(path.read_text() for path in (CHECKOUT / "dbt_project/macros").glob("*.sql"))
    said = re.search(r"In dbt: the materialization `(\w+)`, the macros `(\w+)` and `(\w+)`, the test `(\w+)`", PAGE)
    assert said
    for kind, name in zip(("materialization", "macro", "macro", "test"), said.groups(), strict=True):
        assert re.search(rf"{{%-? {kind} {name}\b", macros), name
    manager = (CHECKOUT / "platform/assay/orchestration/io_manager.py").read_text()
    assert [one for one in re.findall(r"`(assay/\w+)`", PAGE) if one not in manager] == []


def documented(name: str) -> bool:
    """Whether a module, or a class in one, has a docstring: of what is not to be imported here."""
    path, last = CHECKOUT.joinpath("platform", *name.split(".")), ""
    if not path.with_suffix(".py").exists():
        path, last = path.parent, path.name
    tree: ast.AST = ast.parse(path.with_suffix(".py").read_text())
    if last:
        tree = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == last)
    assert isinstance(tree, ast.Module | ast.ClassDef)
    return bool(ast.get_docstring(tree))


def examples() -> Iterator[tuple[str, str]]:
    """The Python that users see: blocks of the documents, the product's code and that of the template."""
    for page in (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))):
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)):
            yield f"{page.name} {number}", block
    folders = (CHECKOUT / "platform/flights", CHECKOUT / "platform/assay/scaffold/template")
    for path in [path for folder in folders for path in sorted(folder.rglob("*")) if is_python(path)]:
        yield str(path.relative_to(CHECKOUT)), path.read_text()


def is_python(path: Path) -> bool:
    return path.name.endswith((".py", ".py.txt")) and "__pycache__" not in path.parts


def imported(text: str) -> set[str]:
    """What is imported of Assay, or asked of a module that is imported, as dotted names."""
    tree, names, modules = ast.parse(text), set[str](), dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "assay":
            names |= {f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            modules |= {one.asname or one.name: one.name for one in node.names if one.name.partition(".")[0] == "assay"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (module := modules.get(ast.unparse(node.value))):
            names.add(f"{module}.{node.attr}")
    return names


def is_public(name: str) -> bool:
    """Whether a name stands on the page, by itself or as one of a module that stands there as a whole."""
    module, _, last = name.rpartition(".")
    return name in NAMES or (module in NAMES and last in getattr(found(module), "__all__", vars(found(module))))


def test_examples_import_nothing_else() -> None:
    used = {where: sorted(name for name in imported(text) if not is_public(name)) for where, text in examples()}
    assert {where: names for where, names in used.items() if names} == {}
    seen = {name for _, text in examples() for name in imported(text)}
    assert {"assay.settings.load_settings", "assay.lake.snapshots.open_snapshot", "assay.orchestration.build.build_definitions"} <= seen
