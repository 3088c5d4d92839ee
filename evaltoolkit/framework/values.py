"""The long table of values: where every source of data meets.

One row is one answer: ``unit_kind`` (municipality or livc_r), ``unit`` (code as text), ``period`` (label of a
:class:`~evaltoolkit.framework.periods.Period`), ``indicator``, ``part``, ``value`` (number, NaN where none),
``text`` (option codes joined by ``;`` or a month, empty where none), ``status``, ``source`` and ``wording``
(version of the question asked; a change is a break in series).

``source`` traces a row to its origin: ``xlsx:<sha256>/<sheet>!<cell>``, ``json:<sha256>/<indicator>.<part>.<period>``
or ``csv:<sha256>/row <n>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

# Values that carry a number or text ...
ANSWERED = ("registered", "reconstructed")
# ... and typed reasons for having none: don't know, not applicable, refused or not allowed,
# not registered here, suppressed. Written out, because a blank would lose the reason.
MISSING = ("DK", "NAP", "RF", "NR", "SUP")
STATUSES = ANSWERED + MISSING

UNIT_KINDS = ("municipality", "livc_r")

COLUMNS: dict[str, str] = {
    "unit_kind": "str",
    "unit": "str",
    "period": "str",
    "indicator": "str",
    "part": "str",
    "value": "float64",
    "text": "str",
    "status": "str",
    "source": "str",
    "wording": "int64",
}


def value_table(rows: Iterable[Mapping[str, object]] = ()) -> pd.DataFrame:
    """Return rows as a table of values with fixed columns and types."""
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    text = frame["text"].astype("object")
    wording = frame["wording"].astype("float64").fillna(1)
    return frame.assign(text=text.where(text.notna(), ""), wording=wording).astype(COLUMNS)
