"""Families of outcomes: how sure one may be of each when several were looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.effects.estimates import Estimates
from evaltoolkit.effects.inference import inference_reasons, std_errors
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.graphs.independence import holm
from evaltoolkit.inference.joint_draws import draw_statistics
from evaltoolkit.inference.single import require_single
from evaltoolkit.inference.step_down import at_most, step_down

Array = npt.NDArray[np.float64]

NOT_DRAWN = "no statistic"
_SIGNS = "random signs of clusters, shared by the outcomes"
_HANDED = "draws handed in"


@dataclass(frozen=True)
class Family:
    """P-values of the outcomes of a family, each by itself and for the family.

    Attributes
    ----------
    outcomes : names
    statistic : (m,) observed ``|t|``, or whatever was handed in; NaN where not tested
    p_single : (m,) by itself
    p_holm : (m,) adjusted by Holm, from ``p_single``
    p_adjusted : (m,) adjusted by the step-down of Romano and Wolf
    reasons : (m,) why an outcome was not tested; empty where it was
    level : one less the wanted probability of one or more false rejections
    attainable_level : the largest level of the test, not above the wanted one, that the draws allow
    smallest_p : the smallest p-value that they allow
    draws : their number, the observed result counted
    seed : of the draws; None where they were handed in
    method : where the draws come from
    """

    outcomes: tuple[str, ...]
    statistic: Array
    p_single: Array
    p_holm: Array
    p_adjusted: Array
    reasons: tuple[str, ...]
    level: float
    attainable_level: float
    smallest_p: float
    draws: int
    seed: int | None
    method: str

    @property
    def rejected(self) -> npt.NDArray[np.bool_]:
        """(m,) whether the null of no effect is rejected within the family; False where not tested."""
        return at_most(self.p_adjusted, 1 - self.level)

    def to_frame(self) -> pd.DataFrame:
        """One row per outcome: ``outcome, statistic, p_single, p_holm, p_adjusted, rejected, reason``."""
        return pd.DataFrame(
            {
                "outcome": list(self.outcomes),
                "statistic": self.statistic,
                "p_single": self.p_single,
                "p_holm": self.p_holm,
                "p_adjusted": self.p_adjusted,
                "rejected": self.rejected,
                "reason": list(self.reasons),
            }
        )


def adjust_families(
    families: Mapping[str, Mapping[str, Estimates]], *, level: float = 0.95, draws: int = 9_999, seed: int = 1
) -> dict[str, Family]:
    """Adjust each of several families by itself, for example the primary and the secondary outcomes of a plan.

    The error is held within a family, not over all of them. Guardrails are no family: each is tested singly by
    :func:`~evaltoolkit.inference.equivalence.judge_non_inferiority`, because saying that none of them got worse needs
    every single test to succeed.

    Parameters
    ----------
    families : mapping of family to mapping of outcome to Effects
    level, draws, seed : see :func:`adjust_family`

    Raises
    ------
    EvaltoolkitError
        An outcome stands in two families, or see :func:`adjust_family`.
    """
    where: dict[str, str] = {}
    for family, effects in families.items():
        for outcome in effects:
            if outcome in where:
                raise EvaltoolkitError(
                    f'Outcome "{outcome}" stands in family "{where[outcome]}" and in family "{family}". '
                    "Put it in the one that the plan declares."
                )
            where[outcome] = family
    return {family: adjust_family(effects, level=level, draws=draws, seed=seed) for family, effects in families.items()}


def adjust_family(
    effects: Mapping[str, Estimates], *, level: float = 0.95, draws: int = 9_999, seed: int = 1
) -> Family:
    """Return p-values of several outcomes that hold for all of them together.

    Estimand: per outcome the two-sided test that its single estimate is zero; the probability of one or more false
    rejections in the family is at most ``1 - level``, whichever outcomes have an effect.

    Assumptions: those of :func:`~evaltoolkit.inference.joint_draws.draw_statistics`. Clusters are resampled by random
    signs that all outcomes share, so that outcomes which move together count as fewer; units are tied by code and may
    be missing for some outcomes.

    Not when: an outcome rests on fewer than ``effects.inference.MIN_CLUSTERS`` treated or comparison clusters. It is
    then not tested, with the reason, and the rest of the family is adjusted without it; for few clusters hand
    permutation draws to :func:`adjust_with_draws`.

    Parameters
    ----------
    effects : mapping of outcome to Effects
        One row each, as ``aggregate("overall")`` gives.
    level : float
        0.95 holds the family at 5 %.
    draws : int
        At least 100.
    seed : int

    Returns
    -------
    Family
        ``p_single`` comes from the same draws, with heavier tails than the normal p-value of ``to_frame``.

    Raises
    ------
    EvaltoolkitError
        No outcome, several estimates of an outcome, clusters that contradict each other, too few draws, level out of
        range.

    References
    ----------
    Romano and Wolf (2005), https://doi.org/10.1111/j.1468-0262.2005.00615.x; Romano and Wolf (2016),
    https://doi.org/10.1016/j.spl.2016.02.012; Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    if not effects:
        raise EvaltoolkitError("The family has no outcome. Give at least one.")
    if draws < 100:
        raise EvaltoolkitError(f"A family needs at least 100 draws; got {draws}.")
    for name, one in effects.items():
        require_single(one, name)
    reasons = [inference_reasons(one)[0] for one in effects.values()]
    tested = {name: one for (name, one), reason in zip(effects.items(), reasons, strict=True) if not reason}
    observed, drawn = np.full(len(effects), np.nan), np.full((draws, len(effects)), np.nan)
    if tested:
        places = [place for place, reason in enumerate(reasons) if not reason]
        observed[places] = [abs(one.estimate[0]) / std_errors(one)[0] for one in tested.values()]
        drawn[:, places] = np.abs(draw_statistics(tested, draws=draws, seed=seed))
    return _family(tuple(effects), observed, drawn, reasons, level, False, seed, _SIGNS)


def adjust_with_draws(
    outcomes: Sequence[str],
    observed: npt.ArrayLike,
    draws: npt.ArrayLike,
    *,
    level: float = 0.95,
    complete: bool = False,
    reasons: Sequence[str] = (),
    method: str = _HANDED,
) -> Family:
    """Return p-values that hold for a family, from joint draws under the null that somebody else made.

    With permutations of the real assignment this holds for any number of treated clusters, as far as the permutation
    test of each outcome does; ``attainable_level`` says what level is left.

    Parameters
    ----------
    outcomes : (m,) names
    observed, draws, level, complete : see :func:`~evaltoolkit.inference.step_down.step_down`
    reasons : (m,) why an outcome has no statistic
    method : where the draws come from

    Raises
    ------
    EvaltoolkitError
        Numbers of names, statistics and reasons that differ, or see the step-down.
    """
    seen = np.asarray(observed, dtype=np.float64)
    why = list(reasons) or [""] * len(outcomes)
    if seen.shape != (len(outcomes),) or len(why) != len(outcomes) or not len(outcomes):
        raise EvaltoolkitError(
            f"Give one statistic and one reason for each outcome; got {len(outcomes)} outcomes, {seen.size} statistics "
            f"and {len(why)} reasons."
        )
    missing = [reason or NOT_DRAWN if np.isnan(one) else "" for reason, one in zip(why, seen, strict=True)]
    return _family(tuple(outcomes), seen, np.asarray(draws, dtype=np.float64), missing, level, complete, None, method)


def _family(
    outcomes: tuple[str, ...],
    observed: Array,
    draws: Array,
    reasons: Sequence[str],
    level: float,
    complete: bool,
    seed: int | None,
    method: str,
) -> Family:
    found = step_down(observed, draws, level=level, complete=complete)
    return Family(
        outcomes=outcomes,
        statistic=observed,
        p_single=found.p_single,
        p_holm=holm(found.p_single),
        p_adjusted=found.p_adjusted,
        reasons=tuple(reasons),
        level=level,
        attainable_level=found.attainable_level,
        smallest_p=found.smallest_p,
        draws=found.draws,
        seed=seed,
        method=method,
    )
