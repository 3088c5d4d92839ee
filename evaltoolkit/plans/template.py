"""A commented plan to begin with."""

from __future__ import annotations

from importlib import resources


def plan_template() -> str:
    """Return the text of a commented example plan, ready to be edited and read with ``load_plan``."""
    return (resources.files("evaltoolkit") / "data" / "plan_template.toml").read_text(encoding="utf-8")
