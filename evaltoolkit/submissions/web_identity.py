"""Whose answers a saved web form holds, and whether it may be read at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from evaltoolkit.findings import EvaltoolkitError, Fact, Finding, Where, nearest
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.extras import CONTACT_ROLES, MAX_MINUTES
from evaltoolkit.submissions.layout import FormMeta
from evaltoolkit.submissions.personal import find_in_number, find_personal
from evaltoolkit.submissions.personal_words import BARE, heading_kind
from evaltoolkit.submissions.web_json import numbers_in, texts_in
from evaltoolkit.submissions.web_questions import FORMAT, VERSION, Asked, Json, asked_in, shape_of
from evaltoolkit.territory.municipalities import VINTAGES, municipality_codes

TEXTS = ("framework", "framework_version", "form", "unit_kind", "unit", "vintage", "period", "language")
LISTS = ("members", "earlier")
KEYS = ("format", "version", *TEXTS, *LISTS, "agreement", "shape", "contact", "minutes", "answers")
_MAX_TEXT, _MAX_LIST, _MAX_ANSWERS = 100, 600, 20_000
# unknown entries of one object that are told: more would only cost time
MAX_STRANGERS = 50


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error
    """A file of which no answer is kept, with its findings and, where that is known, whose it is."""

    def __init__(self, findings: Iterable[Finding], meta: FormMeta | None = None, language: str = "en") -> None:
        super().__init__()
        self.findings = tuple(findings)
        self.meta = meta
        self.language = meta.language if meta else language


def language_of(data: object) -> str:
    """Return the language in which a file was filled in; English where it does not say."""
    told = data.get("language") if isinstance(data, dict) else None
    return told if isinstance(told, str) and told in LANGUAGES else "en"


def identify(data: object, framework: Framework, file: str) -> tuple[FormMeta, tuple[Finding, ...]]:
    """Return what the file says about itself, and what does not belong in it.

    Raises
    ------
    Refusal
        No saved web form; another version, framework or set of questions; metadata that cannot be right; no respondent.
    """
    language = language_of(data)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _refusal("web_form.not_a_form", file, language=language)
    meta = _meta(data, file)
    if data.get("version") != VERSION:
        raise _refusal("form.other_version", file, meta, version=str(data.get("version"))[:20])
    _check_framework(data, meta, framework, file)
    _check_unit(meta, file)
    minutes = data.get("minutes", 0)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 <= minutes <= MAX_MINUTES:
        raise _refusal("web_form.metadata", file, meta)
    where = Where(file, unit=meta.unit, period=meta.period)
    strangers = [key for key in data if key not in KEYS][:MAX_STRANGERS]
    found = [Finding("web_form.unknown_entry", "error", where, {"nearest": nearest_word(k, KEYS)}) for k in strangers]
    if data.get("contact", "") not in ("", *CONTACT_ROLES):
        found.append(Finding("contact.not_a_role", "question", replace(where, cell="contact")))
    return meta, tuple(found)


def about_of(data: Json) -> Json:
    """Return the role of who filled in and the minutes of work, each only where it was given and can be right."""
    contact, minutes = data.get("contact"), data.get("minutes")
    told: Json = {"contact": contact} if contact in CONTACT_ROLES else {}
    right = isinstance(minutes, int) and not isinstance(minutes, bool) and 0 <= minutes <= MAX_MINUTES
    return told | ({"minutes": minutes} if right else {})


def personal_findings(data: object, framework: Framework, file: str) -> tuple[Finding, ...]:
    """Return where the file holds personal data: at an answer by its question, elsewhere without a place."""
    answers = data.get("answers") if isinstance(data, dict) else None
    entries = answers if isinstance(answers, list) else []
    rest = {key: value for key, value in data.items() if key != "answers"} if isinstance(data, dict) else data
    found = []
    for entry in (rest, *entries) if isinstance(answers, list) else (data,):
        kind = _personal_kind(entry)
        if kind:
            found.append(Finding(f"personal.{kind}", "error", _where_of(entry, framework, file, language_of(data))))
    return tuple(found)


def label_of(asked: Asked, language: str) -> str:
    """Return the question as the form shows it, without its question mark: the id follows it in findings."""
    return asked.part.label.in_(language).rstrip("?\u00a0\u202f ")


def nearest_word(word: str, known: Iterable[str]) -> str:
    """Return the nearest known word, or an en dash."""
    return nearest(word[:_MAX_TEXT], known).partition('"')[2].rpartition('"')[0] or "–"


def _personal_kind(entry: object) -> str | None:
    kinds = [find_personal(text) for text in texts_in(entry)] + [find_in_number(number) for number in numbers_in(entry)]
    return next((kind for kind in kinds if kind), None) or _asked_kind(entry)


def _asked_kind(entry: object) -> str | None:
    """Return the kind of data that an entry of its own asks for by its name; the form writes no such entry."""
    if not isinstance(entry, dict):
        return None
    own = [str(key) for key, value in entry.items() if key not in KEYS and value not in ("", None)]
    kinds = (heading_kind(key).replace(BARE, "name") for key in own[:MAX_STRANGERS])
    return next((kind for kind in kinds if kind), None)


def _where_of(entry: object, framework: Framework, file: str, language: str) -> Where:
    """Name the question of an entry; only words of the framework are repeated."""
    if not isinstance(entry, dict):
        return Where(file)
    indicator = framework.by_id.get(str(entry.get("indicator")))
    if indicator is None or entry.get("part") not in indicator.part_ids:
        return Where(file)
    asked = Asked(indicator, indicator.part(str(entry["part"])), "")
    return Where(file, label_of(asked, language), f"{indicator.id}.{asked.part.id}", indicator.id)


def _refusal(code: str, file: str, meta: FormMeta | None = None, *, language: str = "en", **facts: Fact) -> Refusal:
    where = Where(file, unit=meta.unit if meta else "", period=meta.period if meta else "")
    return Refusal((Finding(code, "error", where, facts),), meta, language)


def _meta(data: Json, file: str) -> FormMeta:
    fault = _refusal("web_form.metadata", file, language=language_of(data))
    if not all(_is_plain(data.get(key)) for key in TEXTS) or not all(_is_list(data.get(key)) for key in LISTS):
        raise fault
    answers, agreement = data.get("answers"), data.get("agreement")
    if not isinstance(answers, list) or len(answers) > _MAX_ANSWERS or not isinstance(agreement, bool):
        raise fault
    try:
        lists: dict[str, tuple[str, ...]] = {key: tuple(data[key]) for key in LISTS}  # type: ignore[arg-type]
        return FormMeta(**{key: str(data[key]) for key in TEXTS}, **lists, agreement=agreement)  # type: ignore[arg-type]
    except EvaltoolkitError:
        raise fault from None


def _is_plain(text: object) -> bool:
    return isinstance(text, str) and len(text) <= _MAX_TEXT and text.isprintable()


def _is_list(texts: object) -> bool:
    return isinstance(texts, list) and len(texts) <= _MAX_LIST and all(_is_plain(text) for text in texts)


def _check_framework(data: Json, meta: FormMeta, framework: Framework, file: str) -> None:
    own = f"{framework.name} {framework.version}"
    if (meta.framework, meta.framework_version) != (framework.name, framework.version):
        form = f"{meta.framework} {meta.framework_version}"[:40]
        raise _refusal("form.other_framework", file, meta, form=form, framework=own)
    try:
        asked_in(framework, meta)
    except EvaltoolkitError:
        raise _refusal("web_form.metadata", file, meta) from None
    if data.get("shape") != shape_of(framework, meta):
        raise _refusal("web_form.other_questions", file, meta, framework=own)


def _check_unit(meta: FormMeta, file: str) -> None:
    """Check that a respondent was chosen, and the codes against the register where the form names a vintage of it."""
    if not meta.unit or not meta.members:
        raise _refusal("web_form.no_respondent", file, meta)
    unknown = list(_unknown_codes(meta))
    if unknown:
        raise _refusal("form.unknown_unit", file, meta, vintage=meta.vintage, count=len(unknown))


def _unknown_codes(meta: FormMeta) -> Iterator[str]:
    if not (meta.vintage.isascii() and meta.vintage.isdigit()) or int(meta.vintage) not in VINTAGES:
        return
    known = municipality_codes(int(meta.vintage))
    asked = (meta.unit, *meta.members) if meta.unit_kind == "municipality" else meta.members
    yield from (code for code in asked if code not in known)
