"""The main program of the UI's process: Dagster's own web server, with the guard in front of its application. `serving.py` starts it.

What the guard has to know comes by standard input, in a line: arguments and environments are shown to others, and handed on to runs.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from assay.cli.serving_child import end_with_parent
from assay.cli.web_guard import Guard, Rules
from assay.cli.web_peers import user_of
from assay.cli.web_token import Entry

if TYPE_CHECKING:
    from collections.abc import Collection

    from graphql import ASTValidationRule

ROOT = 0  # it can do everything anyhow, and relays connections in some virtual machines


@dataclass(frozen=True, slots=True)
class Asked:
    """What `assay serve` was asked for, as far as the guard must know it."""

    names: tuple[str, ...]
    cookie: str
    token: str
    knows_users: bool
    read_only: bool

    def to_json(self) -> bytes:
        """As standard input says it."""
        return f"{json.dumps(asdict(self))}\n".encode()

    @property
    def rules(self) -> Rules:
        """Whom to let in. A token says more of somebody than who they are: with one, other users may come."""
        whose = user_of if self.knows_users and not self.token else None
        return Rules(frozenset(self.names), Entry(self.token, self.cookie), frozenset((os.geteuid(), ROOT)), whose, self.read_only)


def main() -> None:
    """Serve until a signal comes."""
    from dagster_webserver import cli
    from dagster_webserver.webserver import DagsterWebserver

    rules = Asked(**json.loads(sys.stdin.readline())).rules
    end_with_parent()

    class Webserver(DagsterWebserver[Any, Any]):
        def build_graphql_validation_rules(self) -> Collection[type[ASTValidationRule]]:
            found = super().build_graphql_validation_rules()
            return [*found, _only_showing()] if rules.read_only else found

    def create_app(*arguments: Any, **of_starlette: Any) -> Guard:  # noqa: ANN401  # handed on as they are
        return Guard(Webserver(*arguments).create_asgi_app(**of_starlette), rules)

    # There is no public way to put something before the application. Whoever starts this process asks it for what only the guard refuses.
    vars(cli)["create_app_from_workspace_process_context"] = create_app
    cli.dagster_webserver(args=sys.argv[1:], prog_name="assay serve")


def _only_showing() -> type[ASTValidationRule]:
    """A rule of GraphQL by which no document is valid that changes anything: Dagster's read-only mode refuses most of them itself."""
    from graphql import ASTValidationRule, GraphQLError, OperationDefinitionNode, OperationType

    class OnlyShowing(ASTValidationRule):
        def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
            if node.operation is OperationType.MUTATION:
                self.report_error(GraphQLError("This server only shows: it was started with --read-only.", node))

    return OnlyShowing


if __name__ == "__main__":
    main()
