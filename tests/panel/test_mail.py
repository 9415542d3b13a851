"""Messages as people read them: every kind of event, for everybody, in text, HTML and brief, whatever it is made of."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from flask import Flask
from werkzeug.routing import MapAdapter

from jobs.letter import Rendered
from jobs.notifiers.system import as_mail
from jobs.policy.digest import MOST_ENTRIES, PREFIX, digest, subject
from jobs.policy.failure import LeftOff
from jobs.policy.notify import OF_THE_HOST, Audience, Event, Kind
from jobs.policy.notify_words import MEANINGS, SHORT, TITLES
from jobs.policy.problems import CATALOGUE, problem
from panel.mail import LONGEST_BRIEF, render
from tests.jobs.notifiers.mail_server import letter

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOST, PANEL, RUN = "panel.example.com", "https://panel.example.com:2087", "2026-11-24T03:00:00.000Z"
HOSTILE = "<script>alert(1)</script>\r\nBcc: evil@b.example\x1b[31m\u202e{{ 7 * 7 }}"

CODES = {
    Kind.UNORDERED: "ca_refused", Kind.REDUCED: "reduced_coverage", Kind.INSTALL: "config_test_failed",
    Kind.SERVED: "served_other", Kind.TERMS: "terms_changed", Kind.PROVIDER: "ca_unreachable",
    Kind.HOST: "account_key_missing", Kind.DEFERRED: "deferred", Kind.BLOCKED: "coverage_blocked",
    Kind.FOREIGN: "foreign_invalid", Kind.UNCOVERED: "names_missing", Kind.INSTALLED: "issued", Kind.TEST: "",
}
EVERY = [(kind, audience) for kind in Kind for audience in Audience
         if audience is Audience.ADMIN or kind not in OF_THE_HOST]
every_event = pytest.mark.parametrize(("kind", "audience"), EVERY, ids=[f"{kind}, {who}" for kind, who in EVERY])


def named(words: str) -> tuple[LeftOff, ...]:
    return (
        LeftOff("www.shop.example", "dns_nxdomain", words), LeftOff("xn--mnchen-3ya.example", "http_status", words)
    )


def event(kind: Kind, words: str = "the CA said: no") -> Event:
    about = kind not in (Kind.PROVIDER, Kind.TERMS, Kind.HOST, Kind.TEST)
    return Event(
        kind, f"{kind}:1", CODES[kind], words, "alice" if about else "", "shop.example" if about else "",
        service="dovecot" if kind in (Kind.INSTALL, Kind.SERVED) else "" if about else "ca",
        names=named(words) if about and kind not in (Kind.INSTALLED, Kind.INSTALL) else (),
        covered=("shop.example", "xn--mnchen-3ya.example") if kind in (Kind.INSTALLED, Kind.UNCOVERED) else (),
        websites=0 if about else 12,
        ends_at=NOW + timedelta(days=20), until=NOW + timedelta(days=17), retry_at=NOW + timedelta(hours=1),
    )


def message(events: list[Event], audience: Audience, panel: str = PANEL) -> Rendered:
    return render(digest(events, audience, HOST, panel, RUN))


class Read(HTMLParser):
    """The words that a person sees, and the tags and links."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words, self.tags, self.links = "", set(), list[str]()
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]


def test_every_kind_has_its_words() -> None:
    assert set(CODES) == set(TITLES) == set(SHORT) == set(MEANINGS) == set(Kind)
    assert set(CODES.values()) - {""} <= set(CATALOGUE)


@every_event
def test_an_event_is_told_in_text_and_in_html(kind: Kind, audience: Audience) -> None:
    happened = event(kind)
    found = message([happened], audience)
    for text in (found.text, Read(found.html).words):
        assert f"AutoSSL on {HOST}" in text and TITLES[kind] in text
        assert "undefined" not in text.lower() and "None" not in text and "{{" not in text
        for left in happened.names:
            assert left.name in text
        assert "münchen.example" in text or not (happened.names or happened.covered)
        assert "2026-12-14 12:00 UTC" in text and "2026-11-24 13:00 UTC" in text
    assert found.brief.strip() and len(found.brief) <= LONGEST_BRIEF and TITLES[kind] in found.brief


@every_event
def test_a_remedy_is_told_in_the_words_for_who_reads_it(kind: Kind, audience: Audience) -> None:
    found = message([event(kind)], audience)
    remedies = [problem(CODES[kind]).remedy] if not event(kind).names else [problem("dns_nxdomain").remedy]
    if kind in (Kind.INSTALLED, Kind.TEST):
        assert "What to do" not in found.text
    else:
        assert "What to do" in found.text and "What to do" in found.html
        assert all((remedy in found.text) == (audience is Audience.ADMIN) for remedy in remedies)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
@pytest.mark.parametrize("audience", [Audience.OWNER, Audience.RESELLER])
def test_no_customer_reads_what_is_the_hosts_inside(code: str, audience: Audience) -> None:
    inside = "/etc/apache2/sites-enabled/mallory.conf line 7"
    happened = replace(event(Kind.UNORDERED), code=code, detail=f"{code} {inside}" if code.startswith("config") else "")
    found = message([happened], audience)
    for text in (found.text, found.html, found.brief):
        assert inside not in text and "`autossl" not in text and "config.toml" not in text


@every_event
def test_hostile_words_are_words_and_nothing_else(kind: Kind, audience: Audience) -> None:
    plain, hostile = event(kind), event(kind, HOSTILE)
    hostile = replace(hostile, website=hostile.website and f"x{HOSTILE}", account=hostile.account and HOSTILE,
                      service=hostile.service and HOSTILE, covered=tuple(HOSTILE for _ in hostile.covered),
                      names=tuple(LeftOff(HOSTILE, left.code, HOSTILE) for left in hostile.names))
    good, found = message([plain], audience), message([hostile], audience)
    assert Read(found.html).tags <= Read(good.html).tags | {"a"} and "script" not in Read(found.html).tags
    assert "49" not in found.text.replace("7 * 7", "")
    for text in (found.text, found.html, found.brief, subject([hostile], HOST)):
        assert "\x1b" not in text and "\u202e" not in text and "\r" not in text
        assert not re.search(r"^Bcc:", text, re.MULTILINE)
    if kind not in (Kind.HOST, Kind.TEST):
        assert "alert(1)" in found.text and "&lt;script&gt;" in found.html
    assert all(link.startswith(f"{PANEL}/") for link in Read(found.html).links)


@every_event
def test_a_subject_is_one_line_with_its_prefix(kind: Kind, audience: Audience) -> None:
    said = subject([event(kind)], HOST)
    assert said.startswith(f"{PREFIX} {HOST}: ") and said.isascii() and said.isprintable() and len(said) <= 150
    hostile = subject([replace(event(kind), website=HOSTILE, service=HOSTILE)], HOST + HOSTILE)
    assert hostile.startswith(f"{PREFIX} ") and hostile.isprintable() and len(hostile) <= 150
    mail = as_mail(letter(subject=hostile, body=message([event(kind)], audience)))
    head = mail.partition(b"\r\n\r\n")[0]
    assert f"Subject: {hostile}\r\n".encode() in head, "not folded"
    assert not re.search(rb"^Bcc:", head, re.MULTILINE) and mail.isascii()


def test_several_events_are_counted_in_the_subject() -> None:
    happened = [event(Kind.UNORDERED), event(Kind.TERMS), event(Kind.DEFERRED), event(Kind.INSTALLED)]
    assert subject(happened, HOST) == "[AutoSSL] panel.example.com: 2 failures, 1 warning, 1 success"


def test_the_worst_stands_first_and_the_most_urgent_first_in_it() -> None:
    late = replace(event(Kind.DEFERRED), website="late.example", ends_at=NOW + timedelta(days=30))
    found = message([event(Kind.INSTALLED), late, event(Kind.DEFERRED), event(Kind.UNORDERED)], Audience.ADMIN).text
    places = [found.index(words) for words in (TITLES[Kind.UNORDERED], TITLES[Kind.DEFERRED], "* shop.example\n",
                                               "* late.example", TITLES[Kind.INSTALLED])]
    assert places[0] < places[1] < places[3] < places[4]


@pytest.mark.parametrize("audience", list(Audience))
def test_a_thousand_names_make_a_short_message_with_a_link(audience: Audience) -> None:
    words = "no such name " * 200
    names = tuple(LeftOff(f"name{number}.shop.example", "dns_nxdomain", words) for number in range(1000))
    one = replace(event(Kind.DEFERRED), names=names, covered=tuple(left.name for left in names), detail="x" * 10_000)
    found = message([one], audience)
    assert "and 995 more" in found.text and "and 995 more" in found.html and "and 990 more" in found.text
    assert len(found.text) < 10_000 and len(found.html) < 15_000
    many = [replace(one, key=str(number), website=f"shop{number}.example", names=names[number : number + 3])
            for number in range(1000)]
    found = message([*many, *(event(kind) for kind in Kind if audience is Audience.ADMIN)], audience)
    assert 0 < found.text.count(" * shop") <= MOST_ENTRIES
    assert re.search(r"and 9[89]\d more, which the panel shows", found.text)
    assert len(found.text) < 100_000 and len(found.html) < 150_000 and len(found.brief) <= LONGEST_BRIEF
    assert f"{PANEL}/" in found.text


def test_without_a_name_of_the_panel_there_is_no_link() -> None:
    for audience in Audience:
        found = message([event(Kind.DEFERRED), event(Kind.INSTALLED)], audience, panel="")
        assert "http" not in found.text and "href" not in found.html and "which the panel shows" not in found.text


@pytest.mark.parametrize("audience", list(Audience))
def test_every_link_leads_to_a_page_that_there_is(app: Flask, audience: Audience) -> None:
    found = message([event(Kind.DEFERRED), event(Kind.TERMS) if audience is Audience.ADMIN else event(Kind.INSTALLED)],
                    audience)
    links = {*Read(found.html).links, *re.findall(r"https://\S+", found.text)}
    routes: MapAdapter = app.url_map.bind("panel.example.com")
    pages = {routes.match(link.removeprefix(PANEL))[0] for link in links}
    assert "status.names" in pages or "status.show" in pages, pages
    assert ("logs.view" in pages) == ("options.show" in pages) == (audience is Audience.ADMIN)


def test_no_template_of_mail_marks_anything_as_safe_or_loads_anything_from_elsewhere() -> None:
    folder = Path(__file__).resolve().parents[2] / "templates" / "mail"
    assert {path.name for path in folder.iterdir()} == {"digest.txt", "digest.html", "digest.brief"}
    for path in folder.iterdir():
        text = path.read_text()
        assert "|safe" not in text.replace(" ", "") and "autoescape" not in text
        assert "src=" not in text and "<link" not in text and "<script" not in text and "@import" not in text


def test_what_a_template_needs_and_does_not_get_is_an_error() -> None:
    content = digest([event(Kind.DEFERRED)], Audience.ADMIN, HOST, PANEL, RUN)
    del content["host"]
    with pytest.raises(jinja2.UndefinedError):
        render(content)
