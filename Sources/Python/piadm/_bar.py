"""A progress bar in a notebook or a terminal."""
from __future__ import annotations

import html
import sys
from typing import Optional

from ._program import Progress


def bar() -> Optional[Progress]:
    """What suits where this runs; `None` where nobody looks."""
    if "ipykernel" in sys.modules:
        return _notebook()
    return _terminal if sys.stderr.isatty() else None


def _notebook() -> Progress:
    from IPython import display

    handle = display.display(display.HTML(""), display_id=True)

    def show(done: int, total: int, text: str) -> None:
        handle.update(display.HTML(
            f'<progress value="{done}" max="{total}" style="width: 20em"></progress> <code>{html.escape(text)}</code>'))

    return show


def _terminal(done: int, total: int, text: str) -> None:
    width = 24
    filled = width * done // max(1, total)
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r[{'#' * filled}{'.' * (width - filled)}] {text}\x1b[K{end}")
    sys.stderr.flush()
