"""What may leave the house, by the rules of the disclosure room: estimates, averages and panels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from evaltoolkit.disclosure.gate import Gate
from evaltoolkit.disclosure.rules import Column, column_of
from evaltoolkit.findings import RefusedError
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.panels.panel import Panel

HIDDEN = "too few units of a sensitive indicator"
_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "p_value")


def open_to_public(frame: pd.DataFrame, indicator: Indicator | None) -> pd.DataFrame:
    """Return a table of estimates in which those that would tell a few units' values are NaN, with the reason.

    Parameters
    ----------
    frame : result of :meth:`evaltoolkit.effects.effects.Effects.to_frame`
    indicator : an indicator that is not sensitive is written as it is, and so is an evaluator's own measure (None)
    """
    if indicator is None or indicator.sensitivity == "none":
        return frame
    numbers = [name for name in _NUMBERS if name in frame.columns]
    table = frame[numbers].reset_index(drop=True)
    table["n_units"] = np.minimum(frame["n_treated"].to_numpy(), frame["n_comparison"].to_numpy())
    kinds = {name: Column("statistic", n_units="n_units") for name in numbers} | {"n_units": Column("count_other")}
    release = Gate().release("estimates", table, kinds, level="region")
    hidden = release.suppressed[numbers].any(axis=1).to_numpy()
    shown = frame.assign(**{name: release.data[name].to_numpy(dtype=float) for name in numbers})
    return shown.assign(reason=np.where(hidden, HIDDEN, frame["reason"]))


def write_panel(panel: Panel, framework: Framework, out: str | Path) -> Path:
    """Write a panel as CSV, with small counts of persons suppressed (``SUP``).

    Parameters
    ----------
    panel : Panel
    framework : says what each measure holds; a measure that it does not know is not written
    out : file to write; its folder is made where it does not exist

    Raises
    ------
    RefusedError
        If nothing may be written.
    """
    gate, path = Gate(), Path(out)
    base = panel.data.index.to_frame(index=False).astype(str)
    parts = [base]
    for name in panel.measures:
        indicator = framework.by_id.get(name)
        if indicator is not None and gate.rules.allows(indicator.sensitivity, indicator.level):
            parts.append(_released(panel, indicator, gate, base))
    if len(parts) == 1:
        raise RefusedError(
            "The panel is not written: the framework knows none of its measures, or all are too sensitive to be shown "
            "per unit. Use the reports and results instead."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(parts, axis=1).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    return path


def _released(panel: Panel, indicator: Indicator, gate: Gate, base: pd.DataFrame) -> pd.DataFrame:
    """Return a measure's columns as text, by the gate."""
    name = indicator.id
    counts = [column for column in (f"{name}.n", f"{name}.numerator") if column in panel.data.columns]
    table = panel.data[[name, *counts]].reset_index(drop=True).map(lambda x: float(f"{x:.10g}"))
    sensitive = indicator.sensitivity in ("small_cells", "high")
    count = Column("count_persons" if sensitive else "count_other", sensitivity=indicator.sensitivity)
    kinds = dict.fromkeys(counts, count)
    value = column_of(indicator, denominator=f"{name}.n" if f"{name}.n" in counts else "")
    if value.kind == "share" and not table[name].dropna().between(0, 1).all():
        # a mean score is no share; its number of respondents protects it
        value = Column("statistic", n_units=f"{name}.n")
    kinds |= {name: value, "unit": Column("code"), "period": Column("code")}
    frame = pd.concat([base.set_axis(["unit", "period"], axis=1), table], axis=1)
    release = gate.release(f"panel, {name}", frame, kinds, dims=("unit", "period"), level=indicator.level)
    return release.as_text()[[name, *counts]]
