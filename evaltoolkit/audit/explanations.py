"""Why two packages may differ, or cannot be compared: a code and a sentence for each."""

from __future__ import annotations

from evaltoolkit.designs.features import describe_feature

# conventions: each stands for a number that was computed and that closed the gap
EXPLAINED = {
    "small_sample_factor": "the engine multiplies clustered standard errors by sqrt(G/(G-1) (N-1)/(N-K)); ours have no "
    "small-sample factor. Multiplied by it, ours are theirs.",
    "cluster_factor": "the engine multiplies clustered standard errors by sqrt(G/(G-1)); ours have no small-sample "
    "factor. Multiplied by it, ours are theirs.",
    "divided_by_treated": "doubly robust with covariates: the engine divides the odds weights of comparison units by "
    "the number of treated units, the toolkit (as R's did) by their sum. Computed that way, ours are theirs.",
    "gaps_as_cross_sections": "with missing rows the engine takes the two periods of a comparison as separate "
    'cross-sections, the toolkit the units seen in both. With missing="repeated_cross_sections" ours are theirs.',
    "weighted_by_rows": "with missing rows the engine averages over observed treated rows, the toolkit weights cohorts "
    "by their size. Averaged over rows, ours are theirs.",
    "gardner_moments": "the engine's standard errors are those of Gardner's two stages, the toolkit's by default those "
    'of Borusyak, Jaravel and Spiess. With se="gardner" ours are theirs.',
    "stops_early": "the engine stops its search for weights where R's synthdid stops, the toolkit at the optimum. With "
    'solver="synthdid" ours are theirs.',
    "cohort_centred": "the engine centres what units add to an effect cohort by cohort, comparison units included; the "
    "toolkit, as DIDmultiplegtDYN, centres comparison units together and scales by sqrt(c/(c-1)). Centred by cohort, "
    "ours are theirs.",
    "covariances_left_out": "the engine averages the effects weighted by the treatment received in each period, as its "
    "result says, and adds up their variances as if they were independent; the toolkit, as DIDmultiplegtDYN, divides "
    "the summed effects by the treatment received and counts their covariances. Added up the engine's way, ours are "
    "theirs; its standard error is too small where effects move together.",
    "counted_from_anticipation": "the engine's overall effect counts the periods in which treatment is anticipated, "
    "the toolkit's those from treatment on. Counted from anticipation, ours are theirs.",
    "weighted_by_pairs": "with missing rows the engine weights each effect by the treated units seen in both periods "
    "of its comparison, the toolkit by the size of the cohort. Weighted so, ours are theirs.",
    "did2s_tolerance": "pyfixest's did2s stops demeaning at 1e-6 and has no option to go on: its numbers are within "
    "1e-4 of ours.",
    "all_periods_before": "with a non-linear family the engine has no coefficients before treatment, so that all "
    "periods before it are the reference, the toolkit's is the last one. With that reference ours are theirs.",
}

NOT_COMPARED = {
    "not_installed": "the engine is not installed",
    "method_not_offered": "the engine has no such method, or none that returns comparable numbers",
    "option_not_offered": "the engine does not offer this option of the method",
    "not_given": "the engine gives no number for these rows",
    "undefined_here": "the toolkit gives no estimate here, and says why; the engine does",
    "no_error_here": "the toolkit gives no standard error here, and says why; the engine does",
    "one_cohort_only": "with more than one cohort the engine averages curves fitted cohort by cohort: another number",
    "last_cohort_before": "where nobody stays untreated the engine counts periods before treatment of the last cohort, "
    "which the toolkit, as R's did, only compares with",
    "one_untreated_row": "the engine drops units with a single untreated row from its first stage, and then stops",
    "start_not_observed": "the engine takes the first treated period that is observed for the start of treatment; some "
    "units have no row in theirs, so that it would estimate other cohorts",
    "shared_period": "two cohorts of the design start between the same two periods: an engine cannot tell them apart",
    "late_starters": "units that start after the last period count as never treated in an engine, and anticipate here",
    "no_clusters": "the engine clusters by unit only, unless it resamples",
    "not_binary": "the engine takes a treatment of 0 and 1 only",
    "toolkit_refuses": "the toolkit's own method refuses this design",
}

FAILED = {"engine_failed": "the engine stopped with an error of its own"}
UNEXPLAINED = {
    "unexplained": "no known convention of the engine closes this gap: look into it before you rely on either"
}
AGREES = {"": ""}


def explain(code: str) -> str:
    """Return the sentence of a code; conventions that act together are joined by a plus."""
    if "+" in code:
        return " And: ".join(explain(one) for one in code.split("+"))
    if code.startswith("cannot_use:"):
        return f"the engine's method cannot use {describe_feature(code.partition(':')[2])}"  # type: ignore[arg-type]
    return {**EXPLAINED, **NOT_COMPARED, **FAILED, **UNEXPLAINED, **AGREES}[code]
