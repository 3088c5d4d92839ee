"""The page of a worksheet: claims, tests with what was seen, conclusions, and what would change them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import words
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.worksheet_words import claim_part, conclusion_sentences, typed
from evaltoolkit.worksheets.judge import Judgement, judge_worksheet
from evaltoolkit.worksheets.layout import percent_range
from evaltoolkit.worksheets.rules import scale, threshold
from evaltoolkit.worksheets.worksheet import Worksheet

_KINDS = ("straw", "hoop", "smoking_gun", "doubly_decisive")


def write_worksheet_page(
    worksheet: Worksheet | Judgement, out: str | Path, *, language: str = "", steps: Sequence[str] = ()
) -> Path:
    """Write a worksheet with its conclusions as one self-contained HTML file.

    Parameters
    ----------
    worksheet : Worksheet or Judgement
    out : path
        File to write, ``.html``; its folder is made where it does not exist.
    language : {"nl", "fr", "de", "en"}
        Default: the worksheet's own. What people typed stays as they typed it.
    steps : sequence of str
        The plan's theory of change, for claims that name their step by number.

    Raises
    ------
    EvaltoolkitError
        Another ending, or a language that is not offered.
    """
    out = Path(out)
    if out.suffix.lower() != ".html":
        raise EvaltoolkitError(f'"{out}" does not end in .html: give the file to write such a name.')
    judgement = worksheet if isinstance(worksheet, Judgement) else judge_worksheet(worksheet)
    text = render_worksheet(judgement, language or judgement.worksheet.language, steps)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8", newline="\n")
    return out


def render_worksheet(judgement: Judgement, language: str, steps: Sequence[str] = ()) -> str:
    """Return the page as HTML."""
    prose = Prose(words(language))
    worksheet = judgement.worksheet
    parts = [claim_part(number, reading, steps, prose) for number, reading in enumerate(judgement.claims, 1)]
    return render_page(
        "worksheet.html.j2",
        prose,
        title=prose.say("worksheet.page.title", unit=typed(worksheet.unit)),
        period=prose.say("worksheet.page.period", period=typed(worksheet.period)),
        simulated=False,
        worksheet=worksheet,
        parts=parts,
        reach=reach_sentence(judgement, prose),
        kinds=_KINDS,
        words=[(prose.say(f"worksheet.scale.{word}"), percent_range(word)) for word in scale()],
        decisive=round(threshold("decisive")),
        support=round(threshold("support")),
    )


def say_worksheet(judgement: Judgement, language: str) -> list[str]:
    """Return each claim's conclusion as a line of text, then how far down the chain the evidence reaches."""
    prose = Prose(words(language))
    lines = []
    for reading in judgement.claims:
        conclusion = prose.say(f"worksheet.conclusion.{reading.conclusion}")
        lines.append(f"{reading.claim.statement} – {conclusion}. {' '.join(conclusion_sentences(reading, prose))}")
    return [*lines, reach_sentence(judgement, prose)]


def reach_sentence(judgement: Judgement, prose: Prose) -> str:
    """Say how far down the chain of claims the evidence reaches."""
    count = len(judgement.claims)
    if judgement.reach == 0:
        return prose.say("worksheet.page.reach_none")
    code = "worksheet.page.reach_all" if judgement.reach == count else "worksheet.page.reach"
    return prose.say(code, reach=judgement.reach, count=count)
