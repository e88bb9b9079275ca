"""A training that was stopped, as a file beside its model, so that it can be taken up again."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import DataError, ResumeError, field_name
from attncli.errors.wording import visible
from attncli.files.stream import bytes_stream
from attncli.files.tensors import read_tensor_header, tensor_array
from attncli.files.writing import NO_LINK, not_ours, write_whole
from attncli.learning.minibatches import Examples

_KEY = "attn-training"
_HEADER_START = 1 << 16  # bytes; metadata stand at the start of a safetensors header


def state_path(model: Path) -> Path:
    """Where the state of an unfinished training of `model` lies."""
    return model.with_name(model.name + ".unfinished")


def examples_hash(examples: Examples) -> str:
    """SHA-256 of the examples: vectors, tokens, targets, labels, pairs, scores, given weights, in order."""
    digest = hashlib.sha256()
    table = np.ascontiguousarray(examples.table, dtype="<f4")
    digest.update(f"{table.shape}".encode() + table.tobytes())
    for rows in examples.rows:
        digest.update(len(rows).to_bytes(8, "little"))
        digest.update(np.asarray(rows, dtype="<i8").tobytes())
    for numbers in (examples.targets, examples.labels):
        digest.update(b"-" if numbers is None else np.asarray(numbers, dtype="<i8").tobytes())
    for rows in examples.pairs or ():
        digest.update(len(rows).to_bytes(8, "little"))
        digest.update(np.asarray(rows, dtype="<i8").tobytes())
    if examples.scores is not None:
        digest.update(np.asarray(examples.scores, dtype="<f8").tobytes())
    for given in examples.weights or ():
        digest.update(np.asarray(given, dtype="<f8").tobytes())
    return digest.hexdigest()


def save_state(
    path: Path, arrays: dict[str, FloatArray], facts: str, belongs: dict[str, Any]
) -> None:
    """Writes a state; `belongs` says which data, vectors and options it belongs to."""
    from safetensors.numpy import save

    told = json.dumps({"belongs": belongs, "facts": facts})
    write_whole(path, save(dict(arrays), {_KEY: told}))


def expect_own_state(path: Path) -> None:
    """Makes sure that what lies where the state goes is a state, or nothing.

    Raises: OutputError when it is somebody else's file: it would be overwritten, then removed.
    """
    try:
        number = os.open(path, os.O_RDONLY | NO_LINK | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return
    except OSError:
        raise not_ours(path) from None
    with os.fdopen(number, "rb") as file:
        regular = stat.S_ISREG(os.fstat(number).st_mode)
        if not (regular and f'"{_KEY}"'.encode() in file.read(_HEADER_START)):
            raise not_ours(path)


def load_state(path: Path, belongs: dict[str, Any]) -> tuple[dict[str, FloatArray], str]:
    """A state that `save_state` wrote.

    Raises: DataError when it is damaged, ResumeError when it belongs to something else.
    """
    place = visible(str(path))
    try:
        content = path.read_bytes()
        tensors, metadata = read_tensor_header(bytes_stream(content, place))
        saved = json.loads(metadata[_KEY])
        owner, facts = dict(saved["belongs"]), str(saved["facts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, DataError):
        raise DataError("the saved state of this training is damaged", place=place) from None
    now = json.loads(json.dumps(belongs))
    differing = sorted(name for name in {*owner, *now} if owner.get(name) != now.get(name))
    if differing:
        raise ResumeError(
            f"this training was started with other {', '.join(differing[:6])}",
            place=place,
            hints=(f"without {field_name('resume')} it starts anew",),
        )
    return {name: tensor_array(content, t).copy() for name, t in tensors.items()}, facts
