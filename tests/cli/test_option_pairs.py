"""Two options together: each acts beside the other, is refused, or is said to do nothing."""

import random
from collections.abc import Callable
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from cli.test_vain_options import BASES, VALUES, files, options_of, outcome

pytest.importorskip("tokenizers")  # the files hold a checkpoint

__all__ = ["files"]  # the fixture
# What only another file, another run or the clock shows.
UNSEEN = {"--quiet", "--help", "--debug", "--resume", "--color", "--width", "--log", "--output"}
UNSEEN |= {"--no-cache", "--skip-bad", "--model", "--check-grad"}
NONE_KNOWN = {"--tokenizer", "--landmarks"}  # among single letters no word is a landmark
TRIED = 60


@pytest.mark.parametrize("name", ["train", "train targets", "train weights", "evaluate"])
def test_an_option_is_not_passed_over_beside_another(
    command: Callable[..., Any], files: Path, monkeypatch: Any, tmp_path: Path, name: str
) -> None:
    """The files, the output or what is said change when either joins the other."""
    monkeypatch.chdir(files)
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path))
    base = BASES[name].split()
    options = [one for one in options_of(BASES[name]) if one[0] not in (*UNSEEN, *base)]

    def ended(*chosen: tuple[str, bool]) -> Any:
        words = [[option] if flag else [option, VALUES[option]] for option, flag in chosen]
        return outcome(command, files, files, [*base, *chain.from_iterable(words)])

    alone = {option: ended((option, flag)) for option, flag in options}
    pairs = list(combinations(options, 2))
    random.Random(len(pairs)).shuffle(pairs)
    silent = []
    for first, second in pairs[:TRIED]:
        both = ended(first, second)
        assert both[0] != 1, both[3]
        for one, other in ((first, second), (second, first)):
            of_one = alone[one[0]]
            if {one[0], other[0]} != NONE_KNOWN and of_one[0] == 0 and both == of_one:
                silent.append((one[0], other[0]))
    assert silent == []
