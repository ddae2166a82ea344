#!/usr/bin/env python3
"""Writes test/stats/scipy-goldens.json: reference figures for src/stats, computed by SciPy.

A development tool; needs scipy (`pip install scipy==1.17.1`). Usage: generate-stats-goldens.py
"""

import itertools
import json
import math
import pathlib

import numpy as np
from scipy import special, stats

TARGET = pathlib.Path(__file__).parent.parent / "test" / "stats" / "scipy-goldens.json"
rng = np.random.default_rng(20240115)


def draw(kind, n, location):
    """n positive samples around `location`, rounded so that JSON holds them exactly."""
    if kind == "normal":
        values = location * (1 + 0.02 * rng.standard_normal(n))
    elif kind == "skewed":
        values = location * np.exp(0.15 * rng.standard_normal(n))
    elif kind == "bimodal":
        values = location * np.where(rng.random(n) < 0.2, 1.4, 1.0) * (1 + 0.01 * rng.standard_normal(n))
    elif kind == "tied":
        values = np.round(location * (1 + 0.03 * rng.standard_normal(n)) * 2) / 2
    else:
        values = location * (1 + 0.1 * rng.standard_t(2, n))
    return np.round(np.abs(values) + 1e-3, 6)


def exact_permutation(x, y):
    """One-sided p-values of U over all relabelings, ties included."""
    pooled = np.concatenate([x, y])
    ranks = stats.rankdata(pooled)
    observed = ranks[: len(x)].sum()
    sums = [sum(c) for c in itertools.combinations(ranks, len(x))]
    greater = sum(s >= observed - 1e-9 for s in sums) / len(sums)
    less = sum(s <= observed + 1e-9 for s in sums) / len(sums)
    return greater, less


def pair_case(kind, m, n, ratio):
    x = draw(kind, m, 20.0)
    y = draw(kind, n, 20.0 * ratio)
    greater = stats.ttest_ind(y, x, equal_var=False, alternative="greater")
    less = stats.ttest_ind(y, x, equal_var=False, alternative="less")
    interval = stats.ttest_ind(y, x, equal_var=False).confidence_interval(0.95)
    ties = len(np.unique(np.concatenate([x, y]))) < m + n
    case = {
        "kind": kind,
        "baseline": x.tolist(),
        "current": y.tolist(),
        "summary": {
            "mean": float(np.mean(y)),
            "std": float(np.std(y, ddof=1)),
            "min": float(np.min(y)),
            "max": float(np.max(y)),
            "median": float(np.median(y)),
        },
        "quantiles": {p: float(np.quantile(y, float(p))) for p in ("0.1", "0.25", "0.9", "0.95", "0.99")},
        "meanInterval": [float(v) for v in stats.t.interval(0.95, n - 1, np.mean(y), stats.sem(y))],
        "welch": {
            "t": float(greater.statistic),
            "df": float(greater.df),
            "pGreater": float(greater.pvalue),
            "pLess": float(less.pvalue),
            "interval": [float(interval.low), float(interval.high)],
        },
        "uNormal": {
            side: float(stats.mannwhitneyu(y, x, alternative=side, method="asymptotic").pvalue)
            for side in ("greater", "less")
        },
        "u": float(stats.mannwhitneyu(y, x).statistic),
        "hodgesLehmann": float(np.median(np.subtract.outer(y, x))),
        "cliffsDelta": float(np.sign(np.subtract.outer(y, x)).mean()),
        "autocorrelation": float(
            ((y[1:] - y.mean()) * (y[:-1] - y.mean())).sum() / ((y - y.mean()) ** 2).sum()
        ),
        "theilSen": float(stats.theilslopes(y, np.arange(n)).slope),
        "kendallP": float(
            stats.kendalltau(np.arange(n), y, method="exact").pvalue if len(np.unique(y)) == n and n <= 9 else math.nan
        ),
    }
    if not ties and m + n <= 50:
        case["uExact"] = {
            side: float(stats.mannwhitneyu(y, x, alternative=side, method="exact").pvalue)
            for side in ("greater", "less")
        }
    elif math.comb(m + n, n) < 200000:
        case["uExact"] = dict(zip(("greater", "less"), exact_permutation(y, x)))
    if math.isnan(case["kendallP"]):
        del case["kendallP"]
    return case


def distribution_cases():
    cases = []
    for df in (1, 2, 2.5, 4, 7.3, 18, 60, 998):
        for t in (-40.0, -3.2, -0.01, 0.0, 0.5, 1.7, 2.9, 8.0, 35.0):
            cases.append({"f": "studentUpper", "args": [t, df], "value": float(stats.t.sf(t, df))})
        for p in (0.005, 0.3, 0.5, 0.9, 0.975, 0.9995):
            cases.append({"f": "studentQuantile", "args": [p, df], "value": float(stats.t.ppf(p, df))})
    for z in (-6.0, -2.0, -0.3, 0.0, 0.7, 1.96, 2.7, 2.9, 5.0, 12.0, 30.0):
        cases.append({"f": "normalUpper", "args": [z], "value": float(stats.norm.sf(z))})
    for p in (1e-12, 1e-5, 0.01, 0.25, 0.5, 0.8, 0.99, 0.999999):
        cases.append({"f": "normalQuantile", "args": [p], "value": float(stats.norm.ppf(p))})
    for x in (0.1, 0.5, 1.0, 1.5, 2.0, 7.25, 40.0, 1234.5):
        cases.append({"f": "logGamma", "args": [x], "value": float(special.gammaln(x))})
    for x, a, b in ((0.1, 0.5, 0.5), (0.4, 2, 3), (0.9, 12, 1.5), (0.02, 0.5, 40), (0.999, 30, 0.5), (0.5, 499, 0.5)):
        cases.append({"f": "incompleteBeta", "args": [x, a, b], "value": float(special.betainc(a, b, x))})
    for table in ((2, 8, 0, 10), (5, 5, 5, 5), (1, 9, 8, 2), (0, 20, 4, 16), (3, 7, 9, 31)):
        value = stats.fisher_exact([table[:2], table[2:]]).pvalue
        cases.append({"f": "fisherExact", "args": list(table), "value": float(value)})
    return cases


def bca_cases():
    """SciPy's BCa on many resamples: ours must agree within the resampling error."""
    cases = []
    for kind, m, n in (("normal", 10, 10), ("skewed", 12, 15), ("skewed", 30, 20), ("normal", 40, 40)):
        x, y = draw(kind, m, 20.0), draw(kind, n, 22.0)
        result = stats.bootstrap(
            (x, y),
            lambda a, b, axis: np.mean(b, axis=axis) / np.mean(a, axis=axis),
            n_resamples=200000,
            method="BCa",
            vectorized=True,
            batch=2000,
            rng=np.random.default_rng(7),
        )
        interval = result.confidence_interval
        cases.append(
            {"baseline": x.tolist(), "current": y.tolist(), "ratioOfMeans": [float(interval.low), float(interval.high)]}
        )
    return cases


SIZES = [(4, 4), (5, 5), (5, 8), (10, 10), (12, 20), (25, 25), (40, 35), (3, 9), (7, 6), (60, 60)]
pairs = []
for kind in ("normal", "skewed", "bimodal", "tied", "heavy"):
    for index, (m, n) in enumerate(SIZES):
        pairs.append(pair_case(kind, m, n, (1.0, 1.05, 0.92)[index % 3]))
TARGET.write_text(
    json.dumps({"scipy": __import__("scipy").__version__, "pairs": pairs, "distributions": distribution_cases(), "bca": bca_cases()})
    + "\n"
)
print(f"{len(pairs)} pairs and {len(distribution_cases())} function values written to {TARGET}")
