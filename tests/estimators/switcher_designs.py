"""Designs whose treatment starts, stops and restarts, and the estimator once more in loops over switchers."""

from dataclasses import replace

import numpy as np

from evaltoolkit.designs.design import Design


def make(outcome, treatment, **rest):
    """A design from a table of outcomes and one of treatments."""
    outcome, treatment = np.asarray(outcome, dtype=float), np.asarray(treatment, dtype=float)
    n, periods = outcome.shape
    times = 2018.0 + np.arange(periods)
    treated = treatment > 0
    values = {
        "units": np.array([f"u{i:03d}" for i in range(n)]),
        "times": times,
        "outcome": outcome,
        "cohort": np.where(treated.any(axis=1), times[treated.argmax(axis=1)], np.inf),
        "covariates": np.empty((n, 0)),
        "covariate_names": (),
        "weights": np.ones(n),
        "clusters": np.array([f"u{i:03d}" for i in range(n)]),
        "comparison": "not_yet_treated",
        "treatment": treatment,
    }
    return Design(**{**values, **rest})


def at(effects, event_time):
    (row,) = np.flatnonzero(effects.labels["event_time"] == event_time)
    return row


def value(effects, event_time):
    return effects.estimate[at(effects, event_time)]


def small():
    """Two switch on (one off again), two stay off; one switches off, one stays on."""
    treatment = [[0, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    outcome = [[1, 2, 5, 6], [0, 1, 3, 2], [2, 2, 3, 4], [1, 3, 3, 3], [5, 6, 4, 3], [4, 5, 6, 7]]
    return make(outcome, treatment)


def draw_paths(rng, n, periods, *, levels=2, change=0.15, start=0.3):
    """Treatments that change at random; half of the units begin where most begin."""
    path = np.zeros((n, periods))
    path[:, 0] = np.where(rng.random(n) < start, rng.integers(1, levels, n), 0)
    for t in range(1, periods):
        moves = rng.random(n) < change
        path[:, t] = np.where(moves, rng.integers(0, levels, n), path[:, t - 1])
    return path


def rich(seed, *, n=50, periods=7, levels=3):
    """Several levels, gaps in outcome and treatment, weights, clusters of several units."""
    rng = np.random.default_rng(seed)
    path = draw_paths(rng, n, periods, levels=levels)
    outcome = rng.normal(size=(n, 1)) + rng.normal(size=(n, periods)).cumsum(axis=1) + path
    gone = rng.random((n, periods)) < 0.06
    weights = rng.uniform(0.5, 2.0, n)
    return make(
        np.where(gone, np.nan, outcome),
        np.where(gone & (rng.random((n, periods)) < 0.5), np.nan, path),
        weights=weights / weights.mean(),
        clusters=np.array([f"c{i % (n // 2)}" for i in range(n)]),
    )


def reorder(design, order):
    by_unit = ("units", "outcome", "cohort", "covariates", "weights", "clusters", "treatment")
    return replace(design, **{name: getattr(design, name)[order] for name in by_unit})


class Loops:
    """The definition, switcher by switcher; periods are indices, ``None`` = no change."""

    def __init__(self, design):
        self.y, self.d, self.w = design.outcome, design.treatment, design.weights
        self.cluster, self.never = design.clusters, design.comparison == "never_treated"
        self.n, self.T = self.y.shape
        self.start, self.first, self.sign, self.ok = [], [], [], np.zeros((self.n, self.T), bool)
        for g in range(self.n):
            self._read(g)

    def _read(self, g):
        known = [t for t in range(self.T) if np.isfinite(self.d[g, t])]
        start = self.d[g, known[0]]
        change = next((t for t in known if self.d[g, t] != start), None)
        hidden = change is not None and change - 1 not in known
        seen = {"up": False, "down": False}
        for t in known:
            seen["up"] |= self.d[g, t] > start
            seen["down"] |= self.d[g, t] < start
            crossed = seen["up"] and seen["down"] and not hidden
            self.ok[g, t] = np.isfinite(self.y[g, t]) and not crossed and not (hidden and t >= change)
        self.start.append(start)
        self.first.append(None if hidden else change)
        self.sign.append(0 if change is None or hidden else np.sign(self.d[g, change] - start))

    def span(self, g, lag, placebo):
        """Periods that must be seen, and the two whose difference is taken."""
        t = self.first[g] - 1 + lag
        early, late = (t - 2 * lag, t - lag) if placebo else (t, t - lag)
        return t, early, late, {t, early, late} if placebo else {early, late}

    def controls(self, g, lag, placebo):
        t, _, _, need = self.span(g, lag, placebo)
        return [
            h
            for h in range(self.n)
            if self.start[h] == self.start[g]
            and (self.first[h] is None or (self.first[h] > t and not self.never))
            and all(self.ok[h, s] for s in need)
        ]

    def switchers(self, lag, placebo=False, signs=(-1, 1)):
        found = []
        for g in range(self.n):
            if self.first[g] is None or self.sign[g] not in signs:
                continue
            *_, need = self.span(g, lag, placebo)
            inside = all(0 <= s < self.T for s in need)
            if inside and all(self.ok[g, s] for s in need) and self.controls(g, lag, placebo):
                found.append(g)
        return found

    def difference(self, g, lag, placebo):
        _, early, late, _ = self.span(g, lag, placebo)
        controls = self.controls(g, lag, placebo)
        change = np.average(self.y[controls, early] - self.y[controls, late], weights=self.w[controls])
        return self.sign[g] * (self.y[g, early] - self.y[g, late] - change)

    def received(self, g, until):
        """Treatment in excess of the start in the periods up to ``until``; unknown ones count as after the change."""
        path = [self.d[g, t] if np.isfinite(self.d[g, t]) else self.d[g, self.first[g]] for t in range(self.T)]
        return sum(abs(path[t] - self.start[g]) for t in range(self.first[g], until + 1))

    def estimate(self, lag, *, placebo=False, signs=(-1, 1), normalized=False):
        who = self.switchers(lag, placebo, signs)
        total = sum(self.w[g] * self.difference(g, lag, placebo) for g in who)
        share = [self.received(g, self.first[g] - 1 + lag) if normalized else 1.0 for g in who]
        return total / sum(self.w[g] * one for g, one in zip(who, share, strict=True)) if who else np.nan

    def average_total(self, lags, signs=(-1, 1)):
        total = dose = 0.0
        for lag in lags:
            for g in self.switchers(lag, False, signs):
                t = self.first[g] - 1 + lag
                total += self.w[g] * self.difference(g, lag, False)
                dose += self.w[g] * (self.received(g, t) - self.received(g, t - 1))
        return total / dose

    def error(self, lag, *, placebo=False, signs=(-1, 1)):
        """Standard error: each side of each level and period centred, scaled and summed by cluster."""
        who = self.switchers(lag, placebo, signs)
        u = np.zeros(self.n)
        cells = {(self.start[g], self.first[g], self.sign[g]) for g in who}
        for start, first, sign in cells:
            mine = [g for g in who if (self.start[g], self.first[g], self.sign[g]) == (start, first, sign)]
            _, early, late, _ = self.span(mine[0], lag, placebo)
            change = self.y[:, early] - self.y[:, late]
            controls = self.controls(mine[0], lag, placebo)
            for dose in {self.d[g, first] for g in mine}:
                ours = [g for g in mine if self.d[g, first] == dose]
                centre, factor = self._centre(ours, [*mine, *controls], change)
                u[ours] += sign * self.w[ours] * factor * (change[ours] - centre)
            centre, factor = self._centre(controls, [*mine, *controls], change)
            ratio = self.w[mine].sum() / self.w[controls].sum()
            u[controls] -= sign * ratio * self.w[controls] * factor * (change[controls] - centre)
        sums = {one: u[self.cluster == one].sum() for one in np.unique(self.cluster)}
        return np.sqrt(sum(value**2 for value in sums.values())) / self.w[who].sum()

    def _centre(self, group, both, change):
        for rows in (group, both):
            count = len(set(self.cluster[rows]))
            if count > 1:
                return np.average(change[rows], weights=self.w[rows]), np.sqrt(count / (count - 1))
        return 0.0, 1.0
