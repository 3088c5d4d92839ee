"""Tables of values as officers could give them, for property tests: each question answered, missing or left out."""

from hypothesis import strategies as st

from evaltoolkit.framework.values import MISSING, value_table

MONTHS = st.builds(lambda year, month: f"{year}-{month:02d}", st.integers(2000, 2030), st.integers(1, 12))


def answers(part):
    """Return a strategy of (value, text) for a part."""
    nan = float("nan")
    if part.type == "month":
        return MONTHS.map(lambda text: (nan, text))
    if part.type in ("choice", "multi"):
        codes = [option.code for option in part.options]
        if part.type == "choice":
            return st.sampled_from(codes).map(lambda code: (nan, code))
        chosen = st.sets(st.sampled_from(codes))
        return chosen.map(lambda some: (nan, ";".join(code for code in codes if code in some)))
    if part.type == "yes_no":
        return st.sampled_from([0.0, 1.0]).map(lambda value: (value, ""))
    low = part.minimum if part.minimum is not None else 0
    high = part.maximum if part.maximum is not None else 10**6
    if part.type == "count":
        return st.integers(int(low), int(high)).map(lambda value: (float(value), ""))
    # fifteen digits are what a spreadsheet keeps
    numbers = st.floats(low, high, allow_nan=False).map(lambda value: float(f"{value:.12g}"))
    return numbers.filter(lambda value: low <= value <= high).map(lambda value: (value, ""))


@st.composite
def tables(draw, questions, unit="Z01", kind="livc_r"):
    """Draw a table for (indicator, part, period, wording); at least one question is answered."""
    rows = []
    for number, (indicator, part, period, wording) in enumerate(questions):
        status = draw(st.sampled_from(("registered", "registered", "reconstructed", "", *MISSING)))
        if not status and (rows or number < len(questions) - 1):
            continue
        status = status or "registered"
        value, text = (float("nan"), "") if status in MISSING else draw(answers(part))
        base = {"unit_kind": kind, "unit": unit, "period": period, "indicator": indicator.id, "part": part.id}
        rows.append({**base, "value": value, "text": text, "status": status, "source": "t", "wording": wording})
    return value_table(rows)
