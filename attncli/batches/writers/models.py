"""What models say of many sentences as JSON, made together: the time goes into probabilities.

The text around the numbers is made once for each set of labels, and numbers are printed all at once.
Those of less than 10⁻⁴ get the exponents of Python, which orjson writes otherwise or not at all.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import repeat

import numpy as np

from attncli.arrays import FloatArray
from attncli.arrays.compiled import compiled
from attncli.batches.writers.placed_lines import Column
from attncli.results.facts import ModelInfo
from attncli.results.fields import RARE_OF_MODELS
from attncli.results.json import plain_json
from attncli.results.labeled import Labeled

_FIXED = 1e-4  # what is less has an exponent
_DECIMAL = 1e-5  # what is less has one as orjson writes it too


def model_texts(models: Sequence[ModelInfo]) -> list[str]:
    """The JSON object of each, as `plain_json` writes it."""
    texts = [""] * len(models)
    labeled: list[int] = []
    for i, model in enumerate(models):
        if model.probabilities and all(getattr(model, name) is None for name in RARE_OF_MODELS):
            labeled.append(i)
        elif i and model == models[i - 1]:
            texts[i] = texts[i - 1]
        else:
            texts[i] = plain_json(model.told)
    for i, text in zip(labeled, _labeled([models[i] for i in labeled]), strict=True):
        texts[i] = text
    return texts


def label_columns(said: Labeled) -> list[Column]:
    """The JSON object of each sentence as pieces of its line: those of `label_texts`, in less time.

    Raises: ValueError for NaN.
    """
    kernel = compiled()
    if kernel is None or not (said.targets >= 0).all() or not len(said):
        return [label_texts(said)]
    name, sha256, labels, by_target = said.model
    _expect_finite(said.likely)
    quoted = [plain_json(label) for label in labels]
    best = list(map(quoted.__getitem__, said.likely.argmax(axis=1).tolist()))
    head = f'{{"name":{plain_json(name)},"sha256":{plain_json(sha256)},"label":'
    columns: list[Column] = [head, best, ',"probabilities":{']
    by_label = np.ascontiguousarray(said.likely.T, dtype=np.float64)  # (n_labels, B)
    numbers = [kernel.spelled(_dumped(shares), len(said)) for shares in by_label]
    numbers[-1].text[numbers[-1].ends - 1] = ord("}")  # in the place of the last comma
    for label, column in zip(quoted, numbers, strict=True):
        columns += [f"{label}:", column]
    targets = [f"{at}}}" for at in said.targets.tolist()] if by_target else "null}"
    return [*columns, ',"target":', targets]


def label_texts(said: Labeled) -> list[bytes]:
    """The JSON object of each sentence, as `plain_json` writes it. Raises: ValueError for NaN."""
    name, sha256, labels, by_target = said.model
    texts = [plain_json(ModelInfo(name, sha256).told).encode()] * len(said)
    chosen = np.flatnonzero(said.targets >= 0)
    if not len(chosen):
        return texts
    likely, targets = said.likely[chosen], said.targets[chosen].tolist()
    quoted = [plain_json(label).encode() for label in labels]
    numbers = iter(_printed(likely))
    head = f'{{"name":{plain_json(name)},"sha256":{plain_json(sha256)},"label":'.encode()
    best = map(quoted.__getitem__, likely.argmax(axis=1).tolist())
    columns: list[Iterator[bytes]] = [repeat(head), best]
    before = b',"probabilities":{'
    for label in quoted:
        columns += [repeat(before + label + b":"), numbers]  # zip takes the next number each time
        before = b","
    columns.append(
        b'},"target":%d}' % target if by_target else b'},"target":null}' for target in targets
    )
    for i, pieces in zip(chosen.tolist(), zip(*columns, strict=False), strict=True):
        texts[i] = b"".join(pieces)
    return texts


def _printed(likely: FloatArray) -> list[bytes]:
    """The shortest text of each that is read back as the same float. Raises: ValueError for NaN.

    They are from 0 to 1.
    """
    _expect_finite(likely)
    flat = np.ascontiguousarray(likely, dtype=np.float64).reshape(-1)
    texts = _dumped(flat).split(b",")
    for i in np.flatnonzero(flat < _DECIMAL).tolist():  # 1e-6, in Python 1e-06
        if texts[i][-2:-1] == b"-":
            texts[i] = texts[i].replace(b"e-", b"e-0")
    small = np.flatnonzero((flat >= _DECIMAL) & (flat < _FIXED))
    if len(small):
        for i, text in zip(small.tolist(), _with_exponents(flat[small]), strict=True):
            texts[i] = text
    return texts


def _expect_finite(likely: FloatArray) -> None:
    if not np.isfinite(likely).all():
        raise ValueError("a probability is not finite")


def _with_exponents(numbers: FloatArray) -> list[bytes]:
    """The text of each as Python has it, where orjson writes no exponent: 0.000015 is 1.5e-05.

    What stands between the first digits of two numbers is as long as what belongs there.
    """
    text = np.frombuffer(b",%b,0.00000" % _dumped(numbers), dtype=np.uint8).copy()
    commas = np.flatnonzero(text == ord(","))
    between = np.tile(np.frombuffer(b"e-05, 0.", dtype=np.uint8), (len(commas), 1))  # ",0.00001"
    between[:, 6] = text[commas + 7]
    text[commas[:, None] + np.arange(8)] = between
    return text.tobytes().replace(b".e", b"e").split(b", ")[1:-1]


def _dumped(numbers: FloatArray) -> bytes:
    """The numbers as orjson writes them, with commas between them."""
    import orjson

    return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]


def _labeled(models: Sequence[ModelInfo]) -> list[str]:
    values = [value for model in models for value in model.probabilities.values()]
    numbers = [text.decode() for text in _printed(np.array(values))]
    texts: list[str] = []
    begin = 0
    for model in models:
        end = begin + len(model.probabilities)
        form = _form(model.name, model.sha256, tuple(model.probabilities))
        label, target = plain_json(model.label), plain_json(model.target)
        texts.append(form % (label, *numbers[begin:end], target))
        begin = end
    return texts


@lru_cache(maxsize=64)
def _form(name: str, sha256: str | None, labels: tuple[str, ...]) -> str:
    """The object with "%s" for the label, each number, and the target."""
    head = f'{{"name":{plain_json(name)},"sha256":{plain_json(sha256)},"label":'
    pairs = [f"{plain_json(label)}:".replace("%", "%%") + "%s" for label in labels]
    return head.replace("%", "%%") + f'%s,"probabilities":{{{",".join(pairs)}}},"target":%s}}'
