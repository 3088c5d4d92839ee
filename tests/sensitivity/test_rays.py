import numpy as np
import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.sensitivity.rays import cone_rays
from evaltoolkit.sensitivity.restrictions import Assumed, list_pieces


def after(assumed, n_post, n_pre=3):
    matrix = list_pieces(n_pre, n_post, 1.0, assumed)[0].matrix[:, n_pre:]
    return matrix[(matrix != 0).any(axis=1)]


@pytest.mark.parametrize("n_post", [1, 2, 5, 12])
@pytest.mark.parametrize("restriction", ["relative_magnitudes", "smoothness", "relative_smoothness"])
def test_two_more_rays_than_periods(restriction, n_post):
    """Both ends of the parameter, and each pair of opposite moments where there is more than one."""
    rays, slopes = cone_rays(after(Assumed(restriction), n_post), np.ones(n_post) / n_post)
    pairs = n_post if n_post > 1 else 0
    assert len(rays) == pairs + 2
    assert sorted(np.sign(slopes)) == sorted([-1, 1, *[0] * pairs])


@pytest.mark.parametrize("shape", [None, "increasing"])
def test_rays_are_in_the_cone_and_extreme(shape):
    matrix = after(Assumed("smoothness", sign="positive", shape=shape), 4)
    weights = np.array([0.4, 0.0, -0.2, 0.8])
    rays, slopes = cone_rays(matrix, weights)
    assert (rays >= 0).all()
    np.testing.assert_allclose(rays @ matrix, np.outer(slopes, weights), atol=1e-9)
    # extreme: on the moments of a ray there is no other one
    for ray in rays:
        own = matrix[ray > 0]
        freed = np.column_stack([own, 0 * own[:, :1]]) if len(own) == 0 else own
        free = freed - np.outer(freed @ weights / (weights @ weights), weights)
        assert np.linalg.matrix_rank(free, tol=1e-9) == len(own) - 1
    assert len({tuple(ray > 0) for ray in rays}) == len(rays)


def test_too_many_rays_are_refused_with_what_to_do():
    matrix = after(Assumed("relative_magnitudes", sign="positive", shape="increasing"), 9)
    with pytest.raises(EvaltoolkitError, match=r"Too many combinations .* Leave out the sign or the shape"):
        cone_rays(matrix, np.ones(9) / 9)


@pytest.mark.parametrize(("n_post", "sign", "shape"), [(8, "positive", None), (6, "positive", "increasing")])
def test_what_the_message_promises_is_allowed(n_post, sign, shape):
    for restriction in ("relative_magnitudes", "smoothness"):
        rays, _ = cone_rays(after(Assumed(restriction, sign, shape), n_post), np.ones(n_post) / n_post)
        assert len(rays) > 100
