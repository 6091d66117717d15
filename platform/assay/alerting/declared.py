"""What `alerts.yaml` declares: the sinks, which messages each gets, and from which share on rows in quarantine are news.

The file lies beside the contracts. Every fault of it has its line. Secrets are named by where they are (`env:`, `file:`), never written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.alerting.alert import Kind
from assay.alerting.mailing import OWNER, PLAIN, PORTS, STARTTLS, Mail
from assay.alerting.posting import LOOPBACK, Slack, Webhook, url_fault
from assay.alerting.sinks import LogSink, Sink, Wanted
from assay.contracts.documents.document import Document, Finding
from assay.contracts.language.names import suggest
from assay.errors import SettingsError
from assay.settings import SecretReference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from assay.contracts.documents.document import Place

FILE = "alerts.yaml"
TOP = ("product", "link", "quarantineShare", "sinks")
EVERY = ("name", "type", "kinds", "datasets")
OWN = {
    "log": (),
    "webhook": ("url", "secret"),
    "slack": ("url",),
    "email": ("host", "port", "security", "username", "password", "from", "to"),
}
NEEDED = {"log": (), "webhook": ("url",), "slack": ("url",), "email": ("host", "from", "to")}
KINDS = tuple(str(kind) for kind in Kind if kind is not Kind.TRIAL)
PARTED = ("env:", "file:")
MOST_SINKS, PORT_NUMBERS = 20, range(1, 65536)


@dataclass(frozen=True, slots=True)
class Declared:
    """The sinks with what each wants, and the shares. `product` and `link` are empty where the file does not say them."""

    sinks: tuple[tuple[Sink, Wanted], ...] = ((LogSink(), Wanted()),)
    product: str = ""
    link: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)
    share: float | None = None

    def share_of(self, dataset: str) -> float | None:
        """From which share of a partition on rows in quarantine are news; None if they never are."""
        return self.shares.get(dataset, self.share)


def read_alerts(folder: Path, known: Collection[str]) -> tuple[Declared, list[Finding]]:
    """What is declared beside the contracts of a folder, and the faults of it; without a file, or with a fault, the log alone.

    `known` are the names of the datasets and models.
    """
    path = folder / FILE
    if not path.exists():
        return Declared(), []
    document = Document.load(path)
    findings = list(document.faults) or list(_faults(document, known))
    return (Declared(), findings) if findings else (_read(document.body), [])


def _faults(document: Document, known: Collection[str]) -> Iterator[Finding]:
    body = document.body
    yield from _strangers(document, body, TOP, ())
    for name in ("product", "link"):
        if not isinstance(body.get(name, ""), str):
            yield document.finding("expected a text", (name,))
    if isinstance(body.get("link"), str) and (fault := url_fault(body["link"])) and not fault.startswith("it is not https"):
        yield document.finding(fault, ("link",), "It is the address of the UI, such as https://assay.example.org.")
    yield from _share_faults(document, body.get("quarantineShare"), known)
    sinks = body.get("sinks")
    if not isinstance(sinks, list) or not sinks or len(sinks) > MOST_SINKS:
        yield document.finding(f"expected a list of 1 to {MOST_SINKS} sinks", ("sinks",), "Such as [{name: log, type: log}].")
        return
    seen = set[str]()
    for number, sink in enumerate(sinks):
        place: Place = ("sinks", number)
        if not isinstance(sink, dict):
            yield document.finding("expected a mapping", place)
            continue
        yield from _sink_faults(document, sink, place, known)
        if str(sink.get("name")) in seen:
            yield document.finding(f"two sinks are called {sink['name']!r}", (*place, "name"))
        seen.add(str(sink.get("name")))


def _share_faults(document: Document, said: object, known: Collection[str]) -> Iterator[Finding]:
    top: Place = ("quarantineShare",)
    shares: dict[Place, Any] = {(*top, str(name)): share for name, share in said.items()} if isinstance(said, dict) else {top: said}
    for place, share in shares.items():
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if share is not None and not (is_number and 0 < float(str(share)) < 1):
            yield document.finding(f"{share!r} is no share", place, "Give one between 0 and 1, such as 0.05.")
        if len(place) > 1 and place[1] not in known:
            yield document.finding(f"there is no dataset {place[1]!r}", place, suggest(place[1], known))


def _sink_faults(document: Document, sink: Mapping[str, Any], place: Place, known: Collection[str]) -> Iterator[Finding]:
    name, type_ = sink.get("name"), sink.get("type")
    if not isinstance(name, str) or not name:
        yield document.finding("a sink needs a name", place)
    if type_ not in OWN:
        yield document.finding(f"{type_!r} is no type of a sink", (*place, "type"), suggest(type_, OWN))
        return
    yield from _strangers(document, sink, (*EVERY, *OWN[type_]), place)
    for field_ in NEEDED[type_]:
        if not sink.get(field_):
            yield document.finding(f"a sink of the type {type_} needs {field_!r}", place)
    for field_, names in (("kinds", KINDS), ("datasets", tuple(known))):
        for one in _list(document, sink, field_, place):
            if isinstance(one, Finding):
                yield one
            elif one not in names:
                yield document.finding(f"{one!r} is not known", (*place, field_), suggest(one, names))
    yield from _text_faults(document, sink, place)
    if type_ == "email":
        yield from _mail_faults(document, sink, place)


def _text_faults(document: Document, sink: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    for field_ in ("url", "secret", "host", "username", "password", "from"):
        value = sink.get(field_)
        if value is None:
            continue
        if not isinstance(value, str) or not value.isprintable():
            yield document.finding("expected a text of one line", (*place, field_))
        elif field_ in ("secret", "password") or (field_ == "url" and sink["type"] == "slack"):
            try:
                SecretReference.parse(value, field_)
            except SettingsError as error:  # it may be the secret itself, so it is not repeated
                yield document.finding("it is no reference to a secret", (*place, field_), error.hint)
        elif field_ == "url" and not value.startswith(PARTED) and (fault := url_fault(value)):
            yield document.finding(fault, (*place, "url"), "Give one such as https://alerts.example.org/assay, or env:NAME.")


def _mail_faults(document: Document, sink: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    security = sink.get("security", STARTTLS)
    if security not in PORTS:
        yield document.finding(f"{security!r} is not known", (*place, "security"), suggest(security, PORTS))
    if security == PLAIN and sink.get("host") not in LOOPBACK:
        yield document.finding("without TLS only a server of this machine is used", (*place, "security"), "Say starttls or tls.")
    if (sink.get("username") is None) != (sink.get("password") is None):
        yield document.finding("a username and a password come together", (*place, "username" if "username" in sink else "password"))
    port = sink.get("port", PORTS[STARTTLS])
    if not isinstance(port, int) or isinstance(port, bool) or port not in PORT_NUMBERS:
        yield document.finding(f"{port!r} is no port", (*place, "port"))
    addresses = [*((sink["from"],) if sink.get("from") else ()), *_list(document, sink, "to", place)]
    for one in addresses:
        if isinstance(one, Finding):
            yield one
        elif one != OWNER and not _is_address(one):
            yield document.finding(
                f"{one!r} is no address of a mail", (*place, "to"), f"Give addresses, and {OWNER} for the contracts' owners."
            )


def _is_address(one: object) -> bool:
    name, _, host = one.rpartition("@") if isinstance(one, str) else ("", "", "")
    return bool(name and host) and isinstance(one, str) and one.isascii() and one.isprintable() and not set(one) & set(' ,;<>"()')


def _list(document: Document, sink: Mapping[str, Any], field_: str, place: Place) -> list[Any]:
    found = sink.get(field_, [])
    return found if isinstance(found, list) else [document.finding("expected a list", (*place, field_))]


def _strangers(document: Document, found: Mapping[str, Any], known: Collection[str], place: Place) -> Iterator[Finding]:
    for name in found:
        if name not in known:
            yield document.finding("nobody knows this field", (*place, str(name)), suggest(name, known))


def _read(body: Mapping[str, Any]) -> Declared:
    share = body.get("quarantineShare")
    shares = {name: float(one) for name, one in share.items()} if isinstance(share, dict) else {}
    return Declared(
        tuple((_sink(one), _wanted(one)) for one in body["sinks"]), body.get("product", ""), body.get("link", ""), shares,
        None if share is None or shares else float(str(share)),
    )  # fmt: skip


def _wanted(sink: Mapping[str, Any]) -> Wanted:
    return Wanted(frozenset(map(Kind, sink.get("kinds", ()))), frozenset(sink.get("datasets", ())))


def _sink(sink: Mapping[str, Any]) -> Sink:
    name = sink["name"]
    match sink["type"]:
        case "webhook":
            return Webhook(name, _address(sink["url"]), SecretReference.parse(sink["secret"], "secret") if "secret" in sink else None)
        case "slack":
            return Slack(name, _address(sink["url"]))
        case "email":
            security = sink.get("security", STARTTLS)
            password = SecretReference.parse(sink["password"], "password") if "password" in sink else None
            return Mail(
                name, sink["host"], sink["from"], tuple(sink["to"]), sink.get("port", PORTS[security]), security, sink.get("username", ""),
                password,
            )  # fmt: skip
        case _:
            return LogSink(name)


def _address(url: str) -> str | SecretReference:
    return SecretReference.parse(url, "url") if url.startswith(PARTED) else url
