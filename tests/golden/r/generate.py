#!/usr/bin/env python3
# ruff: noqa
# fmt: off
"""Synthetic panels with known structure, for golden reference values.

numpy only; every panel is a pure function of (spec, seed) through
numpy.random.default_rng (PCG64).  Floats are written with 17 significant
digits, so the CSVs round-trip exactly.  Run:  python3 generate.py OUTDIR

Columns shared by the staggered panels
  unit      1..N (municipality)          zone   cluster (police zone), constant within unit
  year      calendar year                g      first treated year, 0 = never treated
  d         1 if treated in that year    y      outcome
  x1, x2    baseline covariates, constant within unit, that shift trends
  pop       population (constant within unit), to be used as a weight
  tau       the true effect of that row (0 when untreated): for Monte-Carlo checks only
"""
import sys, os, json
import numpy as np


def _write(path, cols):
    names = list(cols)
    n = len(cols[names[0]])
    with open(path, "w") as f:
        f.write(",".join(names) + "\n")
        for i in range(n):
            out = []
            for k in names:
                v = cols[k][i]
                out.append(str(int(v)) if isinstance(v, (int, np.integer)) else "%.17g" % v)
            f.write(",".join(out) + "\n")


def _ar1(rng, n, t, rho, sd):
    """Stationary AR(1) rows, marginal standard deviation `sd`."""
    e = rng.normal(size=(n, t))
    u = np.empty((n, t))
    u[:, 0] = e[:, 0] * sd
    s = sd * np.sqrt(1 - rho ** 2)
    for k in range(1, t):
        u[:, k] = rho * u[:, k - 1] + s * e[:, k]
    return u


def staggered(seed, n, t, year0, cohorts, share_never, n_zones, rho=0.5, sd=1.0,
              zone_sd=0.5, x_trend=(0.15, -0.10), select=0.8):
    """Staggered adoption.  cohorts: period indices (1-based).  Heterogeneous,
    dynamic effects: base(cohort) + slope(cohort) * e + 0.3 * x1, e = years since
    adoption.  x1 and x2 shift trends (x_trend per year), and x1 also shifts the
    probability of being treated (select), so that unconditional parallel trends
    fail and conditional ones hold."""
    rng = np.random.default_rng(seed)
    x1 = rng.normal(size=n)
    x2 = (rng.random(n) < 0.4).astype(float)
    score = select * x1 + rng.normal(size=n)
    order = np.argsort(score)
    n_never = int(round(share_never * n))
    gi = np.zeros(n, dtype=int)
    treated = order[n_never:]
    rng.shuffle(treated)
    for k, part in enumerate(np.array_split(treated, len(cohorts))):
        gi[part] = cohorts[k]
    zone = 1 + (np.arange(n) * n_zones) // n          # neighbours share a zone
    perm = rng.permutation(n); zone = zone[perm]
    pop = np.round(np.clip(np.exp(rng.normal(9.3, 0.9, size=n)), 900, 500000)).astype(int)
    alpha = rng.normal(0, 1.5, size=n) + 0.5 * x1
    lam = np.cumsum(rng.normal(0.1, 0.3, size=t))
    zs = rng.normal(0, zone_sd, size=(n_zones, t))
    u = _ar1(rng, n, t, rho, sd)
    base = {c: 0.8 + 0.4 * k for k, c in enumerate(cohorts)}
    slope = {c: 0.25 - 0.10 * k for k, c in enumerate(cohorts)}
    rows = dict(unit=[], zone=[], year=[], g=[], d=[], y=[], x1=[], x2=[], pop=[], tau=[])
    for i in range(n):
        for s in range(t):
            p = s + 1
            on = gi[i] > 0 and p >= gi[i]
            tau = base[gi[i]] + slope[gi[i]] * (p - gi[i]) + 0.3 * x1[i] if on else 0.0
            y = alpha[i] + lam[s] + (x_trend[0] * x1[i] + x_trend[1] * x2[i]) * s \
                + zs[zone[i] - 1, s] + u[i, s] + tau
            for k, v in zip(rows, (i + 1, zone[i], year0 + s, year0 + gi[i] - 1 if gi[i] else 0,
                                   int(on), y, x1[i], x2[i], pop[i], tau)):
                rows[k].append(v)
    return {k: np.array(v) for k, v in rows.items()}


def unbalance(cols, seed, share, n_gaps, gap):
    """Drop `share` of the rows at random; n_gaps units lose a block of `gap` years.
    Every unit keeps at least its first and one later row so that it stays in a panel."""
    rng = np.random.default_rng(seed)
    n = len(cols["unit"])
    keep = rng.random(n) >= share
    units = np.unique(cols["unit"])
    years = np.unique(cols["year"])
    for uu in rng.choice(units, n_gaps, replace=False):
        s = rng.integers(1, len(years) - gap)
        keep &= ~((cols["unit"] == uu) & (cols["year"] >= years[s]) & (cols["year"] < years[s] + gap))
    keep |= cols["year"] == years[0]
    keep |= cols["year"] == years[-1]
    return {k: v[keep] for k, v in cols.items()}


def counts(seed, n, t, year0, cohorts, share_never, n_zones):
    """Poisson counts with exposure pop (1k-500k, log-normal), baseline mean 0.3-8 per
    year, log-linear effect -0.25 (cohort 1), -0.15, -0.05 ... plus -0.03 per year."""
    rng = np.random.default_rng(seed)
    gi = np.zeros(n, dtype=int)
    idx = rng.permutation(n)[int(round(share_never * n)):]
    for k, part in enumerate(np.array_split(idx, len(cohorts))):
        gi[part] = cohorts[k]
    zone = 1 + rng.permutation(n) % n_zones
    pop = np.round(np.clip(np.exp(rng.normal(9.6, 1.0, size=n)), 1000, 500000)).astype(int)
    mean0 = np.exp(rng.uniform(np.log(0.3), np.log(8.0), size=n))
    rate = mean0 / pop
    lam = np.cumsum(rng.normal(0, 0.08, size=t))
    x1 = rng.normal(size=n)
    b = {c: -0.25 + 0.10 * k for k, c in enumerate(cohorts)}
    rows = dict(unit=[], zone=[], year=[], g=[], d=[], y=[], x1=[], pop=[], tau=[])
    for i in range(n):
        for s in range(t):
            p = s + 1
            on = gi[i] > 0 and p >= gi[i]
            tau = b[gi[i]] - 0.03 * (p - gi[i]) if on else 0.0
            mu = pop[i] * rate[i] * np.exp(lam[s] + 0.02 * x1[i] * s + tau)
            for k, v in zip(rows, (i + 1, zone[i], year0 + s, year0 + gi[i] - 1 if gi[i] else 0,
                                   int(on), int(rng.poisson(mu)), x1[i], pop[i], tau)):
                rows[k].append(v)
    return {k: np.array(v) for k, v in rows.items()}


def non_absorbing(seed, n, t, year0, p_switch, start, n_zones, rho=0.5):
    """Binary treatment that switches on and off: a share `start` is on in year 1;
    each later year every unit flips with probability p_switch.
    Effect 0.6 + 0.1 * (consecutive years on), no effect once off."""
    rng = np.random.default_rng(seed)
    d = np.zeros((n, t), dtype=int)
    d[:, 0] = rng.random(n) < start
    flips = rng.random((n, t)) < p_switch
    for s in range(1, t):
        d[:, s] = np.where(flips[:, s], 1 - d[:, s - 1], d[:, s - 1])
    run = np.zeros((n, t))
    run[:, 0] = d[:, 0]
    for s in range(1, t):
        run[:, s] = (run[:, s - 1] + 1) * d[:, s]
    zone = 1 + rng.permutation(n) % n_zones
    pop = np.round(np.clip(np.exp(rng.normal(9.3, 0.9, size=n)), 900, 500000)).astype(int)
    alpha = rng.normal(0, 1.5, size=n)
    lam = np.cumsum(rng.normal(0.1, 0.3, size=t))
    u = _ar1(rng, n, t, rho, 0.8)
    tau = d * (0.6 + 0.1 * (run - 1))
    y = alpha[:, None] + lam[None, :] + u + tau
    ii, ss = np.repeat(np.arange(n), t), np.tile(np.arange(t), n)
    return dict(unit=ii + 1, zone=zone[ii], year=year0 + ss, d=d.ravel(), y=y.ravel(), pop=pop[ii], tau=tau.ravel())


def few_treated(seed, n, t, year0, n_treated, g, n_zones, effect=0.7):
    """n_treated units in one cohort; error variance 0.05 + 8000 / pop."""
    rng = np.random.default_rng(seed)
    pop = np.round(np.clip(np.exp(rng.normal(9.3, 0.9, size=n)), 900, 500000)).astype(int)
    gi = np.zeros(n, dtype=int)
    gi[rng.choice(n, n_treated, replace=False)] = g
    zone = 1 + rng.permutation(n) % n_zones
    # the treated units must not all sit in one zone: the permutation spreads them
    alpha = rng.normal(0, 1, size=n)
    lam = np.cumsum(rng.normal(0.0, 0.2, size=t))
    u = _ar1(rng, n, t, 0.3, 1.0) * np.sqrt(0.05 + 8000.0 / pop)[:, None]
    x1 = rng.normal(size=n)
    ii, ss = np.repeat(np.arange(n), t), np.tile(np.arange(t), n)
    on = (gi[ii] > 0) & (ss + 1 >= gi[ii])
    tau = on * effect
    y = alpha[ii] + lam[ss] + u.ravel() + tau
    return dict(unit=ii + 1, zone=zone[ii], year=year0 + ss, g=np.where(gi[ii] > 0, year0 + gi[ii] - 1, 0),
                d=on.astype(int), y=y, x1=x1[ii], pop=pop[ii], tau=tau)


def block(seed, n, t, n_treated, first, rank, sd, effect=1.5):
    """Block design: the last n_treated units are treated from period `first` (1-based).
    Low-rank factor structure: y = alpha + beta + L F' + noise + effect; the treated
    units have larger loadings, so plain DiD is biased."""
    rng = np.random.default_rng(seed)
    load = rng.normal(0, 1, size=(n, rank))
    load[n - n_treated:] += 0.5
    fac = np.cumsum(rng.normal(0, 0.35, size=(t, rank)), axis=0)
    y = rng.normal(0, 1, size=n)[:, None] + np.cumsum(rng.normal(0.05, 0.2, size=t))[None, :] \
        + load @ fac.T + _ar1(rng, n, t, 0.3, sd)
    ii, ss = np.repeat(np.arange(n), t), np.tile(np.arange(t), n)
    on = (ii >= n - n_treated) & (ss + 1 >= first)
    tau = on * effect
    return dict(unit=ii + 1, year=ss + 1, d=on.astype(int), y=y.ravel() + tau, tau=tau)


def panels():
    """The six panels as {name: columns}."""
    kw = dict(n=120, t=10, year0=2011, cohorts=(5, 6, 8), share_never=0.40, n_zones=40)
    return {
        "A1_staggered_balanced": staggered(101, **kw),
        "A2_staggered_unbalanced": unbalance(staggered(102, **kw), 1102, 0.08, 3, 3),
        "A3_counts": counts(103, n=150, t=12, year0=2010, cohorts=(5, 7, 9), share_never=0.45, n_zones=50),
        "A4_non_absorbing": non_absorbing(104, n=200, t=10, year0=2011, p_switch=0.02, start=0.15, n_zones=50),
        "A5_few_treated": few_treated(105, n=100, t=8, year0=2013, n_treated=3, g=5, n_zones=10),
        "A6_block": block(106, n=40, t=30, n_treated=1, first=20, rank=2, sd=0.4),
    }


def timing_panel(n, t, seed=900):
    """Staggered panel for timings: five cohorts, 40 % never treated, zones of 3 units."""
    cohorts = tuple(int(c) for c in np.unique(np.linspace(max(3, t // 4), t - 2, 5).round()))
    return staggered(seed + n + t, n=n, t=t, year0=2000, cohorts=cohorts, share_never=0.4, n_zones=max(2, n // 3))


if __name__ == "__main__":
    out = sys.argv[1] if len(sys.argv) > 1 else "."
    os.makedirs(out, exist_ok=True)
    for name, cols in panels().items():
        _write(os.path.join(out, name + ".csv"), cols)
        print(name, len(cols["y"]), "rows")
    if len(sys.argv) > 2:                      # timing panels into a second folder
        os.makedirs(sys.argv[2], exist_ok=True)
        for n, t in ((300, 12), (581, 40), (10000, 40)):
            _write(os.path.join(sys.argv[2], "timing_%dx%d.csv" % (n, t)), timing_panel(n, t))
