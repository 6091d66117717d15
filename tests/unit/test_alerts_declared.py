"""`alerts.yaml`: what it declares, and every fault of it with its line. A secret that was written into it is not repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assay.alerting.alert import Edge, Kind, Message, Part
from assay.alerting.declared import FILE, Declared, read_alerts
from assay.alerting.mailing import Mail
from assay.alerting.posting import Slack, Webhook
from assay.alerting.sinks import LogSink, Wanted
from assay.settings import SecretReference

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = ("sales", "stores")
GOOD = """\
product: market
link: https://assay.example.org
quarantineShare: {sales: 0.05}
sinks:
  - {name: log, type: log}
  - {name: on_call, type: webhook, url: "https://alerts.example.org/assay?team=1", secret: env:ALERTS_SECRET, kinds: [failed, clock]}
  - {name: team, type: slack, url: file:/run/secrets/slack, datasets: [sales]}
  - {name: owners, type: email, host: smtp.example.org, username: u, password: env:P, from: assay@example.org, to: [owner, a@example.org]}
"""


def read(folder: Path, text: str) -> tuple[Declared, list[str]]:
    (folder / FILE).write_text(text)
    declared, findings = read_alerts(folder, KNOWN)
    return declared, [str(one).partition(f"{FILE}:")[2] for one in findings]


def test_without_a_file_there_is_the_log_alone(tmp_path: Path) -> None:
    assert read_alerts(tmp_path, KNOWN) == (Declared(), [])
    assert [sink.type for sink, _ in Declared().sinks] == ["log"]


def test_sinks_of_every_type_are_read(tmp_path: Path) -> None:
    declared, faults = read(tmp_path, GOOD)
    assert faults == []
    everything = Wanted()
    assert declared.sinks == (
        (LogSink("log"), everything),
        (
            Webhook("on_call", "https://alerts.example.org/assay?team=1", SecretReference("env", "ALERTS_SECRET")),
            Wanted(frozenset((Kind.FAILED, Kind.CLOCK))),
        ),
        (Slack("team", SecretReference("file", "/run/secrets/slack")), Wanted(datasets=frozenset(("sales",)))),
        (
            Mail(
                "owners",
                "smtp.example.org",
                "assay@example.org",
                ("owner", "a@example.org"),
                587,
                username="u",
                password=SecretReference("env", "P"),
            ),
            everything,
        ),
    )
    assert (declared.product, declared.link, declared.share_of("sales"), declared.share_of("stores")) == (
        "market", "https://assay.example.org", 0.05, None,
    )  # fmt: skip
    assert read(tmp_path, "quarantineShare: 0.1\nsinks: [{name: log, type: log}]\n")[0].share_of("stores") == 0.1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("  - {name: log, type: log, url: x}", "9: sinks/4/url: nobody knows this field"),
        ("  - {name: log, type: log}", "9: sinks/4/name: two sinks are called 'log'"),
        ("  - {name: a, type: slak, url: env:X}", "9: sinks/4/type: 'slak' is no type of a sink. Did you mean slack?"),
        ("  - {name: a, type: slack}", "9: sinks/4: a sink of the type slack needs 'url'"),
        ("  - {name: a, type: slack, url: https://hooks.slack.example/T0/SECRET}", "9: sinks/4/url: it is no reference to a secret"),
        ("  - {name: a, type: webhook, url: http://elsewhere.example.org/}", "9: sinks/4/url: it is not https"),
        ("  - {name: a, type: webhook, url: https://u:SECRET@elsewhere.example.org/}", "9: sinks/4/url: it has a password in it"),
        ("  - {name: a, type: webhook, url: https://x.example.org, secret: SECRET}", "9: sinks/4/secret: it is no reference"),
        ("  - {name: a, type: webhook, url: https://x.example.org, kinds: [fialed]}", "9: sinks/4/kinds: 'fialed' is not known. Did you mean failed?"),
        ("  - {name: a, type: webhook, url: https://x.example.org, datasets: [sale]}", "9: sinks/4/datasets: 'sale' is not known. Did you mean sales?"),
        ("  - {name: a, type: email, host: h, from: a@b.org, to: [nobody]}", "9: sinks/4/to: 'nobody' is no address of a mail"),
        ('  - {name: a, type: email, host: h, from: a@b.org, to: ["a@b.org\\r\\nBcc: c@d.org"]}', "9: sinks/4/to: "),
        ("  - {name: a, type: email, host: h, from: a@b.org, to: [owner], security: none}", "9: sinks/4/security: without TLS"),
        ("  - {name: a, type: email, host: h, from: a@b.org, to: [owner], port: 0}", "9: sinks/4/port: 0 is no port"),
        ("  - {name: a, type: email, host: h, from: a@b.org, to: [owner], username: u}", "9: sinks/4/username: a username and a password"),
        ("  - {name: a, type: email, host: h, from: a@b.org, to: [owner], username: u, password: SECRET}", "9: sinks/4/password: it is no reference"),
        ("  - log", "9: sinks/4: expected a mapping"),
        ("sink: []", "9: sink: nobody knows this field. Did you mean sinks?"),
    ],
)  # fmt: skip
def test_a_fault_has_its_line_and_repeats_no_secret(tmp_path: Path, line: str, complaint: str) -> None:
    declared, faults = read(tmp_path, f"{GOOD}{line}\n")
    assert [fault for fault in faults if fault.startswith(complaint)], faults
    assert not any("SECRET" in fault for fault in faults)
    assert declared == Declared(), "half of a file is not used: who is told of what would be a matter of luck"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("quarantineShare: 5\nsinks: [{name: log, type: log}]", "1: quarantineShare: 5 is no share"),
        ("quarantineShare: {sale: 0.5}\nsinks: [{name: log, type: log}]", "1: quarantineShare/sale: there is no dataset 'sale'. Did you mean sales?"),
        ("link: nowhere\nsinks: [{name: log, type: log}]", "1: link: it is no address"),
        ("product: market", "1: sinks: expected a list of 1 to 20 sinks"),
        ("sinks: []", "1: sinks: expected a list"),
        ("- a", "1: expected a mapping"),
        ("a: [", "2: not YAML"),
        ("", "1: expected a mapping"),
    ],
)  # fmt: skip
def test_a_file_of_another_shape_says_so(tmp_path: Path, text: str, complaint: str) -> None:
    assert read(tmp_path, f"{text}\n")[1][0].startswith(complaint)


def test_a_sink_gets_what_it_wants_and_what_concerns_no_dataset() -> None:
    def about(kind: Kind, subject: str) -> Message:
        return Message(kind, Edge.BEGAN, "", (Part(subject, "", ""),))

    wanted = Wanted(frozenset((Kind.FAILED, Kind.CLOCK)), frozenset(("sales",)))
    assert wanted.has(about(Kind.FAILED, "bronze/sales"))
    assert wanted.has(about(Kind.CLOCK, ""))
    assert not wanted.has(about(Kind.FAILED, "bronze/stores"))
    assert not wanted.has(about(Kind.STALE, "silver/sales"))
