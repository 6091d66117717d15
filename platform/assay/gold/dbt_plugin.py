"""The lake inside a dbt run: pinned snapshots as views of the DuckDB database, made once per connection.

dbt-duckdb loads this module by the name in `profiles.yml`. It gives the models `silver.<table>` to read and `published.<table>`, the gold
rows that are in the lake already. It never writes to the lake.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from assay.errors import AssayError, TableMissing, TableUnreadable
from assay.gold.pins import Pin, load
from assay.lake.duckdb_sql import quoted
from assay.lake.snapshots import open_snapshot, table_names
from assay.settings import load_settings

if TYPE_CHECKING:
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from duckdb import DuckDBPyConnection
GOLD = "gold"
READ = ("silver", GOLD)  # bronze has personal data as they landed; what is held in quarantine its files alone do not tell
PUBLISHED, STAGED = "published", "staged"


class Plugin(BasePlugin):
    """Without configuration: the newest version of every silver and gold table of the settings' lake. With `lake` and `pins`: those.

    Of a damaged table there is no view, unless it is pinned: the others can be read.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Read the pins (see `pins`); none means the newest version of all tables."""
        self.pins: dict[str, Pin] | None = load(plugin_config["pins"]) if plugin_config.get("pins") else None
        self.lake = Path(plugin_config["lake"]) if plugin_config.get("lake") else load_settings().lake

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:  # noqa: ARG002  # the hook's arguments
        """Make the folder of the database: DuckDB does not, and a fresh checkout has none."""
        Path(creds.path).parent.mkdir(parents=True, exist_ok=True)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Create the views. An error of the lake becomes dbt's own, which dbt prints in one line instead of a stack trace."""
        if _is_read_only(conn):
            return  # somebody looks at a finished run: the views are there
        try:
            self._create_views(conn)
        except AssayError as problem:
            raise DbtRuntimeError(str(problem)) from problem

    def _create_views(self, conn: DuckDBPyConnection) -> None:
        pins = self.pins if self.pins is not None else dict.fromkeys(table_names(self.lake), Pin())
        pins = {name: pin for name, pin in pins.items() if name.partition("/")[0] in READ}
        needed = pins if self.pins else [name for name in pins if name.startswith("silver/")]  # a build may read nothing but gold
        if not needed:
            raise TableMissing(f"Tried to read the lake at {self.lake}; it has no silver table yet.", hint="Run `make run` first.")
        conn.execute(f"CREATE SCHEMA IF NOT EXISTS {STAGED}")  # here, because models that run side by side would make it twice
        for name, pin in pins.items():
            layer, table = name.split("/")
            schema = PUBLISHED if layer == GOLD else layer
            select = self._select(name, pin)
            if select is None:
                continue
            conn.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
            conn.execute(f"CREATE OR REPLACE VIEW {quoted(schema)}.{quoted(table)} AS {select}")
            if layer == GOLD:
                _stand_in(conn, table)

    def _select(self, name: str, pin: Pin) -> str | None:
        """SQL for the rows of a table; None for a damaged one that nobody has pinned, which only whoever reads it misses."""
        try:
            return open_snapshot(self.lake, name, pin.version).duckdb_select(pin.keeps)
        except TableUnreadable:
            if self.pins is not None:
                raise
            return None


def _is_read_only(conn: DuckDBPyConnection) -> bool:
    row = conn.execute("SELECT readonly FROM duckdb_databases() WHERE database_name = current_database()").fetchone()
    return row is not None and bool(row[0])


def _stand_in(conn: DuckDBPyConnection, table: str) -> None:
    """Let models read a model that this run does not build: until it is built here, it shows what is published."""
    found = conn.execute("SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?", [GOLD, table]).fetchone()
    if found is None:
        conn.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(GOLD)}")
        conn.execute(f"CREATE VIEW {quoted(GOLD)}.{quoted(table)} AS SELECT * FROM {quoted(PUBLISHED)}.{quoted(table)}")  # noqa: S608  # quoted
