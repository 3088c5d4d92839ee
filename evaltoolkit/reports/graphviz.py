"""The one door to Graphviz: from its language to SVG, by the program ``dot``."""

from __future__ import annotations

import subprocess
from textwrap import wrap

from evaltoolkit.findings import EvaltoolkitError


def run_dot(code: str) -> str:
    """Return a drawing as SVG.

    Raises
    ------
    EvaltoolkitError
        Graphviz is not installed, or refuses the drawing.
    """
    try:
        done = subprocess.run(["dot", "-Tsvg"], input=code, capture_output=True, check=True, encoding="utf-8")
    except FileNotFoundError:
        raise EvaltoolkitError(
            'Drawings need Graphviz, and its program "dot" was not found: install the package graphviz and try again.'
        ) from None
    except subprocess.CalledProcessError as error:
        raise EvaltoolkitError(f"Graphviz could not draw this: {str(error.stderr).strip()}") from None
    return done.stdout


def dot_label(*parts: str, width: int = 26, end: str = "\\n") -> str:
    r"""Return texts as one quoted label, each on lines of its own and wrapped.

    ``end`` ends a line: ``\n`` centres it, ``\l`` sets it to the left.
    """
    lines = [line for part in parts if part for line in wrap(part, width)]
    return '"' + "".join(line.replace("\\", "\\\\").replace('"', '\\"') + end for line in lines) + '"'
