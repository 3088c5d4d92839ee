"""d-separation by its definition, path by path, and linear worlds whose covariances are known exactly."""

from itertools import combinations, permutations

import numpy as np

from evaltoolkit.graphs.graph import ACTION, OUTCOME

NAMES = (ACTION, OUTCOME, "x", "y", "z")


def descendants(edges, node):
    found = {effect for cause, effect in edges if cause == node}
    for one in set(found):
        found |= descendants(edges, one)
    return found


def paths(edges, start, end, so_far=()):
    here = (*so_far, start)
    if start == end:
        yield here
        return
    near = {b for a, b in edges if a == start} | {a for a, b in edges if b == start}
    for node in sorted(near - set(here)):
        yield from paths(edges, node, end, here)


def is_open(edges, path, given):
    for left, middle, right in zip(path, path[1:], path[2:], strict=False):
        if (left, middle) in edges and (right, middle) in edges:
            if not ({middle} | descendants(edges, middle)) & set(given):
                return False
        elif middle in given:
            return False
    return True


def separated(edges, one, other, given):
    return not any(is_open(edges, path, given) for path in paths(edges, one, other))


def closes_back_doors(edges, given):
    if set(given) & descendants(edges, ACTION):
        return False
    back = (path for path in paths(edges, ACTION, OUTCOME) if (path[1], path[0]) in edges)
    return not any(is_open(edges, path, given) for path in back)


def subsets(nodes):
    return [set(one) for size in range(len(nodes) + 1) for one in combinations(sorted(nodes), size)]


def smallest(sets):
    return sorted({tuple(sorted(one)) for one in sets if not any(other < one for other in sets)})


def all_graphs(names):
    """Every acyclic graph over these names in which the action has a way to the outcome."""
    found = set()
    for order in permutations(names):
        pairs = list(combinations(order, 2))
        for choice in range(2 ** len(pairs)):
            found.add(frozenset(pair for bit, pair in enumerate(pairs) if choice >> bit & 1))
    if len(names) == 4:
        # the number of labelled acyclic graphs on four nodes, OEIS A003024
        assert len(found) == 543
    return sorted((sorted(edges) for edges in found if OUTCOME in descendants(edges, ACTION)), key=str)


def random_graph(rng, names=NAMES):
    """Edges of a random acyclic graph in which the action has a way to the outcome."""
    while True:
        order = rng.permutation(len(names))
        edges = [(names[a], names[b]) for a, b in combinations(order, 2) if rng.random() < 0.5]
        if OUTCOME in descendants(edges, ACTION):
            return edges


class LinearWorld:
    """A linear model along the arrows, with its exact covariance matrix."""

    def __init__(self, edges, rng):
        self.names = sorted({node for edge in edges for node in edge})
        place = {name: i for i, name in enumerate(self.names)}
        weights = np.zeros((len(self.names),) * 2)
        for cause, effect in edges:
            weights[place[effect], place[cause]] = rng.uniform(0.4, 1.2) * rng.choice([-1, 1])
        total = np.linalg.inv(np.eye(len(self.names)) - weights)
        self.covariance = total @ np.diag(rng.uniform(0.5, 2, len(self.names))) @ total.T
        self.effect = total[place[OUTCOME], place[ACTION]]
        self.place = place

    def slope(self, given):
        """Coefficient of the action in the regression of the outcome on action and ``given``."""
        rows = [self.place[name] for name in (ACTION, *sorted(given))]
        cross = self.covariance[rows, self.place[OUTCOME]]
        return np.linalg.solve(self.covariance[np.ix_(rows, rows)], cross)[0]
