"""The report as one self-contained HTML file per language: no request, no script, no clock."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.reports.appendix import numbers_of
from evaltoolkit.reports.evidence import evidence_of
from evaltoolkit.reports.groups import short_label
from evaltoolkit.reports.joint import joint_part
from evaltoolkit.reports.pictures_effects import forest_picture
from evaltoolkit.reports.prose import Prose, prose_of
from evaltoolkit.reports.quality import GLOSSARY, deviations_of, limits_of, methods_of, origin_of, quality_of
from evaltoolkit.reports.sections import sections_of
from evaltoolkit.reports.theory import theory_picture
from evaltoolkit.worksheets.worksheet import Worksheet

if TYPE_CHECKING:
    from jinja2 import Environment


def write_report(
    evaluation: Evaluation, out_dir: str | Path, *, language: str, worksheet: Worksheet | None = None
) -> Path:
    """Write the report of an evaluation in one language, and beside it the page for the council.

    Parameters
    ----------
    evaluation : Evaluation
    out_dir : folder; made where it does not exist
    language : {"nl", "fr", "de", "en"}
    worksheet : Worksheet, optional
        Claims and tests (:func:`evaltoolkit.read_worksheet`); the report then puts numbers and evidence side by side.

    Returns
    -------
    Path
        ``report_<language>.html`` in the folder: one file that loads nothing, the same bytes for the same
        evaluation on one platform. ``council_<language>.html`` lies beside it; each links to the other.

    Raises
    ------
    EvaltoolkitError
        If the language is not offered, or a sentence is missing from its catalogue.
    """
    # the page for the council is made in the frame of this module
    from evaltoolkit.reports.council import write_council

    folder = Path(out_dir)
    text = render_report(evaluation, language, worksheet)
    write_council(evaluation, folder, language=language)
    path = folder / f"report_{language}.html"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def render_report(evaluation: Evaluation, language: str, worksheet: Worksheet | None = None) -> str:
    """Return the report as HTML."""
    prose = prose_of(evaluation, language)
    sections = sections_of(evaluation, prose)
    roles = [result.outcome.role for result in evaluation.outcomes]
    return render_page(
        "report.html.j2",
        prose,
        title=evaluation.plan.said_in(language).title,
        said=evaluation.plan.said_in(language),
        simulated=evaluation.plan.data.simulated,
        plan=evaluation.plan,
        scope=scope_sentence(evaluation, prose),
        sections=sections,
        primary=[s for s, role in zip(sections, roles, strict=True) if role == "primary"],
        secondary=[s for s, role in zip(sections, roles, strict=True) if role == "secondary"],
        guardrails=[s for s, role in zip(sections, roles, strict=True) if role == "guardrail"],
        harm_examined=evaluation.harm_examined,
        evidence=evidence_of(evaluation, [s.answer for s in sections], prose),
        forest=forest_picture(evaluation.outcomes, prose),
        theory=theory_picture(evaluation.plan, prose),
        methods=methods_of(evaluation, prose),
        numbers=numbers_of(evaluation, prose),
        joint=joint_part(evaluation, [s.answer for s in sections], worksheet, prose) if worksheet else None,
        quality=quality_of(evaluation, prose),
        limits=limits_of(evaluation, prose),
        deviations=deviations_of(evaluation, prose),
        origin=origin_of(evaluation, prose),
        glossary=GLOSSARY,
    )


def scope_sentence(evaluation: Evaluation, prose: Prose) -> str:
    """Say how many units were followed, and when."""
    panel = evaluation.panel
    code = f"report.scope.{panel.unit_kind}"
    return prose.say(
        code if prose.has(code) else "report.scope",
        units=len(panel.units),
        periods=len(panel.periods),
        first=short_label(panel.periods[0]),
        last=short_label(panel.periods[-1]),
    )


def render_page(template: str, prose: Prose, *, styles: tuple[str, ...] = ("style.css",), **context: Any) -> str:
    """Render a page template with its style sheets inlined and a policy that allows nothing else."""
    style = "\n".join(_page_file(name) for name in styles)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            t=prose.say,
            language=prose.language,
            style=style,
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            version=metadata.version("evaltoolkit"),
            **context,
        )
    )


def render_part(template: str, prose: Prose, **context: Any) -> str:
    """Render a part of a page: no style sheet, no frame."""
    return _environment().get_template(template).render(t=prose.say, language=prose.language, **context)


def _page_file(name: str) -> str:
    return (resources.files("evaltoolkit") / "data" / "pages" / name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_page_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
