"""What the admin's pages say: translated, without script or style in the page, and readable without seeing it."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.template import Engine
from django.urls import reverse
from django.utils import translation
from office import Office, id_of, page, text_of

import ownership_django
from ownership_core.service.refusals import SENTENCES
from ownership_django.admin.words import REFUSALS

HERE = Path(ownership_django.__file__).parent
CATALOGUE = HERE / "locale/de/LC_MESSAGES/django"
_TEXT = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'


def _joined(quoted: str) -> str:
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"', quoted)
    return "".join(parts).replace("\\n", "\n").replace('\\"', '"')


def _entries() -> Iterator[tuple[str, list[str]]]:
    """Each text of the catalogue with its translations."""
    for block in CATALOGUE.with_suffix(".po").read_text(encoding="utf-8").split("\n\n")[1:]:
        said = re.search(rf"^msgid {_TEXT}", block, re.MULTILINE)
        assert said is not None, block
        yield (
            _joined(said[1]),
            [_joined(one) for one in re.findall(rf"^msgstr(?:\[\d\])? {_TEXT}", block, re.MULTILINE)],
        )


def test_every_text_is_translated_and_compiled() -> None:
    """The catalogue has no gap, and what Django reads is made from it."""
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for said, translations in _entries():
        assert all(translations), said
        if len(translations) == 1:
            assert compiled.gettext(said) == translations[0]
        else:
            assert compiled.ngettext(said, "", 1) == translations[0]
            assert compiled.ngettext(said, "", 2) == translations[1]


def test_every_text_of_the_templates_is_in_the_catalogue() -> None:
    """Whatever a page says can be said in German."""
    known = {said for said, _ in _entries()}
    for template in (HERE / "templates").rglob("*.html"):
        for said in re.findall(r'{% translate "([^"]*)" %}', template.read_text(encoding="utf-8")):
            assert said in known, (template.name, said)


def test_every_text_of_the_code_is_in_the_catalogue() -> None:
    """Whatever the pages' code says can be said in German."""
    known = {said for said, _ in _entries()}
    for module in (HERE / "admin").glob("*.py"):
        source = module.read_text(encoding="utf-8")
        for said in re.findall(r'(?:gettext_lazy|gettext|\b_)\(\s*"((?:[^"\\]|\\.)*)"\s*[,)]', source):
            assert said in known, (module.name, said)


def test_every_refusal_of_the_core_can_be_translated() -> None:
    """Word for word, so that the catalogue finds it."""
    assert {code: what for code, (what, _hint) in SENTENCES.items()} == {
        code: str(what) for code, what in REFUSALS.items()
    }
    with translation.override("de"):
        assert not {str(what) for what in REFUSALS.values()} & {what for what, _hint in SENTENCES.values()}


def test_templates_hold_no_script_and_no_style() -> None:
    """Nothing that a strict Content-Security-Policy would stop, and no data trusted to be HTML."""
    for template in (HERE / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|\|\s*safe\b|autoescape", text), template
        Engine().from_string(re.sub(r"{%.*?%}", "", text))


class _Reader(HTMLParser):
    """Gathers what somebody who listens to a page needs."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.headings: list[int] = []
        self.labelled: set[str] = set()
        self.fields: list[str] = []
        self.ids: list[str] = []
        self.referred: set[str] = set()

    def handle_starttag(self, tag: str, raw: list[tuple[str, str | None]]) -> None:
        attrs = dict(raw)
        if "id" in attrs:
            self.ids.append(attrs["id"] or "")
        self.referred |= set((attrs.get("aria-labelledby") or "").split())
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "label":
            self.labelled.add(attrs.get("for") or "")
        if tag in ("select", "textarea") or (tag == "input" and attrs.get("type") not in ("hidden", "submit")):
            self.fields.append(attrs.get("id") or "")
        if tag == "nav" and not (attrs.get("aria-label") or attrs.get("aria-labelledby")):
            self.wrong.append("a nav without a name")
        if tag == "th" and "ownership" in str(attrs.get("class")) and not attrs.get("scope"):
            self.wrong.append("a th without a scope")


@pytest.mark.django_db
def test_pages_can_be_listened_to() -> None:
    """One first heading and no step left out, a label for every field, unique ids, names that exist."""
    office = Office()
    mara, here = office.browser("mara"), id_of("adler")
    planned = mara.post(page("ownership_change", here, "set-primary"), {"staff": "tom"}, follow=True)
    pages: dict[str, Any] = {
        "change": mara.get(page("ownership_change", here, "set-primary")),
        "plan": planned,
        "why": mara.get(page("ownership_why", here), {"staff": "tom", "action": "view"}),
        "history": mara.get(page("ownership_history", here)),
        "hand over": mara.get(page("ownership_change", here, "hand-over")),
    }
    mara.post(planned.redirect_chain[-1][0])
    run = mara.get(page("ownership_runs")).context["rows"][0]["id"]
    anna, leaver = office.browser("anna"), User.objects.get(username="tom").pk
    User.objects.get(username="anna").user_permissions.add(*Permission.objects.filter(codename__contains="_user"))
    pages |= {
        "runs": mara.get(page("ownership_runs")),
        "run": mara.get(page("ownership_run", run)),
        "taking back": mara.post(page("ownership_run", run), follow=True),
        "staff": anna.get(reverse("admin:auth_user_ownership", args=[leaver])),
        "leaving": anna.post(reverse("admin:auth_user_delete", args=[leaver]), {"post": "yes"}),
    }
    for name, response in pages.items():
        text = text_of(response)
        body = text[text.index('<div id="content"') :]
        read = _Reader()
        read.feed(body)
        assert read.wrong == [], name
        assert read.headings.count(1) == 1, name
        assert all(after - before <= 1 for before, after in zip(read.headings, read.headings[1:], strict=False)), name
        assert set(read.fields) <= read.labelled, name
        assert len(read.ids) == len(set(read.ids)), name
        assert read.referred <= set(read.ids), name
        assert body.count("<table") == body.count("<caption"), name
        assert not re.search(r"<th(?![^>]*scope=)[\s>]", body), name


@pytest.mark.django_db
def test_pages_speak_german() -> None:
    """Whatever language Django gives the request."""
    office = Office()
    mara = office.browser("mara")
    with translation.override("de"):
        text = text_of(mara.get(page("ownership_change", id_of("adler"), "remove")))
    assert "<h1>Mitarbeiter entfernen</h1>" in text
    assert "Plan anzeigen" in text
