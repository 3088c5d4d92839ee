"""The checklist for the assessment of data protection: questions to answer before collecting."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from evaltoolkit.framework.indicator import Label


class Item(BaseModel):
    """One question, why it matters, and what the toolkit does about it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    question: Label
    why: Label
    where: Label


@cache
def checklist() -> tuple[Item, ...]:
    """Return the items in order; it helps to prepare an assessment and is no legal advice."""
    file = resources.files("evaltoolkit") / "data" / "framework" / "livc_r" / "dpia.toml"
    return tuple(Item.model_validate(one) for one in tomllib.loads(file.read_text(encoding="utf-8"))["item"])
