"""Small vectors with a worked example each: to follow on paper, or known from teaching.

A preset is vectors, sentences, and the settings under which they give the known numbers. Its vectors
alone are opened by the name `preset:NAME`.
"""

from typing import Literal, NamedTuple

from attncli.embeddings.store import MemoryStore
from attncli.errors import UsageError, field_name
from attncli.errors.wording import did_you_mean, quoted


class Preset(NamedTuple):
    """Vectors as `inline` takes them; the first sentence is the worked one.

    `known` are the numbers that it is known for, `source` is where they are from.
    """

    vectors: str
    sentences: tuple[str, ...]
    score: Literal["scaled", "dot"]
    temperature: float
    known: str
    source: str


PRESETS = {
    # The notes' sums for money and bank, and for river and bank. The third row cannot be right too:
    # scores of general attention are symmetric.
    "lecture": Preset(
        "money=.93,1.36,0;bank=1.58,0,-.02;grows=-.08,.62,1.25;"
        "river=.72,-1.51,.08;flows=-.73,-.38,-.02",
        ("money bank grows", "river bank flows"),
        "dot",
        1.0,
        "money 0.70 0.20 0.10 and bank 0.25 0.70 0.05 by plain products; grows 0.21 0.09 0.70, "
        "which the notes have as 0.10 0.20 0.70: no symmetric scores give all three",
        "the weights of the lecture's notes; vectors made to give them",
    ),
    "thinking-machines": Preset(
        "thinking=8,4,4,4;machines=8,4,2,2",
        ("Thinking Machines",),
        "dot",
        8.0,
        "Thinking: scores 112 and 96, ÷ 8 = 14 and 12, weights 0.88 and 0.12",
        "The Illustrated Transformer (J. Alammar); vectors made to give its scores",
    ),
    "journey": Preset(
        "your=.43,.15,.89;journey=.55,.87,.66;starts=.57,.85,.64;with=.22,.58,.33;"
        "one=.77,.25,.10;step=.05,.80,.55",
        ("Your journey starts with one step",),
        "dot",
        1.0,
        "journey: scores 0.9544 1.4950 1.4754 0.8434 0.7070 1.0865, weights 0.1385 0.2379 0.2333 "
        "0.1240 0.1082 0.1581, new vector 0.4419 0.6515 0.5683",
        "Build a Large Language Model (From Scratch), chapter 3 (S. Raschka)",
    ),
    "by-hand": Preset(
        "money=2,0,0,0;bank=1,1,1,1;grows=0,2,0,0;river=0,0,2,0;flows=0,0,1,1",
        ("money bank grows", "river bank flows"),
        "scaled",
        1.0,
        "money: scores 4 2 0, ÷ √4 = 2 1 0, e^(s − 2) = 1 0.368 0.135, sum 1.503, weights 0.67 "
        "0.24 0.09, new vector 1.58 0.42 0.24 0.24",
        "small integers for pencil and paper, after AI by Hand (T. Yeh)",
    ),
}


def preset_named(name: str) -> Preset:
    """The preset of a name. Raises: UsageError when there is none."""
    if name not in PRESETS:
        raise UsageError(
            f"no preset is named {quoted(name)}, expected one of {', '.join(PRESETS)}"
            + did_you_mean(name, list(PRESETS)),
            place=field_name("preset"),
        )
    return PRESETS[name]


def preset_store(name: str) -> MemoryStore:
    """The vectors of a preset. Raises: UsageError when there is none of this name."""
    from attncli.embeddings.inline import inline_store

    store = inline_store(preset_named(name).vectors)
    store.name = name
    return store
