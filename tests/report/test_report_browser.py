"""The report in a real browser: both themes, a phone and a desktop, print, no error in the console."""

import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.image as images
import numpy as np
import pytest
from report_runs import CHINESE, CHINESE_TEXTS, full, hostile, minimal

from bertune.report.page import write

CHROMIUM = next((found for n in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(n))), None)
KINDS = ("minimal", "six", "many", "chinese", "hostile")
THEMES = {"light": 1, "dark": 0}
SIZES = {"phone": 390, "small": 360, "desktop": 1280}
PROBE = """
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const paper = getComputedStyle(document.body).backgroundColor;
const shown = [...document.querySelectorAll("svg.drawing")].filter(d => d.getClientRects().length).length;
const small = [...document.querySelectorAll("svg.drawing text")].filter(t => t.getClientRects().length)
  .map(t => t.getBoundingClientRect().height).reduce((a, b) => Math.min(a, b), 99);
const out = [...document.querySelectorAll("svg.drawing text")].filter(t => t.getClientRects().length).filter(t => {
  const a = t.getBoundingClientRect(), b = t.ownerSVGElement.getBoundingClientRect();
  return a.left < b.left - 2 || a.right > b.right + 2 || a.top < b.top - 2 || a.bottom > b.bottom + 2;
}).length;
document.title = `probe ${wide} ${paper.replaceAll(" ", "")} ${shown} ${small} ${out}`;
"""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium at hand")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A written page of each kind."""
    root = tmp_path_factory.mktemp("pages") / "runs"
    runs = {
        "minimal": minimal(root / "minimal-1"),
        "six": full(root / "messages-1", errors=True),
        "many": full(root / "banking-1", classes=[f"intent_{k}_of_the_customer" for k in range(77)], n=400),
        "chinese": full(root / "xiaoxi-1", classes=CHINESE, texts=CHINESE_TEXTS),
        "hostile": hostile(root / "hostile-1"),
    }
    return {kind: write(run, "zh" if kind == "chinese" else "en") for kind, run in runs.items()}


def browse(page: Path, width: int, theme: str, *wishes: str) -> subprocess.CompletedProcess[str]:
    """One visit of a headless browser."""
    assert CHROMIUM is not None
    fixed = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--v=0"]
    theme_wish = f"--blink-settings=preferredColorScheme={THEMES[theme]}"
    profile = f"--user-data-dir={page.parent / 'profile'}"
    command = [CHROMIUM, *fixed, theme_wish, profile, f"--window-size={width},900", *wishes, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def probed(page: Path) -> Path:
    """A copy of the page that measures itself; its policy is widened for the probe alone."""
    html = page.read_text(encoding="utf-8")
    html = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", html.replace("&#39;", "'"), count=1)
    copy = page.with_name("probed.html")
    copy.write_text(html.replace("</body>", f"<script>{PROBE}</script></body>"), encoding="utf-8")
    return copy


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_overflows_and_the_theme_is_followed(kind: str, size: str, theme: str, pages: dict[str, Path]) -> None:
    dom = browse(probed(pages[kind]), SIZES[size], theme, "--dump-dom").stdout
    found = re.search(r"<title>probe (\d+) rgb\((\d+),\d+,\d+\) (\d+) ([\d.]+) (\d+)</title>", dom)
    assert found is not None
    wide, paper, drawings, letters, outside = (float(figure) for figure in found.groups())
    assert wide == 0
    assert paper > 240 if theme == "light" else paper < 40
    assert drawings == (0 if kind == "minimal" else 3)
    assert letters >= 10
    assert outside == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_console_is_silent(kind: str, pages: dict[str, Path]) -> None:
    log = browse(pages[kind], 1280, "light", "--dump-dom").stderr
    assert "CONSOLE" not in log, log


def test_the_console_would_have_spoken(pages: dict[str, Path]) -> None:
    """The silence above means something: a script that the policy forbids is told."""
    page = pages["six"].with_name("bad.html")
    page.write_text(pages["six"].read_text(encoding="utf-8").replace("</body>", "<script>1</script></body>"), "utf-8")
    assert "CONSOLE" in browse(page, 1280, "light", "--dump-dom").stderr


def test_hostile_texts_do_nothing(pages: dict[str, Path]) -> None:
    dom = browse(pages["hostile"], 1280, "light", "--dump-dom").stdout
    assert "<script>alert" not in dom
    assert not re.search(r"<img\b", dom)


def test_tables_can_be_sorted_where_scripts_run(pages: dict[str, Path]) -> None:
    dom = browse(pages["six"], 1280, "light", "--dump-dom").stdout
    assert dom.count('<th scope="col"><button>') >= 4


@pytest.mark.parametrize("theme", THEMES)
def test_the_picture_is_not_empty(theme: str, pages: dict[str, Path]) -> None:
    target = pages["six"].with_name(f"{theme}.png")
    browse(pages["six"], 1280, theme, f"--screenshot={target}")
    picture = images.imread(target)[..., :3]
    assert picture.shape[1] == 1280
    assert np.ptp(picture) > 0.6
    assert (np.median(picture) > 0.9) == (theme == "light")


@pytest.mark.parametrize("kind", ["six", "chinese"])
def test_it_prints(kind: str, pages: dict[str, Path]) -> None:
    target = pages[kind].with_name("report.pdf")
    browse(pages[kind], 1280, "dark", f"--print-to-pdf={target}", "--no-pdf-header-footer")
    content = target.read_bytes()
    assert content.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 16
