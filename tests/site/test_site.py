"""The built site as its readers meet it: complete, linked, searched, by keyboard, on narrow and on dark screens.

`make test-site` builds it first.
"""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from types import FunctionType
from urllib.parse import unquote, urldefrag, urljoin

import nbformat
import pytest
from browser.lab import chromium, new_page, served
from bs4 import BeautifulSoup
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent.parent
SITE = ROOT / "build" / "site"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "_static" not in path.parts)
NOTEBOOKS = sorted((ROOT / "notebooks" / "solved").glob("*.ipynb"))
SHELVES = (
    "data",
    "prediction",
    "decision",
    "action",
    "feedback",
    "checkup",
    "ledger",
    "loop",
    "desk",
    "shop",
    "datasets",
    "figures",
)

pytestmark = pytest.mark.browser

LOADED = """() => [...document.images].every(img => img.complete)
  && document.getAnimations().every(animation => animation.playState !== 'running')"""
UNFOLD = "() => document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
# Pictures without alt text, not loaded, or out of proportion.
BAD_IMAGES = """() => [...document.images].filter(img => !(img.getAttribute('alt') || '').trim() || !img.naturalWidth
  || Math.abs(img.width / img.height / (img.naturalWidth / img.naturalHeight) - 1) > 0.02).map(img => img.alt)"""
# What reaches over the edge of the screen and cannot be scrolled into view in a box of its own.
TOO_WIDE = """() => {
  const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX);
  const over = e => { const box = e.getBoundingClientRect();
    return box.width && (box.right > innerWidth + 1 || box.left < -1); };
  const boxed = e => { for (let up = e.parentElement; up !== document.body; up = up.parentElement)
    if (scrolls(up) && !over(up)) return true; };
  const found = [...document.querySelectorAll('.bd-article *')].filter(e => over(e) && !boxed(e));
  return [document.documentElement.scrollWidth - innerWidth, ...found.map(e => e.outerHTML.slice(0, 80))];
}"""
FOCUSED = "() => document.activeElement.innerText || document.activeElement.getAttribute('aria-label')"
OUTLINED = """() => { const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
  return (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) || / [2-9]px$/.test(boxShadow); }"""


@pytest.fixture(scope="session")
def address():
    """Where the site is served."""
    assert (SITE / "index.html").exists(), "the site is not built: make site"
    with served(SITE) as there:
        yield there


@pytest.fixture(scope="session")
def browser():
    """The one Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser):
    """A page without a past; afterwards: it asked nothing of other machines, and no script failed."""
    with new_page(browser) as blank:
        yield blank
        assert blank.abroad == []
        assert blank.faults == []


@pytest.fixture(scope="session")
def axe():
    """The accessibility checker, where the extra `browser` is installed."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


def read(page: str) -> BeautifulSoup:
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


def test_everything_is_there():
    wanted = {"index.html", "recipes.html", "datasets/README.html", "reference/index.html", "search.html"}
    wanted |= {f"notebooks/solved/{path.stem}.html" for path in NOTEBOOKS}
    wanted |= {f"reference/{name}.html" for name in SHELVES}
    pages = ("architecture", "adding", "decisions/index", "world", "course", "coverage")
    wanted |= {f"docs/{name}.html" for name in pages}
    wanted |= {"CONTRIBUTING.html", "CHANGELOG.html", "SECURITY.html"}
    assert wanted - set(PAGES) == set(), "make site"
    contents = {
        urljoin("index.html", link["href"]) for link in read("index.html").select(".bd-sidebar-primary a[href]")
    }
    assert wanted - contents - {"index.html", "search.html"} == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_whole(path):
    cells = nbformat.read(path, as_version=4).cells
    name = f"notebooks/solved/{path.stem}.html"
    page, recipes = read(name), read("recipes.html")
    assert len(page.select("div.cell_input")) == sum(cell.cell_type == "code" for cell in cells)
    outputs = [output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    pictures = [img["alt"] for img in page.select(".cell_output img")]
    assert pictures == [output.metadata["image/png"]["alt"] for output in outputs]
    lifted = [cell.source.strip() for cell in cells if "lift-out" in cell.metadata.get("tags", [])]
    assert lifted
    assert set(lifted) <= {code.get_text().strip() for code in recipes.select("div.highlight pre")}
    assert name in {link["href"].partition("#")[0] for link in recipes.select("article a")}


@pytest.mark.parametrize("name", SHELVES)
def test_every_public_name_is_documented(name):
    module = importlib.import_module(f"mllayers.{name}")
    told = getattr(module, "__all__", ["load_orders", "load_customers", "load_pilot", "load_leads"])
    names = [f"{module.__name__}.{it}" for it in told if isinstance(getattr(module, it), (type, FunctionType))]
    shown, listed = read(f"reference/{name}.html"), read("reference/index.html")
    also = {link["href"].rpartition(".")[2] for link in shown.select('article a[href*="#mllayers."]')}
    assert [it for it in names if shown.find(id=it) is None and it.rpartition(".")[2] not in also] == []
    known = {link["href"].partition("#")[2] for link in listed.select("table a[href]")}
    assert [it for it in names if it not in known and shown.find(id=it)] == []


def test_links_and_anchors_resolve(record_property, capsys):
    ids = {page: {tag["id"] for tag in read(page).select("[id]")} for page in PAGES}
    broken, abroad = [], set()
    for page in PAGES:
        for tag in read(page).select("[href], [src]"):
            target = tag.get("href") or tag.get("src")
            if target.startswith(("http:", "https:", "mailto:")):
                abroad.add(target)
            elif not target.startswith("data:"):
                where, anchor = urldefrag(urljoin(page, target))
                where = unquote(where.partition("?")[0])
                if not (SITE / where).is_file() or (anchor and where in ids and unquote(anchor) not in ids[where]):
                    broken.append(f"{page}: {target}")
    record_property("links_abroad", sorted(abroad))
    with capsys.disabled():
        print(f"\n{len(PAGES)} pages; links that lead elsewhere (not followed): {', '.join(sorted(abroad))}")
    assert broken == []


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 375)])
@pytest.mark.parametrize("name", PAGES)
def test_page(page, address, axe, name, theme, width):
    """Nothing comes from elsewhere; nothing is too wide; pictures have their words; axe-core finds nothing serious."""
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=theme)
    page.goto(f"{address}/{name}")
    page.wait_for_function(LOADED)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.evaluate(UNFOLD)
    assert page.evaluate(BAD_IMAGES) == []
    assert page.evaluate(TOO_WIDE) == [0]
    found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = {
        it["id"]: [node["html"][:200] for node in it["nodes"]]
        for it in found
        if it["impact"] in ("serious", "critical")
    }
    assert serious == {}


@pytest.mark.parametrize("place", ["served", "on disk"])
def test_search_finds_words(page, address, place):
    """Without a server, too: the folder can be opened as it is."""
    page.goto(f"{address if place == 'served' else SITE.as_uri()}/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("Horvitz")
    page.keyboard.press("Enter")
    page.get_by_text("Search finished").wait_for()
    found = [link.get_attribute("href") for link in page.query_selector_all("#search-results li a")]
    assert any("notebooks/solved/01_data.html" in link for link in found)
    assert any("reference/data.html" in link for link in found)
    page.goto(f"{page.url.partition('?')[0]}?q=xylophone")
    page.get_by_text("did not match any documents").wait_for()
    if place == "on disk":  # a browser lets no page read its neighbours on a disk: results come without their excerpts
        assert set(page.faults) <= {"Failed to fetch"}
        page.faults.clear()


def test_a_still_page_does_not_ask_to_run_a_cell():
    assert [page for page in PAGES if "Run this cell to move" in read(page).get_text()] == []


def test_the_boxes_of_the_home_page_lead_to_the_layers(page, address):
    page.goto(f"{address}/index.html")
    for number, path in enumerate(NOTEBOOKS):
        page.locator("ol.layers a").nth(number).click()
        assert page.url == f"{address}/notebooks/solved/{path.stem}.html"
        page.go_back()


@pytest.mark.parametrize("place", ["served", "on disk"])
def test_a_recipe_can_be_copied(page, address, place):
    page.goto(f"{address if place == 'served' else SITE.as_uri()}/recipes.html")
    codes = page.locator("article div.highlight-python pre")
    buttons = page.locator("button.copy")
    assert buttons.count() == codes.count() >= 2 + len(NOTEBOOKS)
    wanted = codes.nth(1).inner_text()
    if place == "served":
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    buttons.nth(1).focus()
    page.keyboard.press("Enter")
    buttons.nth(1).get_by_text("Copied").or_(page.get_by_text("Copied")).first.wait_for()
    if place == "served":
        assert page.evaluate("navigator.clipboard.readText()").strip() == wanted.strip()


@pytest.mark.parametrize("name", ["index.html", "notebooks/solved/03_decision.html"])
def test_keyboard(page, address, name):
    """The first stop skips to the content; each of the others can be seen."""
    page.goto(f"{address}/{name}")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to main content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.goto(f"{address}/{name}")
    stops = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        page.wait_for_function(OUTLINED, timeout=2_000)
    assert {"Recipes", "Color mode"} <= set(stops)
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.type") != "search"


def test_the_theme_can_be_chosen_and_figures_keep_their_colours(page, address):
    page.goto(f"{address}/notebooks/solved/03_decision.html")
    pictures = []
    for theme in ("Light", "Dark"):
        page.get_by_label("Color mode").locator("visible=true").click()
        page.locator(".theme-change-button:visible", has_text=theme).click()
        assert page.evaluate("document.documentElement.dataset.theme") == theme.lower()
        page.keyboard.press("Escape")
        figure = page.locator(".cell_output img").first
        assert figure.evaluate("img => getComputedStyle(img).filter") == "none"
        picture = Image.open(io.BytesIO(figure.screenshot())).convert("RGB")
        pictures.append(picture.crop((2, 2, picture.width - 2, picture.height - 2)))  # its edge may share pixels
    assert pictures[0] == pictures[1]
