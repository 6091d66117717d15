"""The tree is the architecture: imports point one way, the engine knows no dataset, engines load where they are used, pieces stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assay.ingest import work as ingest_work
from assay.refine import inputs as refine_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = ROOT / "platform"
ENGINE = sorted((PLATFORM / "assay").rglob("*.py"))
FILES = frozenset(ENGINE)
PRODUCT = sorted((PLATFORM / "flights").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# Each room may import those to its left, and itself; rooms of one place may not import each other.
ORDER = [
    {"cached_property", "errors"},
    {"project_root"},
    {"crash_message", "settings"},
    {"absent_modules", "code_version", "resource_exhaustion", "lock_holders", "permissions", "process", "stopping"},
    {"contracts"},
    {"masking"},
    {"lake", "alerting"},
    {"steps", "maintenance"},
    {"ingest", "refine", "gold"},
    {"erasure", "scaffold"},
    {"orchestration"},
    {"cli"},
    {"testing"},
]
# Packages whose names others import: each name is looked up when it is asked for, so that the package costs nothing.
LAZY = {"__init__.py", "testing/__init__.py"}
# The same within a room that has rooms of its own. Files at its door may import all of them and each other, but where they are named here.
ORDER_WITHIN = {
    "contracts": [
        {"language"},
        {"patterns", "conditions"},
        {"model"},
        {"compiling", "documents"},
        {"reading", "compatibility", "inference", "export"},
    ],
    "ingest": [{"landing_file"}, {"formats"}],
    "lake": [{"side_tables"}, {"quarantine"}, {"audited", "claims"}],
}
PRODUCT_MAY_IMPORT = ("assay.orchestration", "assay.refine.clock", "assay.settings", "assay.errors")
WITHOUT_DAGSTER = {
    "absent_modules",
    "cached_property",
    "errors",
    "project_root",
    "settings",
    "code_version",
    "resource_exhaustion",
    "crash_message",
    "permissions",
    "process",
    "stopping",
    "contracts",
    "masking",
    "alerting",
    "lake",
    "maintenance",
    "steps",
    "ingest",
    "refine",
    "gold",
    "erasure",
    "scaffold",
}
HEAVY = {"polars", "pandera", "dbt", "dagster_dbt", "pyspark", "duckdb", "pandas"}
# dbt-duckdb loads the plugin inside a dbt run, where both are there anyhow
MAY_IMPORT_HEAVY = {"gold/dbt_plugin.py": {"dbt", "duckdb"}}
# Code of contracts that a room runs and that does not decide its rows: values, patterns and conditions where nothing is judged yet, constraints
VALUES = {
    "ingest": ("assay.contracts.model.", "assay.contracts.patterns.", "assay.contracts.conditions."),
    "refine": ("assay.contracts.model.", "assay.contracts.export.delta_constraints"),
}
LONGEST_FILE, LONGEST_FUNCTION = 250, 40
# Known exceptions with what they measure. They may only shrink: take an entry out once it is below the limit.
LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS: dict[str, int] = {}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    """Every module that a file imports, except for type checking."""
    waiting: list[ast.AST] = [tree_of(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (top_level_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            waiting += ast.iter_child_nodes(node)


def imports_for_types(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def file_of(module: str) -> Path | None:
    """The file of the engine that an import is of: a module, or a name within one."""
    names = module.split(".")
    return next(
        (path for end in (len(names), len(names) - 1) if (path := PLATFORM.joinpath(*names[:end]).with_suffix(".py")) in ENGINE), None
    )


def room_of(path: Path) -> str:
    return path.relative_to(PLATFORM / "assay").parts[0].removesuffix(".py")


def place_of(room: str) -> int:
    return next(place for place, rooms in enumerate(ORDER) if room in rooms)


def name_of(path: Path) -> str:
    return str(path.relative_to(PLATFORM / "assay"))


def datasets_and_models() -> set[str]:
    contracts = {path.name.partition(".")[0] for path in (PLATFORM / "flights/contracts").glob("*.odcs.yaml")}
    return contracts | {path.stem for path in (ROOT / "dbt_project/models/gold").rglob("*.sql")}


def names_in(path: Path) -> Iterator[str]:
    """Every identifier and every string of a file, but for its docstrings."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree_of(path))
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
        elif isinstance(node, ast.Name | ast.Attribute | ast.arg | ast.alias | documented) and not isinstance(node, ast.Module):
            yield str(getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None) or getattr(node, "name", ""))


def test_platform_is_a_source_root_and_no_package() -> None:
    assert not (PLATFORM / "__init__.py").exists(), "it would shadow the standard library's platform"


def test_every_package_file_is_empty() -> None:
    assert [name_of(path) for path in ENGINE if path.name == "__init__.py" and path.read_text() and name_of(path) not in LAZY] == []


@pytest.mark.parametrize("name", sorted(LAZY))
def test_a_package_that_others_import_from_loads_what_is_asked_for(name: str) -> None:
    module = f"assay/{name}".removesuffix("/__init__.py").replace("/", ".")
    program = f"import sys, {module} as m; print(*sorted({(HEAVY | {'dagster', 'pyarrow'})!r} & set(sys.modules))); [getattr(m, one) for one in m.__all__]"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_every_room_has_a_place() -> None:
    rooms = {room_of(path) for path in ENGINE} - {"__init__"}
    assert rooms == set().union(*ORDER)


@pytest.mark.parametrize("path", [path for path in ENGINE if path.parent.name != "assay" or path.stem != "__init__"], ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path)
    others = {module.split(".")[1] for module in imports_for_types(path) if module.startswith("assay.")} - {room}
    upward = [other for other in others if place_of(other) >= place_of(room)]
    assert upward == [], f"{name_of(path)} imports {upward}"


@pytest.mark.parametrize("path", [path for path in ENGINE if len(path.relative_to(PLATFORM / "assay").parts) > 2], ids=name_of)
def test_imports_within_a_room_point_one_way(path: Path) -> None:
    house, room, *_ = path.relative_to(PLATFORM / "assay").parts
    places = {name: place for place, names in enumerate(ORDER_WITHIN[house]) for name in names}
    others = {module.split(".")[2] for module in imports_for_types(path) if module.startswith(f"assay.{house}.")} - {room}
    assert [other for other in others if places.get(other, -1 if house == "lake" else len(places)) >= places[room]] == []


def test_contracts_has_no_files_at_its_door() -> None:
    assert [path.name for path in (PLATFORM / "assay/contracts").glob("*.py")] == ["__init__.py"]


def test_no_modules_import_each_other() -> None:
    waiting = {path: {found for module in imports(path) if (found := file_of(module))} - {path} for path in ENGINE}
    while free := [path for path, needed in waiting.items() if not needed & waiting.keys()]:
        for path in free:
            del waiting[path]
    assert sorted(map(name_of, waiting)) == []


@pytest.mark.parametrize(("room", "code"), [("ingest", ingest_work.CODE), ("refine", refine_inputs.CODE)])
def test_what_decides_rows_is_part_of_their_fingerprint(room: str, code: tuple[str, ...]) -> None:
    """All of a contract's code that an ingestion or refinement runs, but for values: those are in the fingerprint themselves."""
    reached = {path for path in ENGINE if room_of(path) == room}
    while (
        more := {found for path in reached for module in imports(path) if (found := file_of(module)) and room_of(found) == "contracts"}
        - reached
    ):
        reached |= more
    decides = {f"assay.{name_of(path).removesuffix('.py').replace('/', '.')}" for path in reached}
    left = {name for name in decides if not name.startswith(code)} - {name for name in decides if name.startswith(VALUES[room])}
    assert sorted(left) == []


def test_the_engine_never_imports_a_product() -> None:
    assert [name_of(path) for path in ENGINE if any(module.split(".")[0] == "flights" for module in imports_for_types(path))] == []


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.name))
def test_a_product_imports_only_what_it_may(path: Path) -> None:
    found = [module for module in imports_for_types(path) if module.startswith("assay.")]
    assert [module for module in found if not module.startswith(PRODUCT_MAY_IMPORT)] == []


def test_only_the_event_log_reaches_into_dagster() -> None:
    private = {name_of(path) for path in ENGINE if any(module.startswith("dagster._") for module in imports_for_types(path))}
    assert private <= {"orchestration/event_log.py"}


def test_the_core_does_not_know_dagster() -> None:
    core = [path for path in ENGINE if room_of(path) in WITHOUT_DAGSTER]
    assert [name_of(path) for path in core if any(module.split(".")[0] == "dagster" for module in imports_for_types(path))] == []


def test_only_settings_reads_the_environment() -> None:
    readers = {path for path in [*ENGINE, *PRODUCT] if {"environ", "getenv", "putenv"} & set(names_in(path))}
    assert readers == {PLATFORM / "assay/settings.py"}


def test_the_engine_names_no_dataset_and_no_model() -> None:
    known = datasets_and_models()
    assert len(known) > 5
    named = {name_of(path): sorted(known & {name.strip("_") for name in names_in(path)}) for path in ENGINE}
    assert {path: names for path, names in named.items() if names} == {}


@pytest.mark.parametrize("path", ENGINE, ids=name_of)
def test_engines_are_imported_where_they_are_used(path: Path) -> None:
    heavy = {module.split(".")[0] for module in imports(path, top_level_only=True)} & HEAVY
    assert heavy <= MAY_IMPORT_HEAVY.get(name_of(path), set())


def test_loading_the_code_location_loads_no_engine() -> None:
    program = f"import sys; import flights.definitions; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", [*ENGINE, *PRODUCT, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_pieces_stay_small(path: Path) -> None:
    name = name_of(path) if path in ENGINE else str(path.relative_to(ROOT))
    lines = len(path.read_text().splitlines())
    assert lines <= LONG_FILES.get(name, LONGEST_FILE if path not in TESTS else 2 * LONGEST_FILE)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONG_FUNCTIONS.get(f"{name}:{node.name}", LONGEST_FUNCTION), f"{name}: {node.name} has {length} lines"


def test_known_exceptions_are_still_exceptions() -> None:
    for name, allowed in LONG_FILES.items():
        assert LONGEST_FILE < len((PLATFORM / "assay" / name).read_text().splitlines()) <= allowed, (
            f"take {name} out of LONG_FILES, or lower it"
        )
