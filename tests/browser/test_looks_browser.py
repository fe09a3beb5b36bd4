"""The looks that the other tests take: they find what is wrong on a page made to be wrong. Run on request."""

from __future__ import annotations

import base64
import io

import pytest
from looks import hard_to_read, pictures, poorly_shown, words
from PIL import Image

PAGE = """
<body style="background: #fff"><div class="jp-OutputArea-output">
<p>Black on white.</p>
<p style="color: #777">Just too faint.</p>
<p style="color: #0009">Half of black.</p>
<div style="background: #111"><div style="background: #fff3">
<p style="color: #888" role="status">On the dark.</p></div></div>
<table><tr><td style="font-size: 9px">tiny</td></tr></table>
<details><summary>Fold</summary><p style="color: #ccc">Folded.</p></details>
{pictures}</div></body>
"""


def picture(alt: str, size: tuple[int, int], shown: tuple[int, int], opacity: int = 255) -> str:
    png = io.BytesIO()
    Image.new("RGBA", size, (254, 253, 251, opacity)).save(png, "PNG")
    code = base64.b64encode(png.getvalue()).decode("ascii")
    return f'<img alt="{alt}" width="{shown[0]}" height="{shown[1]}" src="data:image/png;base64,{code}">'


@pytest.mark.browser
def test_faint_and_small_text_is_found(page):
    page.set_content(PAGE.format(pictures=""))
    found = hard_to_read(words(page))
    assert [line.split("'")[1] for line in found] == ["Just too faint.", "On the dark.", "tiny", "Folded."]
    assert found[0] == "text 'Just too faint.': contrast 4.48 (119,119,119 on 255,255,255), 16 px"
    assert found[1].startswith("sentence 'On the dark.': contrast 2.90 (136,136,136 on 65,65,65)")


@pytest.mark.browser
def test_pictures_that_are_poorly_shown_are_found(page):
    alt = "Bars of two things that differ"
    shown = picture(alt, (400, 200), (400, 200))
    poor = [
        picture("", (400, 200), (400, 200)),
        picture(alt, (400, 200), (400, 300)),
        picture(alt, (400, 200), (200, 100)),
        picture(alt, (400, 200), (400, 200), opacity=254),
        f'<img alt="{alt}" width="400" height="200" src="data:image/png;base64,AAAA">',
    ]
    page.set_content(PAGE.format(pictures=shown + "".join(poor)))
    assert [line.split(") ")[1] for line in poorly_shown(pictures(page))] == [
        "has no alt text",
        "is distorted",
        "has labels too small to read",
        "is see-through",
        "is not shown",
    ]
