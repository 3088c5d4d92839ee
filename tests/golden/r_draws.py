"""R's own normal draws (Mersenne Twister, inversion): what R simulates from a seed can then be held exactly."""

import numpy as np
from scipy.special import ndtri


def r_normals(count, seed=0):
    """``set.seed(seed); rnorm(count)``."""
    state = np.empty(625, dtype=np.uint64)
    value = seed
    for _ in range(50):
        value = (69069 * value + 1) % 2**32
    for place in range(625):
        value = (69069 * value + 1) % 2**32
        state[place] = value
    twister = np.random.MT19937()
    # the first of R's numbers is replaced by "all used up"
    twister.state = {"bit_generator": "MT19937", "state": {"key": state[1:].astype(np.uint32), "pos": 624}}
    uniform = twister.random_raw(2 * count).astype(float) * 2.3283064365386963e-10
    big = 134217728
    return ndtri((np.floor(big * uniform[::2]) + uniform[1::2]) / big)
