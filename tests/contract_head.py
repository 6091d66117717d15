"""How the contracts of tests begin: who owns what, in which version, and the server on which its files land."""

OWNER = "owner@example.org"
HEAD = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:test:{name}
name: {name}
version: {version}
status: active
team:
  name: tests
  members:
    - {{username: {owner}, role: owner}}
"""
LANDING = """\
servers:
  - {{server: landing, type: local, path: "{path}", format: csv}}
"""


def head(name: str, *, version: str = "1.0.0", owner: str = OWNER) -> str:
    """The lines before the servers, which a contract of gold does not have."""
    return HEAD.format(name=name, version=version, owner=owner)


def landing_head(name: str, *, version: str = "1.0.0", owner: str = OWNER, path: str | None = None) -> str:
    """The same, and the server: a CSV file each day, unless a path says otherwise."""
    return head(name, version=version, owner=owner) + LANDING.format(path=path or f"{name}/{name}_{{arrival:yyyy-MM-dd}}.csv")
