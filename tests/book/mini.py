"""A book of three pages on the real book's configuration, to plant faults in."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
BIN = ROOT / ".venv-book" / "bin"

TOC = """format: jb-book
root: index
parts:
  - caption: policymakers
    chapters:
      - file: policymakers/page
  - caption: evaluators
    chapters:
      - file: evaluators/page
"""
INDEX = "# First page\n\nWelcome. See [the page](policymakers/page.md).\n"
POLICY = """# A page

:::{admonition} In short
:class: in-short
- One thing.
- Another thing.
- A third thing.
:::

Half of them, 50 per cent, do. {claim}`high:reasoned`

:::{admonition} Checklist
:class: checklist
- We looked.
:::
"""
CHAPTER = """---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
data: simulated
---
# A chapter

```{code-cell} ipython3
import evaltoolkit as et
len(et.simulate_world(1).cells) > 0
```
"""


def write_book(folder, *, policy=POLICY, chapter=CHAPTER, index=INDEX):
    """Write the pages beside the real book's configuration; its demonstration is not run again."""
    for name in ("_config.yml", "references.bib"):
        shutil.copy(BOOK / name, folder)
    for name in ("_ext", "_static", "_templates", "locale"):
        shutil.copytree(BOOK / name, folder / name, ignore=shutil.ignore_patterns("*.mo", "__pycache__"))
    (folder / "_toc.yml").write_text(TOC)
    for name, text in {"index": index, "policymakers/page": policy, "evaluators/page": chapter}.items():
        path = folder / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "_build").mkdir()
    if (BOOK / "_build" / "story").is_dir():
        shutil.copytree(BOOK / "_build" / "story", folder / "_build" / "story")
    return folder


def build(book, *, language="en", package=None):
    """Build the mini book strictly; returns the exit status, what was said, and the folder of pages."""
    path = os.pathsep.join([str(book / "_ext"), *([str(package)] if package else [])])
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run([BIN / "jupyter-book", "config", "sphinx", book], check=True, capture_output=True, env=environment)
    out = book / "_build" / "site" / language
    done = subprocess.run(
        [
            *(BIN / "sphinx-build", "-W", "-n", "--keep-going", "-q", "-b", "html"),
            *("-D", f"language={language}", "-d", book / "_build" / f"doctrees-{language}", book, out),
        ],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, out
