"""Drawings as inline SVG: matplotlib draws, the page colours and letters them.

Colours are stand-ins that become CSS variables, so a drawing follows the theme. Texts are stand-ins that become
`<text>` in the page's own font: any script is shown, and no text of the user's passes through matplotlib. Each
drawing is made twice, for a wide page and for a phone, and the page shows the one that fits.
"""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bertune.base.wording import visible
from bertune.report.elements import tag
from bertune.report.words import number

INK, MUTED, LINE, ACCENT, PAPER, WARN = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", ACCENT: "accent", PAPER: "paper", WARN: "warn"}
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "path.simplify": True,
    "font.size": 12,
    "text.color": MUTED,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.linewidth": 1,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.pad": 6,
}


class Labels:
    """Texts of a drawing: each call keeps one and gives the stand-in that matplotlib may see."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: object) -> str:
        self.texts.append(visible(str(text)))
        return f"@{len(self.texts) - 1}@"


class Canvas:
    """Where a drawing is painted: the figure, its size in pixels, and `say` for its texts."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        self.say = Labels()

    @property
    def narrow(self) -> bool:
        """Whether this is the drawing for a phone."""
        return self.width < 500

    def axes(self, left: float, top: float, width: float, height: float, **options: Any) -> Any:
        """Axes at a place given in pixels from the top left corner."""
        w, h = self.width, self.height
        return self.figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h), **options)


def thousands(axis: Any) -> None:
    """Write the ticks of an axis as whole numbers with thousands separated."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def drawing(
    paint: Callable[[Canvas], None], salt: str, title: str, wide: tuple[int, int], narrow: tuple[int, int]
) -> Markup:
    """The drawing in both sizes (width and height in pixels); `title` is read aloud instead of it."""
    return tag("div", _one(paint, salt, title, wide, "wide"), _one(paint, salt, title, narrow, "narrow"))


def _one(paint: Callable[[Canvas], None], salt: str, title: str, size: tuple[int, int], kind: str) -> Markup:
    style: Any = {**_STYLE, "svg.hashsalt": f"{salt}-{kind}"}
    with matplotlib.rc_context(style):
        canvas = Canvas(*size)
        paint(canvas)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        canvas.figure.savefig(buffer, format="svg", metadata=nothing)
    body = _themed(buffer.getvalue(), canvas.say.texts)
    return tag(
        "svg",
        Markup(body),
        class_=f"drawing {kind}",
        viewBox=f"0 0 {size[0]} {size[1]}",
        width=size[0],
        height=size[1],
        role="img",
        aria_label=title,
    )


def _themed(svg: str, texts: list[str]) -> str:
    """The inside of an SVG with the stand-ins for colours and texts replaced, and nothing superfluous."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r"<g id=\"[^\"]*\"", "<g", body)
    body = re.sub(r"font-family: [^;\"]*;?\s?", "", body)
    body = re.sub(r" transform=\"rotate\(-0 [^\"]*\"", "", body)
    body = re.sub(r"=\"[^\"]*\"", lambda m: re.sub(r"(\d+\.\d{2})\d+", r"\1", m[0]), body)
    body = re.sub(r">\s+<", "><", body)
    body = re.sub(r" *\n *", " ", body)
    for stand_in, variable in _VARIABLES.items():
        body = body.replace(stand_in, f"var(--{variable})")
    return re.sub(r"@(\d+)@", lambda m: str(escape(texts[int(m[1])])), body)
