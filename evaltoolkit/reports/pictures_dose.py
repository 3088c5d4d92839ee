"""Pictures of effects by dose: at each level of it, and what more of it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.evaluations.evaluation import OutcomeResult
from evaltoolkit.findings import Fact
from evaltoolkit.framework.scales import scale_of
from evaltoolkit.reports.figures_shapes import draw_band
from evaltoolkit.reports.gate import open_to_public
from evaltoolkit.reports.grids import Grid, column_heads
from evaltoolkit.reports.pictures import Measure, Picture, picture_of, tick
from evaltoolkit.reports.pictures_effects import digits_of, interval_of, number_of
from evaltoolkit.reports.prose import Prose


def dose_picture(effects: Effects, measure: Measure, prose: Prose, *, part: str = "level") -> Picture | None:
    """Return the effect by dose with its band, or with ``part="slope"`` what more of it does; None where undefined.

    Parameters
    ----------
    effects : of the method ``dose``, over all periods
    measure : Measure
    prose : Prose
    part : {"level", "slope"}
    """
    frame = open_to_public(effects.to_frame(level=measure.level, band="simultaneous"), measure.indicator)
    rows = _dose_rows(frame, part)
    if effects.info.get("method") != "dose" or "event_time" in frame or rows.empty:
        return None
    factor = measure.scale.factor
    dose, estimate, low, high = (
        scale * rows[name].to_numpy(dtype=float)
        for scale, name in ((1.0, "dose"), (factor, "estimate"), (factor, "conf_low"), (factor, "conf_high"))
    )
    # per unit of the dose effects are small
    finer = replace(measure, scale=replace(measure.scale, decimals=measure.scale.decimals + (part == "slope")))
    digits = digits_of(np.column_stack([low, high]), finer, estimate)
    unit = prose.text(measure.scale.difference)
    facts: dict[str, Fact] = {
        "first": _amount(dose[0], prose),
        "last": _amount(dose[-1], prose),
        "low": prose.number(float(estimate[0]), digits, signed=True),
        "high": prose.number(float(estimate[-1]), digits, signed=True),
        "unit": unit,
    }
    kind = "single" if len(rows) == 1 else "one" if np.ptp(estimate) == 0 else "found"
    found = prose.say(f"report.dose.{part}.{kind}", facts)
    caption = [prose.say(f"report.dose.{part}.caption")]
    if np.isfinite(low).any():
        caption.append(prose.say("report.dose.band", level=round(100 * measure.level)))
    numbers = [number_of(value, digits, prose) for value in estimate]
    bounds = [interval_of(one, two, digits, prose) for one, two in zip(low, high, strict=True)]
    rows_shown = tuple((_amount(one, prose), two, three) for one, two, three in zip(dose, numbers, bounds, strict=True))
    return picture_of(
        draw_band(
            dose,
            estimate,
            low,
            high,
            x_label=prose.say("report.dose.x"),
            y_label=prose.say(f"report.dose.{part}.y", unit=unit),
            coloured=measure.coloured,
            number=tick(prose),
        ),
        name=f"{measure.anchor}-dose-{part}",
        title=prose.say(f"report.dose.{part}.alt", name=measure.name),
        description=found,
        caption=" ".join([*caption, found]),
        grid=Grid(
            prose.say(f"report.dose.{part}.alt", name=measure.name),
            (prose.say("report.dose.x"), *column_heads(prose, "estimate", "band")),
            rows_shown,
            texts=0,
        ),
    )


def _amount(dose: float, prose: Prose) -> str:
    return prose.number(float(f"{dose:.3g}"))


def _dose_rows(frame: pd.DataFrame, part: str) -> pd.DataFrame:
    """Rows with an estimate, by dose; a straight line has one slope, which holds at every dose."""
    rows = frame[frame["name"] == part]
    if rows.empty and part == "slope":
        doses = frame.loc[frame["name"] == "level", ["dose"]]
        rows = frame[frame["name"] == "mean slope"].drop(columns="dose").merge(doses, how="cross")
    kept: pd.DataFrame = rows[np.isfinite(rows["estimate"])].sort_values("dose", kind="stable")
    return kept


def dose_pictures(result: OutcomeResult, measure: Measure, prose: Prose) -> tuple[Picture, ...]:
    """Return level and slope by dose of an outcome whose plan asks about a dose; empty for every other."""
    if result.design is None or result.effects is None or result.effects.info.get("method") != "dose":
        return ()
    known = {name: result.effects.info[name] for name in ("curve", "assume") if name in result.effects.info}
    effects = estimate(result.design, "dose", **known, to="overall")
    # a level is no effect per unit of the dose
    plain = replace(measure, scale=scale_of(result.indicator, result.outcome.unit))
    found = (dose_picture(effects, plain, prose, part=part) for part in ("level", "slope"))
    return tuple(picture for picture in found if picture is not None)
