"""The form as one HTML file that works by itself: no request, no storage in the browser, answers saved as a file.

The same input gives the same bytes. The page is drawn once for a form, period and language; a respondent's file differs
in one block of data, so that hundreds are written in seconds.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.layout import FormMeta
from evaltoolkit.submissions.respondents import Respondent, list_respondents
from evaltoolkit.submissions.web_page import NAMES, page_data
from evaltoolkit.submissions.web_questions import Json, known_answers
from evaltoolkit.submissions.write import file_name
from evaltoolkit.territory.municipalities import VINTAGES, municipality_name

STYLES = ("style.css", "form.css")
SCRIPTS = ("form_rules.js", "form_page.js", "form_files.js", "form.js")
BLANK = "form"
# stands where a respondent's data come; no text of a page holds it
_MARK = "@@respondent@@"


@dataclass(frozen=True)
class WebForm:
    """A page drawn for a form, period and language, to be filled for respondents."""

    before: str
    after: str

    def make_out(self, respondent: Json) -> str:
        """Return the page with a respondent's data in it."""
        return self.before + embed(respondent) + self.after


def draw_form(framework: Framework, meta: FormMeta) -> WebForm:
    """Draw the page of a form; of the metadata, the respondent does not matter.

    Raises
    ------
    EvaltoolkitError
        The framework has no such form, or a sentence is missing from a catalogue.
    """
    from jinja2 import BaseLoader, Environment, StrictUndefined

    style = "\n".join(_page_file(name) for name in STYLES)
    script = "\n".join(_page_file(name) for name in SCRIPTS)
    template = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(_page_file("form.html.j2"))
    page = template.render(
        t=words(meta.language).say,
        language=meta.language,
        languages=[(language, NAMES[language]) for language in LANGUAGES],
        style=style,
        script=script,
        policy=(
            f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; "
            "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        data=embed(page_data(framework, meta)),
        mark=_MARK,
    )
    before, _, after = page.partition(_MARK)
    return WebForm(before, after)


def write_web_form(
    framework: Framework, meta: FormMeta, path: str | Path, *, values: pd.DataFrame | None = None, name: str = ""
) -> Path:
    """Write one form as an HTML file.

    Parameters
    ----------
    framework : Framework
    meta : FormMeta
    path : path
        An existing file is replaced.
    values : DataFrame, optional
        A table of values (:mod:`evaltoolkit.framework.values`) to fill in what is already known.
    name : str
        Name of the respondent; default: from the register.

    Raises
    ------
    EvaltoolkitError
        The framework has no such form, a member is no municipality, or the values answer a question twice.
    """
    respondent = _respondent(meta, name) | {"answers": known_answers(framework, meta, values)}
    return _write(Path(path), draw_form(framework, meta).make_out(respondent))


def write_web_forms(
    framework: Framework,
    out_dir: str | Path,
    *,
    period: str | int,
    language: str,
    respondents: pd.DataFrame,
    form: str = "starter",
    earlier: Sequence[str | int] = (),
    vintage: int = VINTAGES[-1],
    values: pd.DataFrame | None = None,
    agreement: bool = False,
) -> list[Path]:
    """Write one HTML form for each respondent, named ``<unit>_<period>_<language>.html``.

    Parameters as for :func:`evaltoolkit.submissions.write.write_templates`.

    Returns
    -------
    list of Path
        In the order of the respondents.

    Raises
    ------
    FaultsError
        Naming every fault of the table of respondents.
    EvaltoolkitError
        The framework has no such form, or two respondents would get the same file.
    """
    asked = list_respondents(respondents, language, vintage)
    metas = [_meta(framework, one, form, (str(period), earlier, vintage, agreement)) for one in asked]
    folder = Path(out_dir)
    paths = [(folder / file_name(meta)).with_suffix(".html") for meta in metas]
    _refuse_same(paths)
    folder.mkdir(parents=True, exist_ok=True)
    known = dict(tuple(values.groupby(["unit_kind", "unit"]))) if values is not None else {}
    drawn: dict[str, WebForm] = {}
    for meta, one, path in zip(metas, asked, paths, strict=True):
        if meta.language not in drawn:
            drawn[meta.language] = draw_form(framework, meta)
        answers = known_answers(framework, meta, known.get((meta.unit_kind, meta.unit)))
        _write(path, drawn[meta.language].make_out(_respondent(meta, one.name) | {"answers": answers}))
    return paths


def write_blank_web_form(
    framework: Framework,
    out_dir: str | Path,
    *,
    period: str | int,
    language: str,
    respondents: pd.DataFrame,
    form: str = "starter",
    earlier: Sequence[str | int] = (),
    vintage: int = VINTAGES[-1],
    agreement: bool = False,
) -> Path:
    """Write one HTML form for all: whoever fills it in chooses for whom; nothing is filled in beforehand.

    Returns
    -------
    Path
        ``form_<period>_<language>.html`` in the folder.

    Raises
    ------
    FaultsError
        Naming every fault of the table of respondents.
    """
    asked = list_respondents(respondents, language, vintage)
    metas = [_meta(framework, one, form, (str(period), earlier, vintage, agreement)) for one in asked]
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    own = replace(metas[0], unit=BLANK, language=language)
    choice = [_respondent(meta, one.name) for meta, one in zip(metas, asked, strict=True)]
    path = (folder / file_name(own)).with_suffix(".html")
    return _write(path, draw_form(framework, own).make_out({"choose": choice, "language": language, "answers": []}))


def embed(data: object) -> str:
    """Return data as JSON that can stand in a page: nothing in it can end the element around it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    # a respondent's name must not be taken for the mark
    return text.replace("@@", "@\\u0040")


def _meta(
    framework: Framework, one: Respondent, form: str, asked: tuple[str, Sequence[str | int], int, bool]
) -> FormMeta:
    period, earlier, vintage, agreement = asked
    return FormMeta(
        framework=framework.name,
        framework_version=framework.version,
        form=form,
        unit_kind=one.unit_kind,
        unit=one.unit,
        members=one.members,
        vintage=str(vintage),
        period=period,
        earlier=tuple(str(label) for label in earlier),
        language=one.language,
        agreement=agreement,
    )


def _respondent(meta: FormMeta, name: str) -> Json:
    """Return who fills in a form, with the names in every language."""
    return {
        "unit_kind": meta.unit_kind,
        "unit": meta.unit,
        "members": list(meta.members),
        "language": meta.language,
        "names": {language: name or _name_of(meta, language) for language in LANGUAGES},
        "member_names": {
            language: [municipality_name(code, language) for code in meta.members] for language in LANGUAGES
        }
        if meta.unit_kind == "livc_r"
        else {},
    }


def _name_of(meta: FormMeta, language: str) -> str:
    return (
        municipality_name(meta.unit, language)
        if meta.unit_kind == "municipality"
        else words(language).say("form.livc_r")
    )


def _refuse_same(paths: Sequence[Path]) -> None:
    seen: set[str] = set()
    for path in paths:
        # file systems differ in whether capitals count
        if path.name.lower() in seen:
            raise EvaltoolkitError(f"Two respondents would get the same file {path.name}. Give them different codes.")
        seen.add(path.name.lower())


def _write(path: Path, page: str) -> Path:
    path.write_text(page, encoding="utf-8", newline="\n")
    return path


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _page_file(name: str) -> str:
    return (resources.files("evaltoolkit") / "data" / "pages" / name).read_text(encoding="utf-8").strip()
