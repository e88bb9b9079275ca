"""Whatever comes in a file, an argument or a variable: a result or a reason, soon, in bounded memory.

Each reader gets files that know their format and lie in it. No execution ends by a signal, takes
more than 5 s of processor time or 320 MiB, raises what is no AttnError, ends with another code than
docs/architecture.md has, lets Python warn, or writes what a terminal obeys.

ATTN_FUZZ=20000 tries as many executions a reader (20 otherwise), ATTN_FUZZ_SEED others.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("resource")
pytest.importorskip("tokenizers")
if not hasattr(os, "fork"):
    pytest.skip("forks children", allow_module_level=True)

from faults import model_files, readers_alone, remains, specimens
from faults.fuzzing import LIES, WHOLE, Case, fuzz, loaded
from faults.lies import lies, spread
from faults.specimens import packed

EXECUTIONS = int(os.environ.get("ATTN_FUZZ", "20"))
SEED = os.environ.get("ATTN_FUZZ_SEED", "0")
MAKERS = (
    specimens.vectors,
    specimens.saved,
    specimens.sentences,
    remains.checkpoints,
    model_files.gguf_files,
    model_files.gguf_blocks,
    model_files.sentencepiece_files,
    model_files.translators,
    readers_alone.tokenizers_alone,
    readers_alone.split_alone,
    readers_alone.vocabularies_alone,
    readers_alone.blocks_alone,
    remains.unfinished,
    remains.entries,
)
_NUMBERS = (model_files.gguf_blocks, readers_alone.blocks_alone)  # they claim nothing
CLAIMS = [maker for maker in MAKERS if maker not in _NUMBERS]
Maker = Callable[[Path], Iterator[Case]]


@pytest.fixture(scope="module")
def cases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Case]]:
    """The readers of one kind, with files made a moment ago."""
    folder = tmp_path_factory.mktemp("made")
    maker: Maker = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ATTN_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield list(maker(folder))


@pytest.mark.parametrize("cases", MAKERS, indirect=True, ids=lambda maker: maker.__name__)
def test_damaged_bytes_end_as_promised(cases: list[Case], tmp_path: Path) -> None:
    """Bits, numbers, trees, headers, members and sums of every reader's files."""
    loaded()
    folder = tmp_path / "executions"
    folder.mkdir()
    findings = {}
    for case in cases:
        assert not (wrong := fuzz(case, folder, WHOLE, range(1))), (case.name, wrong)
        if found := fuzz(case, folder, SEED, range(EXECUTIONS)):
            findings[case.name] = found[:5]
    assert not findings


@pytest.mark.parametrize("cases", CLAIMS, indirect=True, ids=lambda maker: maker.__name__)
def test_a_lie_about_a_size_takes_little_memory(cases: list[Case], tmp_path: Path) -> None:
    """A number that claims more than there is: 64 MiB at most over what the honest twin takes."""
    loaded()
    findings = {}
    short = EXECUTIONS <= 20
    for case in (*cases, *packed(cases)):
        case = replace(case)  # its lies are forgotten with it
        texts, lines = len(lies(case.files[case.target], fields=False)), max(len(case.lines), 1)
        told = len(case.lies) * lines
        few = (15, 5) if case.act is not None else (2, 1)
        most = few if short else (EXECUTIONS, EXECUTIONS)
        numbers = [
            *spread(range(texts * lines), most[0]),
            *spread(range(texts * lines, told), most[1]),
        ]
        if found := fuzz(case, tmp_path, LIES, numbers):
            findings[case.name] = found[:5]
    assert not findings


def test_the_harness_sees_faults(tmp_path: Path) -> None:
    """An exception of Python, a signal, endless work, memory and a warning: each is a finding."""

    def act(data: bytes) -> object:
        number = int(Path("number").read_bytes())
        if number == 0:
            raise KeyError(number)
        if number == 1:
            os.abort()
        if number == 2:
            while True:
                pass
        return bytearray(2**29)

    for number, sign in enumerate(("KeyError", "SIGABRT", "SIGPROF", "MiB")):
        case = Case("own", {"number": str(number).encode(), "x": b"x"}, "x", act=act)
        (found,) = fuzz(case, tmp_path, WHOLE, range(1))
        assert sign in found
    claims = Case("own", {"x": b"1"}, "x", act=lambda data: bytearray(min(int(data), 1 << 27)))
    assert all("MiB" in found for found in fuzz(claims, tmp_path, LIES, range(4, 6)))
