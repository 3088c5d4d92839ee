"""The face: its names, and what importing it costs."""

import subprocess
import sys

import pytest

import evaltoolkit as et

HEAVY = ("dowhy", "linearmodels", "matplotlib", "scipy.stats", "xlsxwriter", "python_calamine", "babel", "jinja2")


def test_every_name_of_the_face_loads():
    for name in et.__all__:
        assert getattr(et, name) is not None
    assert len(et.__all__) <= 50
    assert sorted(et.__all__) == list(et.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="estimat"):
        et.estimat  # noqa: B018


def test_import_loads_nothing_heavy():
    code = f"import sys, evaltoolkit; print([m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_import_costs_little_over_numpy():
    timer = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"

    def seconds(module):
        runs = [
            float(
                subprocess.run(
                    [sys.executable, "-c", timer.format(module)], capture_output=True, text=True, check=True
                ).stdout
            )
            for _ in range(3)
        ]
        return min(runs)

    assert seconds("evaltoolkit") - seconds("numpy") < 0.4


def test_estimating_does_not_load_what_it_does_not_need():
    code = (
        "import sys, numpy as np, pandas as pd, evaltoolkit as et\n"
        "rng = np.random.default_rng(1)\n"
        "rows = [(u, t, 2003 if u < 30 else 'never', rng.normal()) for u in range(60) for t in range(2000, 2006)]\n"
        "panel = et.read_panel(pd.DataFrame(rows, columns=['u', 't', 'g', 'y']), unit='u', period='t')\n"
        "effects = et.estimate(et.design(panel, outcome='y', treated_from='g', never='never'))\n"
        "effects.aggregate('event').to_frame(band='simultaneous')\n"
        "print([m for m in ('dowhy', 'linearmodels', 'matplotlib', 'xlsxwriter') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
