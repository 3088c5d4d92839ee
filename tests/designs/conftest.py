"""Small hand-made panels for the design tests."""

import pandas as pd
import pytest

from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel


@pytest.fixture(scope="session")
def make_panel():
    return _make_panel


def _make_panel(units, labels=("2020", "2021", "2022", "2023"), unit_kind="municipality", vintage=None, **unit_columns):
    periods = tuple(Period.parse(label) for label in labels)
    index = pd.MultiIndex.from_product([units, labels], names=["unit", "period"])
    values = [10.0 * row + column for row in range(len(units)) for column in range(len(labels))]
    table = pd.DataFrame({"name": list(units), **unit_columns}, index=pd.Index(units, name="unit"))
    return Panel(pd.DataFrame({"Y": values}, index=index), periods, unit_kind, table, vintage)
