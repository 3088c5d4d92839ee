"""The interval of a verdict on a survey outcome: never narrower than sampling alone would make it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from evaltoolkit.effects.inference import two_sided_p
from evaltoolkit.evaluations.evaluation import Headline
from evaltoolkit.inference.sampling import Sampling, widen_interval


def hold_sampling(headline: Headline, sampling: Sampling | None) -> Headline:
    """Return a headline whose interval, and whose p-value, hold the sampling noise of the survey.

    Permutations of noise between units hold what differs between units; where hardly anything does (shares at 0 or
    100 %), an interval from them could be a single number.

    Parameters
    ----------
    headline : Headline
    sampling : what :func:`evaltoolkit.inference.sampling.sampling_of` found; None for an outcome that is no survey's
    """
    if sampling is None or not headline.interval.defined or not sampling.std_error > 0:
        return headline
    given, found = headline.interval, headline.inference
    low, high = widen_interval(given.estimate, (given.low, given.high), sampling.std_error, given.level)
    if found is not None and math.isfinite(found.p_value):
        least = float(two_sided_p(np.array([given.estimate / sampling.std_error]))[0])
        found = replace(found, low=low, high=high, p_value=max(found.p_value, least))
    return replace(headline, interval=replace(given, low=low, high=high), inference=found)
