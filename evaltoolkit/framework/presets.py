"""The framework under the name that a comparable platform has in another country."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.framework.indicator import Composite, Framework, Indicator, Label
from evaltoolkit.i18n import LANGUAGES

# the word "LIVC-R" or "CSIL-R", its plural ending, and the word before it, which tells the plural where no ending does
_PLURALS = {"fr": "les|des|ces|aux|plusieurs", "de": "viele|vieler|mehrere|mehrerer|nur", "nl": "", "en": ""}
_ENDINGS = {"nl": "['’]s", "en": "s", "fr": "", "de": "s"}


class Preset(BaseModel):
    """A comparable platform: its short name in the four languages, and what a user should look at again.

    The names are chosen so that the articles and endings of the texts still fit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    country: Label
    names: Label
    plurals: Label
    note: Label


@cache
def list_presets() -> dict[str, Preset]:
    """Return the presets by country code."""
    file = resources.files("evaltoolkit") / "data" / "framework" / "livc_r" / "presets.toml"
    found = [Preset.model_validate(one) for one in tomllib.loads(file.read_text(encoding="utf-8"))["presets"]]
    return {one.id: one for one in found}


def rename_platform(framework: Framework, platform: str) -> Framework:
    """Return the framework with another platform's name wherever its texts say LIVC-R or CSIL-R.

    Ids, parts, codes and rules stay what they are, so that answers from two countries stand in one table. What differs
    in law and membership is named in the preset's ``note``: names alone make nothing comparable.

    Parameters
    ----------
    framework : Framework
    platform : {"nl", "uk", "dk", "fi", "de", "fr"}

    Raises
    ------
    EvaltoolkitError
        Unknown platform.
    """
    presets = list_presets()
    if platform not in presets:
        known = ", ".join(f"{one.id} ({one.names.en})" for one in presets.values())
        raise EvaltoolkitError(f'There is no platform "{platform}". Known: {known}.{nearest(platform, presets)}')
    preset = presets[platform]
    return framework.model_copy(
        update={
            "name": f"{framework.name}-{platform}",
            "indicators": tuple(_renamed(one, Indicator, preset) for one in framework.indicators),
            "composites": tuple(_renamed(one, Composite, preset) for one in framework.composites),
        }
    )


def _renamed(one: Any, model: type[Any], preset: Preset) -> Any:
    return model.model_validate(_walk(one.model_dump(), preset, ""))


def _walk(entry: Any, preset: Preset, language: str) -> Any:
    if isinstance(entry, dict):
        return {key: _walk(part, preset, key if key in LANGUAGES else language) for key, part in entry.items()}
    if isinstance(entry, list | tuple):
        return [_walk(part, preset, language) for part in entry]
    return _say(entry, preset, language) if isinstance(entry, str) and language else entry


def _say(text: str, preset: Preset, language: str) -> str:
    one, many = preset.names.in_(language), preset.plurals.in_(language)
    ending = _ENDINGS[language]
    if ending:
        text = re.sub(rf"\b(?:LIVC|CSIL)-R{ending}\b", many, text)
    if words := _PLURALS[language]:
        text = re.sub(rf"\b({words})( [a-zäöüßéèê]+)? (?:LIVC|CSIL)-R\b", rf"\1\2 {many}", text, flags=re.IGNORECASE)
    return re.sub(r"\b(?:LIVC|CSIL)-R\b", one, text)
