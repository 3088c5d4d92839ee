"""Teen employment cut to one treated county: peers print p-values of 1e-69; here stand a rank and a sentence."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.table import design_from_table
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.choose import ONE_TREATED, infer

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def counties(shared):
    return pd.read_csv(shared / "golden/published/mpdta.csv")


def test_one_treated_county_has_no_p_value(counties):
    chosen = counties.loc[counties["first.treat"] == 2004, "countyreal"].iloc[0]
    cut = counties[(counties["first.treat"] == 0) | (counties["countyreal"] == chosen)]
    design = design_from_table(
        cut, "lemp", unit="countyreal", period="year", treated_from="first.treat", never=0, covariates=["lpop"]
    )
    effects = estimate(design, adjust="reg")
    table = effects.aggregate("event").to_frame()
    assert table[["std_error", "conf_low", "p_value"]].isna().to_numpy().all()
    found = infer(design, effects.aggregate("overall"), sizes=np.exp(design.covariates[:, 0]))
    assert np.isnan(found.p_value)
    assert found.reason == ONE_TREATED
    assert 0 <= found.rank <= 1
    assert found.low < found.estimate < found.high
    assert found.estimate == pytest.approx(effects.aggregate("overall").estimate[0])
