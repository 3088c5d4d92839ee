"""The forms that officers fill in: one workbook for each respondent, period and language.

The same input gives the same bytes. Protection has no password: it guides, and the reader checks everything again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.i18n import words
from evaltoolkit.submissions.layout import FormMeta, Layout, layout_form
from evaltoolkit.submissions.master import Master, draw_master
from evaltoolkit.submissions.prefill import fill_cells
from evaltoolkit.submissions.respondents import list_respondents
from evaltoolkit.territory.municipalities import VINTAGES, municipality_name


def write_template(
    framework: Framework,
    meta: FormMeta,
    path: str | Path,
    *,
    values: pd.DataFrame | None = None,
    name: str = "",
    languages: Sequence[str] = (),
) -> Path:
    """Write one form.

    Parameters
    ----------
    framework : Framework
    meta : FormMeta
    path : path
        The workbook to write; an existing one is replaced.
    values : DataFrame, optional
        A table of values (:mod:`evaltoolkit.framework.values`) to fill in what is already known.
    name : str
        Name of the respondent on the first page; default: from the register.
    languages : sequence of {"nl", "fr", "de", "en"}
        Other languages to which the texts can be switched, see :mod:`~evaltoolkit.submissions.switch`.

    Returns
    -------
    Path

    Raises
    ------
    EvaltoolkitError
        The framework has no such form, or a member is no municipality.
    """
    layout = layout_form(framework, meta)
    master = draw_master(layout, _others(framework, meta, languages))
    book = master.make_out(layout, name or _name_of(meta), fill_cells(framework, layout, values))
    path = Path(path)
    path.write_bytes(book)
    return path


def write_templates(
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
    languages: Sequence[str] = (),
) -> list[Path]:
    """Write one form for each respondent, named ``<unit>_<period>_<language>.xlsx``.

    Parameters
    ----------
    framework : Framework
    out_dir : path
        Folder, made if it is not there.
    period : str or int
        Reporting period, for example 2025.
    language : {"nl", "fr", "de", "en"}
        For respondents without a ``language`` of their own.
    respondents : DataFrame
        Columns ``unit_kind``, ``unit``, ``members`` (codes of municipalities joined by ``;``) and, if wanted,
        ``name`` and ``language``.
    form : str
    earlier : sequence
        Up to five earlier periods.
    vintage : int
        Division of municipalities that the codes belong to.
    values : DataFrame, optional
        Known values of all respondents.
    agreement : bool
        There is a processing agreement: exact small counts are asked too.
    languages : sequence of {"nl", "fr", "de", "en"}
        Other languages to which the texts of each form can be switched. None by default: such a form is about
        twice as large, and its sheet titles and help texts stay in its own language.

    Returns
    -------
    list of Path
        In the order of the respondents.

    Raises
    ------
    FaultsError
        Naming every fault of the table of respondents.
    """
    labels = tuple(str(label) for label in earlier)
    asked = list_respondents(respondents, language, vintage)
    metas = [
        FormMeta(
            framework=framework.name,
            framework_version=framework.version,
            form=form,
            unit_kind=respondent.unit_kind,
            unit=respondent.unit,
            members=respondent.members,
            vintage=str(vintage),
            period=str(period),
            earlier=labels,
            language=respondent.language,
            agreement=agreement,
        )
        for respondent in asked
    ]
    folder = Path(out_dir)
    paths = [folder / file_name(meta) for meta in metas]
    _refuse_same(paths)
    folder.mkdir(parents=True, exist_ok=True)
    known = _by_unit(values, {meta.unit for meta in metas})
    drawn: dict[tuple[str, str], tuple[Layout, Master]] = {}
    for meta, respondent, path in zip(metas, asked, paths, strict=True):
        key = (meta.unit_kind, meta.language)
        if key not in drawn:
            first = layout_form(framework, meta)
            drawn[key] = (first, draw_master(first, _others(framework, meta, languages)))
        first, master = drawn[key]
        layout = first.readdress(meta)
        filling = fill_cells(framework, layout, known.get((meta.unit_kind, meta.unit)))
        path.write_bytes(master.make_out(layout, respondent.name or _name_of(meta), filling))
    return paths


def _others(framework: Framework, meta: FormMeta, languages: Sequence[str]) -> list[Layout]:
    chosen = dict.fromkeys(language for language in languages if language != meta.language)
    return [layout_form(framework, replace(meta, language=language)) for language in chosen]


def _by_unit(values: pd.DataFrame | None, units: set[str]) -> dict[object, pd.DataFrame]:
    if values is None:
        return {}
    return dict(tuple(values[values["unit"].isin(units)].groupby(["unit_kind", "unit"])))


def file_name(meta: FormMeta) -> str:
    """Return ``<unit>_<period>_<language>.xlsx``; what a file name cannot hold becomes ``-``."""
    unit, period = (re.sub(r"[^\w.-]+", "-", text) for text in (meta.unit, meta.period))
    return f"{unit}_{period}_{meta.language}.xlsx"


def _refuse_same(paths: Sequence[Path]) -> None:
    seen: set[str] = set()
    for path in paths:
        # file systems differ in whether capitals count
        if path.name.lower() in seen:
            raise EvaltoolkitError(f"Two respondents would get the same file {path.name}. Give them different codes.")
        seen.add(path.name.lower())


def _name_of(meta: FormMeta) -> str:
    if meta.unit_kind == "municipality":
        return municipality_name(meta.unit, meta.language)
    return words(meta.language).say("form.livc_r")
