"""What varies between environments, read in one place.

Only this module reads `os.environ`. Everything made at run time lies under `home`, so a scratch copy of the world is one variable away.
"""

from __future__ import annotations

import grp
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import SettingsError
from assay.project_root import CHECKOUT, DBT_PROJECT, HOME, WORKSPACE, in_project, project_of, working_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_FILE = "masking.keys"
ADDRESS = re.compile(r"[?\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}")
LINKS = "ASSAY_LANDING_LINKS"
BATCH, BATCH_BYTES = "ASSAY_BATCH_BYTES", range(1 << 20, 1 << 50)
VACUUM, DAYS, USUAL_DAYS = "ASSAY_VACUUM_DAYS", range(1, 36_500), 7  # days as Delta's own vacuum
RUNS, USUAL_RUN_DAYS = "ASSAY_RUN_DAYS", 90  # as long as dagster.yaml keeps the ticks of schedules
EVENT_BATCH = "1000"  # materializations of a range are stored by so many at once


class SecretMissing(SettingsError):
    """A secret is not where its reference says."""


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is, never what it is: `env:NAME` or `file:/path`. It is read each time that it is needed, and kept nowhere."""

    scheme: str
    place: str

    @classmethod
    def parse(cls, text: str, variable: str) -> SecretReference:
        """Read a reference. Raises SettingsError for anything else, without saying what: it may be the secret itself."""
        scheme, _, place = text.partition(":")
        if scheme not in ("env", "file") or not place:
            hint = "Give env:NAME or file:/path: where the secret is, not the secret."
            raise SettingsError(f"{variable} is no reference to a secret.", hint=hint)
        return cls(scheme, place)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}"

    def read(self) -> str:
        """The secret. Raises SecretMissing when it is not there."""
        if self.scheme == "env":
            if (found := os.environ.get(self.place)) is None:
                raise SecretMissing(f"The environment variable {self.place} is not set.", hint="It has to hold the secret.")
            return found
        try:
            return Path(self.place).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SecretMissing(f"Tried to read {self.place}; {why}.", hint="`assay init` makes one below ASSAY_HOME.") from None


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things lie: `home` holds `landing/`, `lake/` and `dagster/`; `dbt_project` is the folder of dbt_project.yml.

    `project` is the folder of the workspace.yaml that names the product; None where nothing says which, and nothing has to.
    `contracts` is the folder of the contracts where it is not the product's own, `masking` says where the keys are if not in `home`,
    `landing_folder` where files land if not in `home`, `landing_links` where links in there may lead. `group` is the id of the group that
    shares the home with its owner, if one does. `batch_bytes` are held at once of what is too large to be held
    whole; None is as many as usual. `vacuum_days` are files kept that no newest version of a table names, `run_days` Dagster's history.
    """

    home: Path
    dbt_project: Path
    contracts: Path | None = None
    masking: SecretReference | None = None
    landing_folder: Path | None = None
    landing_links: tuple[Path, ...] = ()
    group: int | None = None
    batch_bytes: int | None = None
    vacuum_days: int = USUAL_DAYS
    run_days: int = USUAL_RUN_DAYS
    project: Path | None = CHECKOUT

    @property
    def own_entries(self) -> frozenset[str]:
        """The names of what Assay makes in the home."""
        return frozenset(("landing", "lake", "dagster", "scratch", "cache", KEY_FILE))

    @property
    def key_file(self) -> Path:
        """Where the masking keys are unless `masking` says otherwise."""
        return self.home / KEY_FILE

    @property
    def instance_file(self) -> Path:
        """What describes Dagster's instance; there is none in a home that was never used."""
        return self.dagster_home / "dagster.yaml"

    @property
    def masking_keys(self) -> SecretReference:
        """Where the keys that mask personal data are."""
        return self.masking or SecretReference("file", str(self.key_file))

    @property
    def landing(self) -> Path:
        """Where upstream systems drop their files."""
        return self.landing_folder or self.home / "landing"

    @property
    def lake(self) -> Path:
        """The root of the tables: one Delta table per `<layer>/<dataset>` folder."""
        return self.home / "lake"

    @property
    def dagster_home(self) -> Path:
        """The folder of Dagster's instance."""
        return self.home / "dagster"

    @property
    def workspace(self) -> Path:
        """The file that names the code location, as Dagster reads it. Raises SettingsError where nothing says which project it is of."""
        return in_project(self.project, WORKSPACE)

    @property
    def landing_index(self) -> Path:
        """What is known of the files that have landed."""
        return self.cache / "landing.sqlite"

    @property
    def cache(self) -> Path:
        """What can be found out again. It can be deleted at any time."""
        return self.home / "cache"

    @property
    def scratch(self) -> Path:
        """Private working folders of runs, emptied when each run ends."""
        return self.home / "scratch"


def refuse_misread(folder: Path) -> None:
    """Raise SettingsError for a place below a folder such as `country=de`: DuckDB, Polars and Spark take it for a partition column.

    To Delta's library, and to Dagster's storage, a path is an address: for `a%20b` or `a?b` they read and write files of another folder.
    """
    if read_otherwise := [part for part in folder.parts if ADDRESS.search(part)]:
        raise SettingsError(
            f"{str(folder)!a} lies in {read_otherwise[0]!a}, which libraries take for the name of another folder.",
            hint="Name a folder without ?, control characters, or % before two hexadecimal digits in its path.",
        )
    if strange := [part for part in folder.parts if "=" in part]:
        raise SettingsError(
            f"{folder} lies in {strange[0]!r}, which readers take for the partition {strange[0].replace('=', ' = ', 1)!r}.",
            hint="Name a folder without = in its path.",
        )


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read ASSAY_PROJECT, the project's folder (default: the nearest from the working folder upwards, else the checkout).

    ASSAY_HOME and ASSAY_DBT_PROJECT (default: `.assay` and `dbt_project` in the project), ASSAY_CONTRACTS (the product's own),
    ASSAY_MASKING_KEYS refers to the masking keys (default: a file in the home), ASSAY_LANDING names the landing folder (default: in the
    home), ASSAY_LANDING_LINKS more folders that links in it may lead to, separated by `:`, ASSAY_GROUP the group that shares the home,
    ASSAY_BATCH_BYTES how much is held at once of a large arrival, ASSAY_VACUUM_DAYS how many days files of earlier versions are kept,
    ASSAY_RUN_DAYS how many days Dagster's history of runs.

    Raises SettingsError when a variable names something that is not a folder, ASSAY_HOME has a path that is misread, there is no project
    and one is needed, no such group, ASSAY_MASKING_KEYS is no reference, or one that is a number no such number.
    """
    found = os.environ if environ is None else environ
    project = _folder(found, "ASSAY_PROJECT", "the project of the working folder") or project_of(working_folder())
    home = Path(found.get("ASSAY_HOME") or in_project(project, HOME)).expanduser().resolve()
    if home.exists() and not home.is_dir():
        raise SettingsError(
            f"ASSAY_HOME is {home}, which is not a folder.", hint="Name a folder, or unset it to use .assay in the project."
        )
    refuse_misread(home)
    contracts = _folder(found, "ASSAY_CONTRACTS", "the product's contracts")
    dbt_project = Path(found.get("ASSAY_DBT_PROJECT") or in_project(project, DBT_PROJECT)).expanduser().resolve()
    keys = found.get("ASSAY_MASKING_KEYS")
    masking = SecretReference.parse(keys, "ASSAY_MASKING_KEYS") if keys else None
    return Settings(
        home=home,
        dbt_project=dbt_project,
        contracts=contracts,
        masking=masking,
        landing_folder=_folder(found, "ASSAY_LANDING", "`landing` in the home"),
        landing_links=tuple(Path(one).expanduser().resolve() for one in found.get(LINKS, "").split(os.pathsep) if one),
        group=_group(found.get("ASSAY_GROUP")),
        batch_bytes=_number(found, BATCH, BATCH_BYTES, "bytes"),
        vacuum_days=_number(found, VACUUM, DAYS, "days") or USUAL_DAYS,
        run_days=_number(found, RUNS, DAYS, "days") or USUAL_RUN_DAYS,
        project=project,
    )


def _folder(found: Mapping[str, str], variable: str, default: str) -> Path | None:
    if not found.get(variable):
        return None
    folder = Path(found[variable]).expanduser().resolve()
    if not folder.is_dir():
        raise SettingsError(f"{variable} is {folder}, which is not a folder.", hint=f"Name a folder, or unset it to use {default}.")
    return folder


def _group(name: str | None) -> int | None:
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        hint = "Name one that `getent group` shows, or unset it to keep the home private."
        raise SettingsError(f"ASSAY_GROUP is {name!a}; there is no such group.", hint=hint) from None


def _number(found: Mapping[str, str], variable: str, may_be: range, what: str) -> int | None:
    text = found.get(variable)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > len(str(may_be.stop)) or int(text) not in may_be:
        raise SettingsError(
            f"{variable} is {text!a}, which is no number of {what} from {may_be.start:,} on.", hint="Unset it for the usual."
        )
    return int(text)


def export(settings: Settings) -> None:
    """Tell this process and its children what was settled, in whatever folder they work, and the size of Dagster's event batches."""
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["ASSAY_HOME"] = str(settings.home)
    os.environ["ASSAY_DBT_PROJECT"] = str(settings.dbt_project)
    if settings.project is not None:
        os.environ["ASSAY_PROJECT"] = str(settings.project)
    if settings.contracts is not None:
        os.environ["ASSAY_CONTRACTS"] = str(settings.contracts)
    if settings.landing_folder is not None:
        os.environ["ASSAY_LANDING"] = str(settings.landing_folder)
    if settings.landing_links:
        os.environ[LINKS] = os.pathsep.join(map(str, settings.landing_links))
    if settings.batch_bytes is not None:
        os.environ[BATCH] = str(settings.batch_bytes)
    if settings.vacuum_days != USUAL_DAYS:
        os.environ[VACUUM] = str(settings.vacuum_days)
    if settings.run_days != USUAL_RUN_DAYS:
        os.environ[RUNS] = str(settings.run_days)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENT_BATCH)
