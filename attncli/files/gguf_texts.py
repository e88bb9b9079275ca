"""Texts one after the other in a GGUF file, each after the 8 bytes of its length.

A vocabulary and its merges are 10⁵ of them. The length of a text of 1 to 255 bytes is one byte and seven
zeros, and texts have none. So numpy finds where many texts begin, and one decoding and one split take
them out. What is otherwise is left for a loop that looks at one text after the other.
"""

from typing import Any

import numpy as np

_WINDOW = 1 << 16  # bytes looked at together
_ZEROS = 7  # of a length below 256
_MARK = "\x01" + "\0" * _ZEROS


def plain_texts(data: Any, at: int, most: int) -> tuple[list[str], int]:
    """The texts from a byte on, and the byte after them; fewer than `most`, or none, where a text is
    empty, of over 255 bytes, has a zero byte or is no UTF-8, or the window ends.
    """
    window = bytearray(data[at : at + _WINDOW])
    raw = np.frombuffer(window, np.uint8)
    every = np.flatnonzero(raw == 0)
    zeros = every[: len(every) // _ZEROS * _ZEROS].reshape(-1, _ZEROS)[:most]
    later = np.append(every, len(raw))[_ZEROS::_ZEROS][:most]  # the first zero after each seven
    starts = zeros[:, 0] - 1  # where a length stands, if the text before ends there
    ends = starts + 8 + raw[starts]
    is_length = (zeros[:, -1] - starts == _ZEROS) & (starts == np.append(0, ends[:-1]))
    is_plain = is_length & (ends <= later)
    count = len(ends) if is_plain.all() else int(is_plain.argmin())
    if not count:
        return [], at
    raw[starts[:count]] = 1
    end = int(ends[count - 1])
    try:
        return window[:end].decode("utf-8").split(_MARK)[1:], at + end
    except UnicodeDecodeError:
        return [], at
