"""What a reader's eye meets on a rendered page: the contrast and size of its text, its pictures and their alt text."""

from __future__ import annotations

from typing import Any

CONTRAST = 4.5  # WCAG 2, level AA, for text of any size
TEXT_PX = 11.0  # JupyterLab's own small print has 10.8, its text 14
LABEL_PX = 12.0
FIGURE = ".jp-OutputArea-output img"
TEXT = ".jp-RenderedHTMLCommon, .jp-OutputArea-output"

# Every piece of text with its contrast: colours as computed, backgrounds blended up to the first that lets nothing
# through. What JupyterLab itself hides (the anchor beside a heading, a style sheet in an output) is no text.
_WORDS = """
roots => {
  const brush = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    brush.clearRect(0, 0, 1, 1); brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = c => {
    const [r, g, b] = c.map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const layer = rgba(getComputedStyle(e).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  for (const folded of document.querySelectorAll('details')) folded.open = true;
  const seen = new Map();
  for (const root of document.querySelectorAll(roots)) {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const element = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
      if (!text || element.closest('style, script, .jp-InternalAnchorLink, .anchor-link')) continue;
      if (!element.getClientRects().length) continue;
      const style = getComputedStyle(element), back = behind(element), ink = over(rgba(style.color), back);
      const [a, b] = [light(ink), light(back)].sort((x, y) => y - x);
      const inside = element.closest('[role=status], details, table, [style*="border-left"], .jupyter-widgets');
      const kind = !inside ? 'text' : inside.matches('[role=status]') ? 'sentence' : inside.matches('table') ? 'table'
        : inside.matches('details') ? 'numbers' : inside.matches('.jupyter-widgets') ? 'control' : 'note';
      const word = {kind, text: text.slice(0, 60), contrast: (a + 0.05) / (b + 0.05), px: parseFloat(style.fontSize),
                    ink: ink.slice(0, 3).map(Math.round).join(), back: back.slice(0, 3).map(Math.round).join()};
      const key = [kind, element.tagName, word.ink, word.back, word.px].join();
      if (!seen.has(key)) seen.set(key, word);
    }
  }
  return [...seen.values()];
}
"""

# Every picture: whether it was decoded, how large it stands on the page, and whether light or dark shines through it.
_PICTURES = """
async chosen => {
  const canvas = document.createElement('canvas'), brush = canvas.getContext('2d', {willReadFrequently: true});
  const told = [];
  for (const img of document.querySelectorAll(chosen)) {
    img.scrollIntoView({block: 'center'});
    await img.decode().catch(() => {});
    [canvas.width, canvas.height] = [img.naturalWidth || 1, img.naturalHeight || 1];
    if (img.naturalWidth) brush.drawImage(img, 0, 0);
    const pixels = brush.getImageData(0, 0, canvas.width, canvas.height).data;
    let opaque = true;
    for (let i = 3; i < pixels.length; i += 4) opaque = opaque && pixels[i] === 255;
    const box = img.getBoundingClientRect();
    told.push({alt: img.alt, natural: [img.naturalWidth, img.naturalHeight], shown: [box.width, box.height],
               face: [...pixels.slice(0, 3)], opaque});
  }
  return told;
}
"""


def words(page: Any) -> list[dict[str, Any]]:
    """One piece of text for each way that text looks on the page, with its contrast and size."""
    return list(page.evaluate(_WORDS, TEXT))


def hard_to_read(found: list[dict[str, Any]]) -> list[str]:
    """The text that is too faint or too small, each in a line."""
    return [
        f"{w['kind']} {w['text']!r}: contrast {w['contrast']:.2f} ({w['ink']} on {w['back']}), {w['px']:g} px"
        for w in found
        if w["contrast"] < CONTRAST or w["px"] < TEXT_PX
    ]


def pictures(page: Any, *, wait_for: int = 0) -> list[dict[str, Any]]:
    """Every picture of the outputs, in order; JupyterLab puts them up one after the other when it has time."""
    for _ in range(120):
        if page.locator(FIGURE).count() >= wait_for:
            break
        page.wait_for_timeout(250)
    return list(page.evaluate(_PICTURES, FIGURE))


def poorly_shown(found: list[dict[str, Any]]) -> list[str]:
    """The pictures that are not there, distorted, too small to read, see-through or without alt text."""
    wrong = []
    for number, picture in enumerate(found, 1):
        (width, height), (shown, high) = picture["natural"], picture["shown"]
        faults = {
            "is not shown": not width or not shown,
            "is distorted": width and abs(high / shown - height / width) > 0.01,
            "is see-through": width and not picture["opaque"],
            "has no alt text": len(picture["alt"].split()) < 5,
            # labels have 10 points, and a picture 120 pixels an inch
            "has labels too small to read": width and 10 * 120 / 72 * shown / width < LABEL_PX,
        }
        wrong += [f"picture {number} ({picture['alt'][:40]!r}) {fault}" for fault, is_so in faults.items() if is_so]
    return wrong
