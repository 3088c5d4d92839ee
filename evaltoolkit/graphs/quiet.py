"""DoWhy talks, warns and draws from the global random state; here it does none of that."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def quiet(seed: int | None = None) -> Iterator[None]:
    """Silence DoWhy's log and warnings, and give back the global random state that its refuters draw from."""
    logger = logging.getLogger("dowhy")
    level, state = logger.level, np.random.get_state()  # noqa: NPY002 - DoWhy draws from the global state
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if seed is not None:
                np.random.seed(seed)  # noqa: NPY002
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
        logger.setLevel(level)
