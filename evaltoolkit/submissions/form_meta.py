"""What a form is and for whom; it goes out with the form and is checked when it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import asdict, dataclass, fields

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.values import UNIT_KINDS
from evaltoolkit.i18n import LANGUAGES

MAX_EARLIER = 5
_YES_NO = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class FormMeta:
    """What a form is and for whom; stored in the workbook and checked when it returns.

    Parameters
    ----------
    framework, framework_version, form : str
    unit_kind : {"municipality", "livc_r"}
    unit : str
        Code of the respondent.
    members : tuple of str
        Codes of the municipalities that the respondent answers for.
    vintage : str
        Division of municipalities that the codes belong to.
    period : str
        Label of the reporting period.
    earlier : tuple of str
        Labels of up to five earlier periods, latest first.
    language : {"nl", "fr", "de", "en"}
    agreement : bool
        There is a processing agreement: exact small counts (indicators with entry ``agreement``) are asked too.
    """

    framework: str
    framework_version: str
    form: str
    unit_kind: str
    unit: str
    members: tuple[str, ...]
    vintage: str
    period: str
    earlier: tuple[str, ...]
    language: str
    agreement: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (("unit_kind", self.unit_kind, UNIT_KINDS), ("language", self.language, LANGUAGES)):
            if value not in known:
                raise EvaltoolkitError(f'{name} "{value}" must be one of {", ".join(known)}.{nearest(value, known)}')
        labels = (self.period, *self.earlier)
        for label in labels:
            Period.parse(label)
        if len(set(labels)) != len(labels) or len(self.earlier) > MAX_EARLIER:
            raise EvaltoolkitError(
                f"A form has at most {MAX_EARLIER} earlier periods, all different: {'; '.join(labels)}."
            )

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> FormMeta:
        """Read the metadata as they stand in a workbook; a missing key or a bad value raises EvaltoolkitError."""
        missing = [f.name for f in fields(cls) if f.name not in texts and f.default is NO_DEFAULT]
        if missing:
            raise EvaltoolkitError(f"The form's metadata lack {', '.join(missing)}.")
        known = {field.name: texts.get(field.name, "") for field in fields(cls)}
        lists = {name: tuple(code for code in known.pop(name).split(";") if code) for name in ("members", "earlier")}
        agreement = known.pop("agreement")
        if agreement not in ("", *_YES_NO.values()):
            raise EvaltoolkitError(f'agreement "{agreement[:20]}" must be one of {", ".join(_YES_NO.values())}.')
        return cls(**known, **lists, agreement=agreement == _YES_NO[True])  # type: ignore[arg-type]

    def to_texts(self) -> dict[str, str]:
        """Return the metadata as they are written into a workbook."""
        texts = {key: ";".join(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return texts | {"agreement": _YES_NO[self.agreement]}
