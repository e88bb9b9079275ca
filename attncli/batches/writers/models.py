"""What models say of many sentences as JSON, made together: the time goes into probabilities.

The text around the numbers is made once for each set of labels, and numbers are printed all at once.
Those of less than 10⁻⁴ are printed by Python, which writes their exponents in a way of its own.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from attncli.arrays import FloatArray
from attncli.results.json import plain_json
from attncli.results.labeled import Labeled
from attncli.results.result import RARE_OF_MODELS, ModelInfo

_FIXED = 1e-4  # what is less has an exponent


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


def label_texts(said: Labeled) -> list[bytes]:
    """The JSON object of each sentence, as `plain_json` writes it. Raises: ValueError for NaN."""
    name, sha256, labels = said.model
    texts = [plain_json(ModelInfo(name, sha256).told).encode()] * len(said)
    chosen = np.flatnonzero(said.targets >= 0)
    if not len(chosen):
        return texts
    likely, targets = said.likely[chosen], said.targets[chosen].tolist()
    quoted = [plain_json(label).encode() for label in labels]
    numbers = _printed(likely)
    head = f'{{"name":{plain_json(name)},"sha256":{plain_json(sha256)},"label":'.encode()
    columns: list[list[bytes]] = [[quoted[best] for best in likely.argmax(axis=1).tolist()]]
    before = b',"probabilities":{'
    for number, label in enumerate(quoted):
        columns += [[before + label + b":"] * len(chosen), numbers[number :: len(labels)]]
        before = b","
    columns.append([b'},"target":%d}' % target for target in targets])
    width = len(columns)
    pieces = [b""] * (width * len(chosen))
    for number, column in enumerate(columns):
        pieces[number::width] = column
    for i, begin in zip(chosen.tolist(), range(0, len(pieces), width), strict=True):
        texts[i] = head + b"".join(pieces[begin : begin + width])
    return texts


def _printed(likely: FloatArray) -> list[bytes]:
    """The shortest text of each that is read back as the same float. Raises: ValueError for NaN."""
    if not np.isfinite(likely).all():
        raise ValueError("a probability is not finite")
    import orjson

    flat = np.ascontiguousarray(likely, dtype=np.float64).reshape(-1)
    texts = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
    small = np.flatnonzero(np.abs(flat) < _FIXED)
    if len(small):
        listed = str(flat[small].tolist())[1:-1].encode().split(b", ")
        for i, text in zip(small.tolist(), listed, strict=True):
            texts[i] = text
    return texts


def _labeled(models: Sequence[ModelInfo]) -> list[str]:
    values = [value for model in models for value in model.probabilities.values()]
    numbers = _numbers(values)
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


def _numbers(values: Sequence[float]) -> list[str]:
    """The shortest text of each that is read back as the same float. Raises: ValueError for NaN."""
    if not values:
        return []
    if not all(map(math.isfinite, values)):
        raise ValueError("a probability is not finite")
    import orjson

    texts = orjson.dumps(values).decode()[1:-1].split(",")
    for i in np.flatnonzero(np.abs(values) < _FIXED).tolist():
        texts[i] = repr(values[i])
    return texts
