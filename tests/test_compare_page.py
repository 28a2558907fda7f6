"""The page of a comparison in a browser: it draws, it listens, and it asks nobody for anything."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import launched, opened
from evaluated import draw_pictures, write_results
from PIL import Image

from plic.core.commands.comparing import compare_results

pytestmark = pytest.mark.slow
POINT = "#plot .scatterlayer .point"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    pictures = draw_pictures(folder / "pictures")
    results = [
        write_results(folder / "a.json", pictures, model="<b>first</b>"),
        write_results(folder / "b.json", pictures, model="second", codec="WEBP"),
    ]
    compare_results([str(one) for one in results], [str(folder / "report.html")])
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as found:
        yield found


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    with opened(browser, report) as found:
        found.page.wait_for_selector(POINT)
        yield found.page
        assert found.complaints == []


def seen(element: Any) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Pixels of an element."""
    image = Image.open(io.BytesIO(element.screenshot())).convert("RGB")
    return np.asarray(image).astype(np.int16)


def test_it_draws_and_needs_no_network(browser: Any, report: Path, tmp_path: Path) -> None:
    with opened(browser, report) as found:
        found.page.wait_for_selector(POINT)
        found.page.screenshot(path=tmp_path / "page.png", full_page=True)
        with Image.open(tmp_path / "page.png") as shot:
            assert np.asarray(shot.convert("L")).std() > 20
        assert {url for url in found.requests if not url.startswith("data:")} == {report.as_uri()}
        assert seen(found.page.locator("#plot")).std() > 5
        assert found.page.locator("#plot .scatterlayer .trace").count() == 2
        assert "<b>first</b>" in found.page.locator("#plot .legend").text_content()
        assert found.complaints == []


def test_the_boundary_follows_the_mouse(page: Any) -> None:
    page.locator("#viewer").scroll_into_view_if_needed()
    before, box = seen(page.locator("#stage")), page.locator("#scroller").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 3, steps=3)
    page.mouse.up()
    assert float(page.locator("#boundary").input_value()) == pytest.approx(25, abs=1)
    after, width = seen(page.locator("#stage")), before.shape[1]
    changed = np.abs(after - before).mean(axis=(0, 2))
    assert changed[width * 5 // 16 : width * 7 // 16].mean() > 0.5  # original before, decoded now
    assert changed[width * 10 // 16 : width * 13 // 16].max() == 0  # decoded before and now


def test_the_boundary_follows_the_keyboard(page: Any) -> None:
    page.locator("#boundary").focus()
    place = "document.getElementById('after').style.clipPath"
    before = page.evaluate(place)
    page.keyboard.press("ArrowRight")
    assert float(page.locator("#boundary").input_value()) == 50.5
    assert page.evaluate(place) != before
    page.keyboard.press("Home")
    assert page.locator("#boundary").input_value() == "0"
    assert page.evaluate(place) == "inset(0px)"


def test_pictures_models_and_qualities_can_be_chosen(page: Any) -> None:
    sources = set()
    for picture in ("0", "1"):
        page.locator("#picture").select_option(picture)
        for model in ("<b>first</b>", "second"):
            page.locator("#model").select_option(model)
            for quality in ("0", "3"):
                page.locator("#quality").select_option(quality)
                assert page.locator("#right-name").text_content() == f"{model}, quality {quality}"
                assert "bpp" in page.locator("#right-caption").text_content()
                sources.add(page.locator("#after").get_attribute("src"))
    assert len(sources) == 8
    page.locator("#left").select_option(index=1)
    assert page.locator("#left-name").text_content() == "<b>first</b>, quality 0"


def test_zoom_shows_pixels(page: Any) -> None:
    page.locator("#zoom input[value='4']").check(force=True)
    assert page.evaluate("getComputedStyle(document.getElementById('after')).imageRendering") == "pixelated"
    assert page.locator("#stage").bounding_box()["width"] == 4 * 208


def test_the_metric_can_be_changed(page: Any) -> None:
    title = page.locator("#plot .ytitle")
    assert title.text_content() == "PSNR (dB)"
    page.locator("#metric input[value='ms_ssim_db']").check(force=True)
    page.wait_for_function("document.querySelector('#plot .ytitle').textContent === 'MS-SSIM (dB)'")


def test_a_point_says_what_it_is_and_brings_up_its_picture(page: Any) -> None:
    points = page.locator("#plot .scatterlayer .trace").nth(1).locator(".point")
    box = points.nth(2).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    hover = page.locator("#plot .hoverlayer")
    page.wait_for_function("document.querySelector('#plot .hoverlayer').textContent.includes('bpp')")
    assert "second, quality 2" in hover.text_content()
    assert "PSNR" in hover.text_content()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function("document.getElementById('right-name').textContent === 'second, quality 2'")


def test_dragging_zooms_into_the_curves(page: Any) -> None:
    limits = "document.getElementById('plot').layout.xaxis.range.map(Number)"
    before = page.evaluate(limits)
    box = page.locator("#plot .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    page.mouse.up()
    page.wait_for_function(f"{limits}[0] > {before[0]}")
    after = page.evaluate(limits)
    assert after[1] - after[0] == pytest.approx(0.3 * (before[1] - before[0]), rel=0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_whole(browser: Any, report: Path, dark: bool) -> None:
    with opened(browser, report, width=360, height=740, dark=dark) as found:
        found.page.wait_for_selector(POINT)
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 360
        ground = found.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") is not dark
        assert found.complaints == []
