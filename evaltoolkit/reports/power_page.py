"""What a declared study would find, as one page: its numbers, the power, curves over units and waves, the pre-test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Fact
from evaltoolkit.framework.scales import Scale, decimals_for
from evaltoolkit.i18n import words
from evaltoolkit.plans.declared import power_from_study, power_over
from evaltoolkit.plans.power import Power
from evaltoolkit.plans.pretrend import PretrendPower, TooFewToTestError, pretrend_power
from evaltoolkit.plans.study import Study
from evaltoolkit.plans.variants import OVER, Over, own_value, variants_of
from evaltoolkit.reports.figures import Mark, draw_curve
from evaltoolkit.reports.grids import ABSENT, Grid
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.pictures import Picture, picture_of, tick
from evaltoolkit.reports.prose import Prose

_PERCENT = Scale(100.0, "@unit.percentage_points", "@unit.percent", 1)
_SCALE = {
    "continuous": Scale(1.0, "@unit.number", "@unit.number", 4),
    "survey_share": _PERCENT,
    "yes_no": _PERCENT,
    "count": Scale(100.0, "@power.unit.rate", "@unit.percent", 1),
}


@dataclass(frozen=True)
class StudyPower:
    """Everything the page shows, computed; ``untested`` says which sentence stands where there is no ``pretrend``."""

    study: Study
    power: Power
    curves: dict[Over, pd.DataFrame]
    pretrend: PretrendPower | None
    untested: str = ""


def study_power(
    study: Study,
    *,
    draws: int = 2000,
    seed: int = 1,
    jobs: int = 1,
    advance: Callable[[], object] | None = None,
) -> StudyPower:
    """Compute the power of a study, curves over units, periods and starts, and the power of the pre-test.

    Parameters
    ----------
    study : Study
    draws, seed : of the simulations
    jobs : number of processes
    advance : called :func:`steps_of` times, for a progress bar
    """
    power = power_from_study(study, draws=draws, seed=seed)
    curves: dict[Over, pd.DataFrame] = {}
    for over in OVER:
        changes = variants_of(study, over)
        table = power_over(study, [change for _, change in changes], draws=draws, seed=seed, jobs=jobs, advance=advance)
        curves[over] = table.assign(value=[value for value, _ in changes])
    try:
        return StudyPower(study, power, curves, pretrend_power(study, draws=draws, seed=seed))
    except TooFewToTestError:
        return StudyPower(study, power, curves, None, "power.pretrend.few")
    except EvaltoolkitError:
        return StudyPower(study, power, curves, None, "power.pretrend.none")


def steps_of(study: Study) -> int:
    """Return how many studies are simulated for the curves."""
    return sum(len(variants_of(study, over)) for over in OVER)


def write_power_page(found: StudyPower, out: str | Path, *, language: str = "en") -> Path:
    """Write the power of a declared study as one self-contained HTML file.

    Parameters
    ----------
    found : StudyPower
        From :func:`study_power`.
    out : file to write; its folder is made where it does not exist
    language : {"nl", "fr", "de", "en"}

    Returns
    -------
    Path
    """
    prose = Prose(words(language))
    scale = study_scale(found.study)
    pictures = [picture for over in OVER if (picture := curve_picture(found, over, scale, prose)) is not None]
    text = render_page(
        "power.html.j2",
        prose,
        title=found.study.title or prose.say("power.title"),
        simulated=False,
        answer=_answer(found, scale, prose),
        power=None if found.power.reason else power_picture(found.power, scale, prose),
        curves=pictures,
        pretrend=_pretrend_sentences(found, scale, prose),
        pretrend_grid=None if found.pretrend is None else _pretrend_grid(found.pretrend, scale, prose),
        declared=declared_grid(found.study, prose),
        method=prose.say("power.method", draws=found.power.draws),
    )
    place = Path(out)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8", newline="\n")
    return place


def study_scale(study: Study) -> Scale:
    """In what the effects of a study are shown."""
    return _SCALE[study.outcome.kind]


def power_picture(power: Power, scale: Scale, prose: Prose) -> Picture:
    """Return the chance of finding an effect over its size as a picture."""
    effect = scale.factor * power.table["effect"].abs().to_numpy(float)
    chance = 100 * power.table["power"].to_numpy(float)
    digits = decimals_for(float(np.nanmax(effect)), most=scale.decimals)
    unit = prose.text(scale.difference)
    mde = prose.number(_two_figures(scale.factor * abs(power.mde)))
    drawing = draw_curve(
        effect,
        chance,
        x_label=prose.say("power.curve.x", unit=unit),
        y_label=prose.say("power.curve.y"),
        numbers=(tick(prose), tick(prose)),
        level=Mark(80.0, prose.say("power.curve.wanted")),
    )
    description = prose.say("power.curve.description", mde=mde, unit=unit)
    rows = tuple(
        (prose.number(one, digits), f"{prose.number(float(two), 0)} %") for one, two in zip(effect, chance, strict=True)
    )
    columns = (prose.say("power.curve.x", unit=unit), prose.say("power.curve.y"))
    return picture_of(
        drawing,
        name="power",
        title=prose.say("power.curve.title"),
        description=description,
        caption=description,
        grid=Grid(prose.say("power.curve.title"), columns, rows, texts=0),
    )


def curve_picture(found: StudyPower, over: Over, scale: Scale, prose: Prose) -> Picture | None:
    """Return the smallest effect found over units, periods or starts as a picture; None with fewer than two dots."""
    table = found.curves[over]
    value = table["value"].to_numpy(float)
    mde = scale.factor * table["mde"].abs().to_numpy(float)
    known = np.flatnonzero(np.isfinite(mde))
    if len(known) < 2:
        return None
    own = own_value(found.study, over)
    digits = decimals_for(float(np.nanmin(mde)), most=scale.decimals)
    unit = prose.text(scale.difference)
    drawing = draw_curve(
        value,
        mde,
        x_label=prose.say(f"power.over.{over}"),
        y_label=prose.say("power.over.y", unit=unit),
        numbers=(tick(prose), tick(prose)),
        own=Mark(float(own), prose.say("power.over.own")) if np.isfinite(mde[value == own]).any() else None,
    )
    first, last = known[0], known[-1]
    ends: dict[str, Fact] = {
        "unit": unit,
        "first": prose.number(float(value[first]), 0),
        "last": prose.number(float(value[last]), 0),
        "mde_first": prose.number(float(mde[first]), digits),
        "mde_last": prose.number(float(mde[last]), digits),
    }
    description = prose.say(f"power.over.{over}.description", ends)
    lacking = len(value) - len(known)
    rows = tuple(
        (
            prose.number(float(one), 0),
            prose.number(float(two), digits) if np.isfinite(two) else ABSENT,
            prose.say(str(reason)) if reason else "",
        )
        for one, two, reason in zip(value, mde, table["reason"], strict=True)
    )
    heads = (prose.say(f"power.over.{over}"), prose.say("power.over.y", unit=unit), prose.say("power.over.why"))
    return picture_of(
        drawing,
        name=f"over-{over}",
        title=prose.say(f"power.over.{over}.title"),
        description=description,
        caption=f"{description} {prose.say('power.over.lacking')}" if lacking else description,
        grid=Grid(prose.say(f"power.over.{over}.title"), heads, rows, texts=0),
    )


def declared_grid(study: Study, prose: Prose) -> Grid:
    """Return the numbers of a study file, by the names that stand in the file."""
    content = study.model_dump(exclude={"title"})
    rows = []
    for name, value in content.items():
        if isinstance(value, dict):
            rows += [(f"{name}.{inner}", _entry(one, prose)) for inner, one in value.items()]
        elif name == "cohorts":
            rows += [(f"cohorts.{one['start']}", prose.say("power.declared.cohort", one)) for one in value]
        elif value is not None:
            rows.append((name, _entry(value, prose)))
    heads = (prose.say("power.declared.name"), prose.say("power.declared.value"))
    return Grid(prose.say("power.declared"), heads, tuple(rows))


def _entry(value: object, prose: Prose) -> str:
    return prose.number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _answer(found: StudyPower, scale: Scale, prose: Prose) -> list[str]:
    power = found.power
    if power.reason:
        return [prose.say("report.feasibility.mde_unknown"), prose.say(power.reason)]
    mde = prose.number(_two_figures(scale.factor * abs(power.mde)))
    sentences = [prose.say("report.feasibility.mde", mde=mde, unit=prose.text(scale.difference))]
    return [*sentences, prose.say(f"power.sought.{found.study.sought}")]


def _pretrend_sentences(found: StudyPower, scale: Scale, prose: Prose) -> list[str]:
    pretrend = found.pretrend
    if pretrend is None:
        return [prose.say(found.untested)]
    numbers = {
        "drift": prose.number(_two_figures(scale.factor * pretrend.slope)),
        "bias": prose.number(_two_figures(scale.factor * abs(pretrend.bias))),
        "unit": prose.text(scale.difference),
    }
    sentences = [prose.say("power.pretrend.found", numbers)]
    if np.isfinite(found.power.mde):
        large = abs(pretrend.bias) >= abs(found.power.mde)
        sentences.append(prose.say("power.pretrend.blind" if large else "power.pretrend.sees"))
    return sentences


def _pretrend_grid(pretrend: PretrendPower, scale: Scale, prose: Prose) -> Grid:
    table = pretrend.table
    digits = decimals_for(scale.factor * pretrend.slope, most=scale.decimals + 1)
    unit = prose.text(scale.difference)
    rows = tuple(
        (
            prose.number(scale.factor * row["slope"], digits),
            f"{prose.number(100 * row['power'], 0)} %",
            prose.number(scale.factor * row["bias"], digits),
            prose.number(scale.factor * row["bias_if_passed"], digits)
            if np.isfinite(row["bias_if_passed"])
            else ABSENT,
        )
        for row in table.to_dict("records")
    )
    heads = tuple(prose.say(f"power.pretrend.{name}") for name in ("drift", "power", "bias", "passed"))
    return Grid(prose.say("power.pretrend.table", unit=unit), heads, rows, texts=0)


def _two_figures(value: float) -> float:
    return float(f"{value:.2g}")
