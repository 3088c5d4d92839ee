"""The event-study vector that every function of this room works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaltoolkit.findings import EvaltoolkitError

Array = npt.NDArray[np.float64]

TOO_FEW_PERIODS = "fewer than two periods before treatment: nothing to compare a violation with"
SINGULAR = "the covariance of the event-study estimates is singular"
# of the correlation matrix: below this an inverse is rounding
_SMALLEST_EIGENVALUE = 1e-10


@dataclass(frozen=True)
class Vector:
    """Event-study estimates against one reference period, and the weights of the parameter.

    Attributes
    ----------
    beta : (K,) estimates in the order of time: ``n_pre`` before the reference period, ``n_post`` after it
    sigma : (K, K) their covariance
    n_pre, n_post : numbers of estimates; the reference period is not among them
    weights : (n_post,) the parameter is their sum product with the effects after the reference period
    reason : why nothing can be computed; empty where it can
    """

    beta: Array
    sigma: Array
    n_pre: int
    n_post: int
    weights: Array
    reason: str

    @property
    def estimate(self) -> float:
        """The parameter, were trends parallel."""
        return float(self.weights @ self.beta[self.n_pre :])

    @property
    def std_error(self) -> float:
        """Its standard error."""
        after = self.sigma[self.n_pre :, self.n_pre :]
        return float(np.sqrt(self.weights @ after @ self.weights))


def make_vector(
    betahat: npt.ArrayLike, sigma: npt.ArrayLike, n_pre: int, n_post: int, l_vec: npt.ArrayLike | None
) -> Vector:
    """Check shapes and values; ``l_vec`` None is the plain average over the periods after the reference period.

    Raises
    ------
    EvaltoolkitError
        Shapes that do not fit, values that are not finite, weights that are all zero.
    """
    beta, covariance = np.asarray(betahat, dtype=np.float64), np.asarray(sigma, dtype=np.float64)
    size = n_pre + n_post
    if n_pre < 0 or n_post < 1:
        raise EvaltoolkitError(f"n_pre must be 0 or more and n_post 1 or more; got {n_pre} and {n_post}.")
    if beta.shape != (size,) or covariance.shape != (size, size):
        raise EvaltoolkitError(
            f"betahat must have n_pre + n_post = {size} numbers and sigma {size} x {size}, without the reference "
            f"period; got {beta.shape} and {covariance.shape}."
        )
    weights = np.full(n_post, 1.0 / n_post) if l_vec is None else np.asarray(l_vec, dtype=np.float64)
    if weights.shape != (n_post,) or not np.isfinite(weights).all() or not weights.any():
        raise EvaltoolkitError(f"l_vec must have n_post = {n_post} finite numbers that are not all zero.")
    if not np.isfinite(beta).all() or not np.isfinite(covariance).all():
        raise EvaltoolkitError("betahat and sigma must be finite: leave undefined event times out, on both sides.")
    covariance = (covariance + covariance.T) / 2
    return Vector(beta, covariance, n_pre, n_post, weights, _fault(covariance, n_pre))


def _fault(sigma: Array, n_pre: int) -> str:
    if n_pre < 1:
        return TOO_FEW_PERIODS
    scale = np.sqrt(np.maximum(np.diag(sigma), 0.0))
    if not (scale > 0).all():
        return SINGULAR
    return SINGULAR if np.linalg.eigvalsh(sigma / np.outer(scale, scale))[0] < _SMALLEST_EIGENVALUE else ""
