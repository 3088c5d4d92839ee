"""What an engine is: a package, and the methods that it can re-estimate."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evaltoolkit.audit.question import Question
from evaltoolkit.audit.rows import Figure
from evaltoolkit.designs.features import Feature

Answer = Callable[[Question, Any], list[Figure]]


def _nothing(question: Question) -> str:
    del question
    return ""


@dataclass(frozen=True)
class Task:
    """One method that an engine can re-estimate.

    Attributes
    ----------
    answer : called with the question and the imported package
    accepts : what a design may have
    refuses : code of the reason why this question is none for the engine; empty where it is one
    """

    answer: Answer
    accepts: frozenset[Feature]
    refuses: Callable[[Question], str] = _nothing


@dataclass(frozen=True)
class Engine:
    """One package.

    Attributes
    ----------
    name : as it is installed and told
    module : as it is found
    tasks : method -> task
    loads : what is imported, where that is not the module itself
    """

    name: str
    module: str
    tasks: Mapping[str, Task]
    loads: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be imported; nothing is."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Its version, empty where it is not installed."""
        return importlib.metadata.version(self.name) if self.installed else ""

    def load(self) -> Any:
        """Import it."""
        return importlib.import_module(self.loads or self.module)

    def why_not(self, question: Question) -> str:
        """Return the code of the reason why it cannot take a question, or an empty string."""
        if not self.installed:
            return "not_installed"
        task = self.tasks.get(question.method)
        if task is None:
            return "method_not_offered"
        cannot = sorted(question.features - task.accepts)
        return f"cannot_use:{cannot[0]}" if cannot else task.refuses(question)
