"""Asking a person one thing at a time: a wrong answer is asked again, with what is wrong about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evaltoolkit.findings import Fact
from evaltoolkit.i18n import Words

Answer = TypeVar("Answer")
Option = tuple[str, str]

_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
# 1.500 is one and a half to some and fifteen hundred to others; 0.025 is clear
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


class WrongAnswerError(Exception):
    """An answer that cannot be used; the message tells the person why."""


@dataclass(frozen=True)
class Talk:
    """A language and somebody who answers: ``ask`` shows a text and returns what was typed."""

    words: Words
    ask: Callable[[str], str]

    def say(self, code: str, **facts: Fact) -> str:
        """Return a sentence of the dialogue."""
        return self.words.say(f"plan_new.{code}", **facts)

    def wrong(self, code: str, **facts: Fact) -> WrongAnswerError:
        """Return the error that says what is wrong with an answer."""
        return WrongAnswerError(self.say(f"wrong.{code}", **facts))

    def answer(
        self, prompt: str, read: Callable[[str], Answer], *, default: str | None = None, before: str = ""
    ) -> Answer:
        """Ask until ``read`` can use the answer; an empty answer stands for the default; ``before`` is told once."""
        end = f" [{default}] " if default else " "
        shown = f"{before}\n\n{prompt}" if before else prompt
        while True:
            typed = " ".join(self.ask(f"\n{shown}\n>{end}").split())
            try:
                return read(self._savable(typed) or default or "")
            except WrongAnswerError as wrong:
                shown = f"{wrong}\n{prompt}"

    def _savable(self, typed: str) -> str:
        try:
            typed.encode("utf-8")
        except UnicodeEncodeError:
            raise self.wrong("characters") from None
        return typed

    def text(self, prompt: str, *, before: str = "") -> str:
        """Ask for words."""

        def read(typed: str) -> str:
            if not typed:
                raise self.wrong("empty")
            return typed

        return self.answer(prompt, read, before=before)

    def choose(self, prompt: str, options: Sequence[Option], *, default: str = "") -> str:
        """Ask for one of the options, each a code and a label; the number, code or label is accepted."""
        first = next((str(number) for number, (code, _) in enumerate(options, 1) if code == default), None)
        listed = "\n".join([prompt, *self.listed(options)])
        return self.answer(listed, lambda typed: self.pick(typed, options), default=first)

    def listed(self, options: Sequence[Option]) -> list[str]:
        """Return the options as numbered lines."""
        return [f"  {number:>2}. {label}" for number, (_, label) in enumerate(options, 1)]

    def pick(self, typed: str, options: Sequence[Option]) -> str:
        """Return the code of the option that was typed."""
        if not typed:
            raise self.wrong("empty")
        for number, (code, label) in enumerate(options, 1):
            if typed.casefold() in (str(number), code.casefold(), label.casefold()):
                return code
        raise self.wrong("choice", given=typed, last=len(options))

    def yes_or_no(self, prompt: str, *, default: bool) -> bool:
        """Ask yes or no."""
        options = [("true", self.say("ask.yes")), ("false", self.say("ask.no"))]
        return self.choose(prompt, options, default=str(default).lower()) == "true"

    def number(self, typed: str, *, most: float | None = None) -> float:
        """Return the positive number that was typed, with a decimal point or comma."""
        if not typed:
            raise self.wrong("empty")
        if not _NUMBER.fullmatch(typed):
            raise self.wrong("number", given=typed, example=2.5)
        if _THOUSANDS.fullmatch(typed):
            raise self.wrong("thousands", given=typed)
        value = float(typed.replace(",", "."))
        if value <= 0:
            raise self.wrong("positive")
        if most is not None and value > most:
            raise self.wrong("too_large", given=typed, most=most)
        return value

    def whole(self, prompt: str, *, default: int) -> int:
        """Ask for a whole number, zero or more."""

        def read(typed: str) -> int:
            # what TOML can hold
            if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
                raise self.wrong("whole", given=typed)
            return int(typed)

        return self.answer(prompt, read, default=str(default))
