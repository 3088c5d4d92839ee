"""What every method of inference needs, whatever stands behind the estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.inference.answer import NoAnswerError, Settings
from evaltoolkit.inference.contrasts import Ints
from evaltoolkit.inference.linear_weights import NOT_LINEAR

# p-value, interval, smallest p-value, number of draws or of all there are
Answer = tuple[float, tuple[float, float], float, int]


class Table(Protocol):
    """Clusters and their cohorts, with whatever a method knows of their noise."""

    @property
    def group(self) -> Ints:
        """(G,) cohort of each cluster."""

    @property
    def treated(self) -> npt.NDArray[np.bool_]:
        """(C,) whether a cohort is treated within the panel."""

    def covers(self, sizes: Array | None) -> bool:
        """Whether the sizes (G,) of the treated lie within the range of the others'."""

    def largest_noise(self, *, everyone: bool) -> float:
        """How far what comparison clusters, or all, put in the place of the treated lies from nothing, at most."""


T = TypeVar("T", bound=Table)


@dataclass(frozen=True)
class Road(Generic[T]):
    """The methods that one kind of table allows.

    Attributes
    ----------
    run : by name
    rank : of the one treated cluster
    """

    run: Mapping[str, Callable[[Task[T]], Answer]]
    rank: Callable[[T], float]


@dataclass(frozen=True)
class Task(Generic[T]):
    """What a method needs.

    Attributes
    ----------
    design, overall, table : what is asked about
    sizes : (G,) of the clusters, given or implied; None where they are alike
    inside : whether the given sizes of the treated lie within the range of the others'; true where none were given,
        since what stands in for them is itself an estimate
    assignments, strata, by_lot : of a lot
    settings, road : how it is answered
    """

    design: Design
    overall: Effects
    table: T
    sizes: Array | None
    inside: bool
    assignments: Ints | None
    strata: npt.NDArray[np.intp] | None
    by_lot: bool
    settings: Settings
    road: Road[T]

    @property
    def counts(self) -> tuple[int, int]:
        """Numbers of treated and of comparison clusters."""
        treated = self.table.treated[self.table.group]
        return int(treated.sum()), int((~treated).sum())

    def answer(self, method: str) -> Answer:
        """Run a method; refuse it where the table does not allow it."""
        if method not in self.road.run:
            raise NoAnswerError(NOT_LINEAR)
        return self.road.run[method](self)

    def lend(self) -> tuple[float, float]:
        """Return the interval from the noise of the comparison clusters."""
        return self.answer("donors")[1]

    def rank(self) -> float:
        """Return the rank of the one treated cluster."""
        return self.road.rank(self.table)
