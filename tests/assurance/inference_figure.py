"""The study of inference as one figure: rejection of a true null hypothesis, the usual test beside what the rule takes.

Run it after the study (``make assurance``); it draws what stands in ``inference.csv`` and computes nothing else.
"""

from pathlib import Path

import matplotlib as mpl
import pandas as pd

HERE = Path(__file__).parent
NOMINAL = 0.05


def read_cells(path=HERE / "inference.csv"):
    """Cells of the study, one row each."""
    return pd.read_csv(path)


def draw(cells, path):
    """One panel for each total number of units; every cell is a point, moved a little aside within its group."""
    mpl.use("svg")
    import matplotlib.pyplot as plt

    # the same bytes for the same table: no clock, no random ids, text as text
    style = {"svg.hashsalt": "evaltoolkit", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}
    totals = sorted(cells["units"].unique())
    with plt.rc_context(style):
        figure, panels = plt.subplots(1, len(totals), figsize=(4.4 * len(totals), 3.4), sharey=True, squeeze=False)
        for panel, units in zip(panels[0], totals, strict=True):
            _panel(panel, cells[cells["units"] == units], units)
        panels[0][0].set_ylabel("rejected, per cent (nominal 5)")
        panels[0][-1].legend(loc="upper right", frameon=False)
        figure.tight_layout()
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    return path


def _panel(panel, cells, units):
    groups = sorted(cells["treated"].unique())
    for shift, (column, label, marker, colour) in enumerate(
        (("naive", "usual test", "x", "#b35806"), ("rejection", "chosen by rule", "o", "#2166ac"))
    ):
        # what was refused rejects nothing: it is not drawn as a rejection of zero
        shown = cells[cells["refused"] < 1] if column == "rejection" else cells
        places = {treated: groups.index(treated) + (shift - 0.5) * 0.3 for treated in groups}
        order = shown.groupby("treated").cumcount()
        spread = 0.2 * (order / order.groupby(shown["treated"]).transform("max").clip(lower=1) - 0.5)
        at = shown["treated"].map(places) + spread
        panel.scatter(at, 100 * shown[column], s=9, marker=marker, c=colour, linewidths=0.8, label=label)
    panel.axhline(100 * NOMINAL, color="#666666", linewidth=0.8, linestyle="--")
    panel.set_yscale("log")
    panel.set_yticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
    panel.set_xticks(range(len(groups)), [str(treated) for treated in groups])
    panel.set_xlabel(f"treated of {units} units (log scale upwards)")


if __name__ == "__main__":
    print(draw(read_cells(), HERE / "inference.svg"))
