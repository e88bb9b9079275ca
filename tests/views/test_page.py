"""The HTML page as text: self-contained, escaped, small, with real tables."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from views.samples import HOSTILE, result_of

from attncli.insight.movement import Movement
from attncli.insight.other_temperatures import held_scores
from attncli.views.html import fragment, page
from attncli.views.palette import weight_rgb


class Elements(HTMLParser):
    """Collects start tags with their attributes, and the texts of th elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = f"{self._inside} {tag}" if tag == "bdi" else tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("th", "th bdi"):
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def small() -> str:
    """The page of three words."""
    return page([result_of(["money", "bank", "grows"])])


def test_nothing_in_the_page_comes_from_elsewhere(small: str) -> None:
    """No element loads anything, and the policy forbids it."""
    elements = Elements(small)
    policy = next(m["content"] for m in elements.named("meta") if "http-equiv" in m)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy
    for tag, attributes in elements.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {"src", "srcset", "href", "action", "style", "onclick"} & set(attributes)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", small)


def test_hostile_words_stay_text() -> None:
    """No word becomes an element, an attribute or the end of a script; each is still there."""
    text = page([result_of(list(HOSTILE))])
    elements = Elements(text)
    assert {tag for tag, _ in elements.tags} == {
        tag for tag, _ in Elements(page([result_of(["a", "b"])])).tags
    }
    assert all(not name.startswith("on") for _, attrs in elements.tags for name in attrs)
    assert text.count("<script") == text.count("</script>") == 2
    assert "\x1b" not in text
    assert "\u202e" not in text
    heads = set(elements.texts)
    assert {"</script>", '"><img', "a\\x1b[31mred", "\\u202eevil", "x" * 300} <= heads


def test_every_cell_holds_its_number_and_the_color_of_the_palette(small: str) -> None:
    """A cell's class names the palette's color of its weight; its text is the weight."""
    weights = result_of(["money", "bank", "grows"]).weights[0, 0]
    cells = re.findall(r'<td class="w(\d+)"[^>]*data-weight="([^"]+)">([^<]+)</td>', small)
    assert len(cells) == 9
    for (step, exact, shown), weight in zip(cells, weights.ravel(), strict=True):
        assert np.float32(exact) == weight
        assert shown == f"{weight:.2f}"
        red, green, blue = weight_rgb(float(weight))
        assert f".w{step}{{background:#{red:02x}{green:02x}{blue:02x};" in small


def test_tables_have_captions_and_scopes(small: str) -> None:
    """Each table has a caption, and each header says what it heads."""
    elements = Elements(small)
    assert len(elements.named("table")) == len(elements.named("caption")) == 2
    assert all(th.get("scope") in ("row", "col") for th in elements.named("th"))


@pytest.mark.parametrize("with_scores", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_the_softmax_of_the_held_scores_is_the_weights(with_scores: bool, causal: bool) -> None:
    """Also where the result holds no scores, at another temperature, and with a mask."""
    result = result_of(
        ["a", "b", "c", "d"], layers=2, heads=3, temperature=0.5, with_scores=with_scores,
        causal=causal,
    )  # fmt: skip
    scores, held = held_scores(result, 10**6)
    assert held == [(layer, head) for layer in range(2) for head in range(3)]
    powers = np.exp(scores.astype(np.float64))
    weights = (powers / powers.sum(axis=-1, keepdims=True)).reshape(result.weights.shape)
    assert np.abs(weights - result.weights).max() < 1e-6


def test_heads_that_do_not_fit_are_said_to_be_left_out() -> None:
    """A page of many long heads stays under 5 MB and names how many it holds."""
    result = result_of([f"w{i}" for i in range(512)], heads=4, dim=2)
    text = page([result])
    assert len(text.encode()) < 5_000_000
    assert re.search(r"holds \d of 4 heads", text)


def test_a_page_of_512_words_stays_under_five_megabytes() -> None:
    """One matrix of 512 × 512 with all its scores fits."""
    words = [f"word{i}" for i in range(512)]
    assert len(page([result_of(words)]).encode()) < 5_000_000


def test_movements_and_neighbors_are_shown() -> None:
    """Where they are given, each word has its cosine and its nearest words before and after."""
    result = result_of(["money", "bank"])
    movement = Movement("x", 0.9, (("cash", 0.8),), (("river", 0.7),))
    text = page([result], movements=[[movement, movement]])
    assert "0.9000" in text
    assert "cash 0.80" in text
    assert "river 0.70" in text


def test_the_data_of_the_page_is_strict_json() -> None:
    """The JSON of each result can be read, and holds no character that could end a script."""
    text = page([result_of(list(HOSTILE))])
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.S)
    assert data is not None
    assert not set("<>&\u2028\u2029") & set(data[1])
    assert len(json.loads(data[1])["words"]) == len(HOSTILE)


def test_a_notebook_shows_the_same_fragment() -> None:
    """A result's notebook view is the section of the page with style and script of its own."""
    result = result_of(["money", "bank"])
    shown = result._repr_html_()
    assert shown == fragment([result])
    section = re.search(r"<section[^>]*>(.*)</section>", page([result], title="Banks"), re.S)
    assert section is not None
    assert section[1] in shown


def test_a_page_without_a_vocabulary_still_tells_how_far_words_moved() -> None:
    """A result that holds its embeddings tells the cosine of old and new vector."""
    result = result_of(["money", "bank"])
    old, new = result.embeddings[1].astype(float), result.contextual[1].astype(float)  # type: ignore[index]  # the sample holds them
    cosine = old @ new / np.linalg.norm(old) / np.linalg.norm(new)
    assert f'data-label="Moved">{cosine:.4f}</td>' in fragment([result])
