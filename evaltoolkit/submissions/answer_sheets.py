"""The sheets that officers fill in: the reporting period with its explanation, and the earlier periods."""

from __future__ import annotations

from evaltoolkit.i18n import Words
from evaltoolkit.submissions.entries import unit_text
from evaltoolkit.submissions.grid import Grid
from evaltoolkit.submissions.heights import text_height
from evaltoolkit.submissions.layout import (
    ANSWER_COLUMN,
    ANSWERS_TOP,
    EARLIER_COLUMN,
    EARLIER_TOP,
    STATUS_CODES,
    STATUS_COLUMN,
    Block,
    Line,
    status_label,
)

# Column widths in characters; all columns share the width of a landscape page of A4.
ANSWER_WIDTHS = (5, 31, 16, 13, 20, 43, 27, 27, 23, 25)
QUESTION_WIDTHS = (5, 37)
PAIR_WIDTHS = (15, 15)
_HEADS = ("number", "question", "answer", "unit", "status", "definition", "counted", "not_counted", "why", "seen")
_UNIT_COLUMN, _EXPLANATION_COLUMN = 4, 6
_BAND_HEIGHT, _LINE_HEIGHT, _OPTION_HEIGHT = 22.0, 30.0, 18.0


def draw_answers(grid: Grid, title: str) -> None:
    """Draw question, answer, unit, status and, beside them, what counts and what does not."""
    say = grid.words.say
    _draw_top(grid, title, say("form.answers.hint"), ANSWER_WIDTHS)
    grid.set_height(ANSWERS_TOP, 32)
    for column, head in enumerate(_HEADS, 1):
        facts = {"period": grid.layout.meta.period} if head == "answer" else {}
        grid.text(ANSWERS_TOP, column, say(f"form.column.{head}", **facts), "head")
    for block in grid.blocks:
        grid.band(block, len(ANSWER_WIDTHS))
        grid.set_height(block.band_row, _BAND_HEIGHT)
        explanation = explain(block, grid.words)
        for line, height in zip(block.lines, _explained_heights(block, explanation, grid.words), strict=True):
            grid.set_height(line.row, height)
            grid.question(line)
            grid.entries(block, line, ANSWER_COLUMN, STATUS_COLUMN)
            grid.text(line.row, _UNIT_COLUMN, _unit(block, line, grid.words), "note")
        for column, text in enumerate(explanation, _EXPLANATION_COLUMN):
            grid.merge((block.lines[0].row, column), (block.lines[-1].row, column), text, "body")
    grid.warn(ANSWER_COLUMN, STATUS_COLUMN)
    grid.validate()


def draw_earlier(grid: Grid, title: str) -> None:
    """Draw one answer and one status for each earlier period."""
    say, periods = grid.words.say, grid.layout.meta.earlier
    columns = [EARLIER_COLUMN + 2 * place for place in range(len(periods))]
    widths = (*QUESTION_WIDTHS, *(PAIR_WIDTHS * len(periods)))
    _draw_top(grid, title, _earlier_hint(grid), widths)
    for column, head in enumerate(("number", "question"), 1):
        grid.merge((EARLIER_TOP - 1, column), (EARLIER_TOP, column), say(f"form.column.{head}"), "head")
    for column, period in zip(columns, periods, strict=True):
        grid.merge((EARLIER_TOP - 1, column), (EARLIER_TOP - 1, column + 1), period, "head_center")
        grid.text(EARLIER_TOP, column, say("form.column.earlier"), "head")
        grid.text(EARLIER_TOP, column + 1, say("form.column.status"), "head")
    for block in grid.blocks:
        grid.band(block, len(widths))
        grid.set_height(block.band_row, _BAND_HEIGHT)
        for line in block.lines:
            grid.set_height(line.row, line_height(line, grid.words, QUESTION_WIDTHS[1], PAIR_WIDTHS))
            grid.question(line)
            for column in columns:
                grid.entries(block, line, column, column + 1)
    for column in columns:
        grid.warn(column, column + 1)
    grid.validate()


def _earlier_hint(grid: Grid) -> str:
    sheets = [grid.layout.titles[sheet] for sheet in grid.layout.answer_sheets]
    if len(sheets) == 1:
        return grid.words.say("form.earlier.hint", sheet=sheets[0])
    return grid.words.say("form.earlier.hint.sheets", first=sheets[0], last=sheets[-1])


def explain(block: Block, words: Words) -> tuple[str, ...]:
    """Return definition with pitfalls, counted and not-counted example, why it is asked, and who sees the answer."""
    indicator = block.indicator
    texts = indicator.text.in_(words.language)
    attention = f"\n{words.say('form.attention', text=texts.pitfalls)}" if texts.pitfalls else ""
    seen = words.say(f"seen.{indicator.sensitivity}")
    # what is said about an ordinary answer stands on the first sheet
    entry = f"\n{words.say(f'entry.{indicator.entry}')}" if indicator.entry != "open" else ""
    return texts.definition + attention, texts.counted, texts.not_counted, texts.why, seen + entry


def line_height(line: Line, words: Words, question_width: float, pair: tuple[float, float]) -> float:
    """Return the height that shows question, longest choice and longest status in full."""
    if line.option:
        return max(_OPTION_HEIGHT, text_height(line.option.label.in_(words.language), question_width - 4))
    needs = [_LINE_HEIGHT, text_height(line.part.label.in_(words.language), question_width - 2, bold=not line.field)]
    # a drop-down button and the border and the indent take one to three characters
    needs += [text_height(status_label(code, words.language), pair[1] - 2, size=9) for code in STATUS_CODES]
    if line.part.type == "choice":
        needs += [text_height(option.label.in_(words.language), pair[0] - 3) for option in line.part.options]
    return max(needs)


def _explained_heights(block: Block, explanation: tuple[str, ...], words: Words) -> list[float]:
    """Return the heights of a block's lines; together they leave room for the explanation beside them."""
    pair = (ANSWER_WIDTHS[ANSWER_COLUMN - 1], ANSWER_WIDTHS[STATUS_COLUMN - 1])
    heights = [
        max(
            line_height(line, words, ANSWER_WIDTHS[1], pair),
            text_height(_unit(block, line, words), ANSWER_WIDTHS[_UNIT_COLUMN - 1] - 2, size=9),
        )
        for line in block.lines
    ]
    widths = ANSWER_WIDTHS[_EXPLANATION_COLUMN - 1 :]
    needed = max(text_height(text, width - 2) for text, width in zip(explanation, widths, strict=True))
    missing = max(0.0, needed - sum(heights)) / len(heights)
    return [height + missing for height in heights]


def _unit(block: Block, line: Line, words: Words) -> str:
    return "" if line.option else unit_text(block.indicator, line.part, words)


def _draw_top(grid: Grid, title: str, hint: str, widths: tuple[float, ...]) -> None:
    grid.set_widths(widths)
    grid.text(1, 1, title, "sheet_title")
    grid.text(2, 1, hint, "hint")
    grid.set_height(1, 28)
    grid.set_height(2, 18)
