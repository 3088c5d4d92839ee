"""Two groups and one number per cluster: the smallest world in which a family of outcomes can be estimated."""

import numpy as np
import pandas as pd

from evaltoolkit.effects.effects import Effects


def difference_of_means(values, treated, *, names=None):
    """One Effects per column of values (n, m): the mean of the treated less the mean of the others."""
    n = len(values)
    codes = np.arange(n).astype(str)
    cohort = np.where(treated, 2020.0, np.inf)
    labels = pd.DataFrame({"n_treated": [int(treated.sum())], "n_comparison": [int((~treated).sum())]})
    means = [values[arm].mean(axis=0) for arm in (treated, ~treated)]
    centred = np.where(treated[:, None], values - means[0], means[1] - values)
    influence = centred * n / np.where(treated, treated.sum(), (~treated).sum())[:, None]
    return {
        name: Effects(
            kind="overall",
            labels=labels,
            estimate=np.array([means[0][j] - means[1][j]]),
            influence=influence[:, [j]],
            units=codes,
            cohort=cohort,
            weights=np.ones(n),
            clusters=codes,
        )
        for j, name in enumerate(names or [f"y{j}" for j in range(values.shape[1])])
    }


def correlated(rng, n, m, rho):
    """Normal values (n, m) of which every two columns correlate by rho."""
    return np.sqrt(rho) * rng.normal(size=(n, 1)) + np.sqrt(1 - rho) * rng.normal(size=(n, m))
