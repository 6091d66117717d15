"""What dbt's parse lets pass although a build would fail: models in a circle, calls of macros that there are not, tests that are not run.

It runs in dbt's process, right after a parse, and reads what dbt made of the project. A name is only called undefined if it is called: what
a model asks about (`is defined`) it does without.
"""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from assay.gold.faults import Fault
from assay.gold.models import judged_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

JUDGED = {"model", "test"}


def circle_of(manifest: Mapping[str, Any]) -> str | None:
    """The models that read each other in a circle, with their files; None if there is no circle."""
    nodes = {uid: node for uid, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    try:
        TopologicalSorter({uid: [one for one in node["depends_on"]["nodes"] if one in nodes] for uid, node in nodes.items()}).prepare()
    except CycleError as error:
        return "Models read each other in a circle: " + " -> ".join(
            f"{nodes[uid]['name']} ({nodes[uid]['original_file_path']})" for uid in error.args[1]
        )
    return None


def undefined(project: Path, manifest: Mapping[str, Any]) -> list[Fault]:
    """The faults of models and tests that dbt would find when it renders them, or would never tell."""
    known, found = _known(manifest), list[Fault]()
    for node in manifest["nodes"].values():
        if node["resource_type"] in JUDGED:
            file, models = node["original_file_path"], (node["name"],) if node["resource_type"] == "model" else _judged(node)
            found += [Fault(file, _line_of(project, file, word), why, models) for word, why in _faults(node, manifest["macros"], known)]
    return found


def _faults(node: Mapping[str, Any], macros: Mapping[str, Any], known: set[str]) -> Iterator[tuple[str, str]]:
    """A word near each fault of a model or test, and what is wrong."""
    if node["resource_type"] == "test" and not node["config"]["enabled"]:
        asked = [ref["name"] for ref in node["refs"]] + [".".join(source) for source in node["sources"]]
        yield node["name"], f"the test {node['name']} is not run: not everything that it reads is there ({', '.join(asked)})."
        return
    if not node["raw_code"].strip():
        yield node["name"], "it has no SQL."
    for name in _calls(node["raw_code"], known):
        yield name.removeprefix("test_"), f"'{name}' is undefined: no macro has this name."
    for macro in _used(node, macros):
        for name in _calls(macro["macro_sql"], known):
            yield macro["name"], f"it uses the macro {macro['name']}, in which '{name}' is undefined ({macro['original_file_path']})."


def _judged(node: Mapping[str, Any]) -> tuple[str, ...]:
    judged = judged_model(node.get("attached_node"), node["config"]["meta"], node["depends_on"]["nodes"])
    return (judged,) if judged else tuple(ref["name"] for ref in node["refs"])


def _used(node: Mapping[str, Any], macros: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The project's own macros that a node uses, by way of others too."""
    found, todo = dict[str, None](), list(node["depends_on"]["macros"])
    while todo:
        uid = todo.pop()
        if uid in macros and uid not in found and macros[uid]["package_name"] == node["package_name"]:
            found[uid] = None
            todo += macros[uid]["depends_on"]["macros"]
    return [macros[uid] for uid in found]


def _known(manifest: Mapping[str, Any]) -> set[str]:
    """Every name that dbt or Jinja gives to a template, as dbt itself lists them."""
    from dbt.context.providers import ModelContext
    from dbt_common.clients.jinja import get_environment

    macros = manifest["macros"].values()
    globals_ = get_environment(None, capture_macros=False).globals
    names = {*ModelContext._context_members_, *globals_, "builtins", "caller"}  # dbt has no other list of them
    return names | {macro["name"] for macro in macros} | {macro["package_name"] for macro in macros}


def _calls(text: str, known: set[str]) -> list[str]:
    """The names that a template calls and nobody defines."""
    from dbt_common.clients.jinja import get_environment
    from jinja2 import TemplateSyntaxError, meta, nodes

    try:
        tree = get_environment(None, capture_macros=False).parse(text)
    except TemplateSyntaxError:  # dbt reads more than Jinja: what it has parsed is left to it
        return []
    called = [call.node.name for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    asked = {test.node.name for test in tree.find_all(nodes.Test) if test.name == "defined" and isinstance(test.node, nodes.Name)}
    free = meta.find_undeclared_variables(tree) - known - asked
    return [name for name in dict.fromkeys(called) if name in free]


def _line_of(project: Path, file: str, word: str) -> int:
    lines = (project / file).read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if re.search(rf"\b{re.escape(word)}\b", line)), 1)
