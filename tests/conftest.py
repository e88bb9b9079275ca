"""What the tests share: a small store, sentences, the command in a process of its own, golden files."""

import atexit
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forks import run_attn
from hypothesis import HealthCheck, settings

import attncli
from attncli.cli.habits import HABITS, variable_of
from attncli.embeddings.named_stores import builtin_store
from attncli.embeddings.store import FolderStore, MemoryStore
from attncli.mechanisms.general import GeneralAnalyser
from attncli.results.result import AttentionResult

# A shell starts a job in the background deaf to Ctrl-C, `nohup` to SIGHUP, and children inherit it.
for _name in ("SIGINT", "SIGTERM", "SIGHUP"):
    if (_number := getattr(signal, _name, None)) is None:  # Windows
        continue
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(
            _number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL
        )

settings.register_profile(
    "attn",
    max_examples=int(os.environ.get("ATTN_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("attn")

GOLDEN = Path(__file__).parent / "golden"
SENTENCES = ("money bank grows", "river bank flows", "bank grows money river")
# No defaults of the user's own, for files that are made before the first test either.
os.environ["ATTN_CONFIG"] = ""
# Vectors that tests convert are no business of the user's own cache.
_CACHE = tempfile.TemporaryDirectory(prefix="attn-tests-")
atexit.register(_CACHE.cleanup)
os.environ["ATTN_CACHE_DIR"] = _CACHE.name
for _habit in HABITS:
    os.environ.pop(variable_of(_habit), None)
# What a user's shell may hold and what would change the output.
_UNSET = (
    *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "LINES"),
    *("ATTN_DEBUG", "PYTHONWARNINGS", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8"),
    *("LC_ALL", "LANGUAGE"),
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture(autouse=True)
def _one_thread_of_torch() -> None:
    """Models of oracles are tiny: two threads wait for each other, ten times as long as one works."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def six_words() -> MemoryStore:
    """Six words of four values; "bank" lies between money and river."""
    words = ["money", "bank", "grows", "river", "flows", "the"]
    matrix = [
        [1.5, 0.2, 0.0, 0.1],
        [0.9, 0.9, 0.1, 0.0],
        [0.7, 0.0, 0.9, 0.2],
        [0.1, 1.6, 0.0, -0.2],
        [0.0, 0.8, 1.1, 0.1],
        [0.1, 0.1, 0.1, 0.1],
    ]
    return MemoryStore("six-words", words, np.array(matrix, dtype=np.float32), sha256="0" * 64)


@pytest.fixture(scope="session")
def glove() -> FolderStore:
    """The built-in vectors."""
    return builtin_store()


@pytest.fixture(scope="session")
def results(six_words: MemoryStore) -> list[AttentionResult]:
    """The results of the three sentences over the six words."""
    return list(GeneralAnalyser(six_words, include=frozenset({"embeddings"}))(SENTENCES))


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code and what it wrote."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode("utf-8")

    @property
    def said(self) -> str:
        return self.err.decode("utf-8", "backslashreplace")

    def is_clean(self) -> bool:
        """Neither a traceback nor a bug; an error of at most three lines."""
        unclean = any(sign in self.said for sign in ("Traceback", "internal error", "Exception ig"))
        return not unclean and len(self.said.splitlines()) <= 3


def child_environment(**changes: str | None) -> dict[str, str]:
    """The environment of a child that runs the very code that is under test."""
    env = {name: value for name, value in os.environ.items() if name not in _UNSET}
    env["PYTHONPATH"] = str(Path(attncli.__file__).resolve().parents[1])
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    return env


@pytest.fixture
def attn(tmp_path: Path) -> Callable[..., Ended]:
    """Runs `python -m attncli` in an empty folder; keywords: stdin, env, python (its options)."""

    def run(
        *arguments: str | bytes,
        stdin: bytes | None = b"",
        env: dict[str, str | None] | None = None,
        python: tuple[str, ...] = (),
    ) -> Ended:
        environment = child_environment(**(env or {}))
        done = run_attn(arguments, stdin=stdin, env=environment, folder=tmp_path, python=python)
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs the command in this process: quicker, and enough where no process is in question."""
    from attncli.cli.app import run

    def call(*arguments: str) -> Ended:
        capfd.readouterr()
        code = run(list(arguments))
        out, err = capfd.readouterr()
        _expect_hints_of(arguments, err)
        return Ended(
            code, out.encode("utf-8", "surrogatepass"), err.encode("utf-8", "surrogatepass")
        )

    return call


def _expect_hints_of(arguments: Sequence[str], said: str) -> None:
    """Every option that a hint begins with is one of the command that was typed."""
    for named in re.findall(r"^  hint: (--[a-z][a-z-]*)", said, re.MULTILINE):
        assert named in _options_of(*_words(arguments)), (arguments, said)


def _words(arguments: Sequence[str]) -> tuple[str, ...]:
    """The words before the first option: a command, and perhaps one of its own."""
    return tuple(takewhile(lambda word: not word.startswith("-"), arguments))[:2]


@cache
def _options_of(*words: str) -> frozenset[str]:
    import typer

    from attncli.cli.app import app_for

    made: Any = typer.main.get_command(app_for(list(words)))
    for word in words:
        made = getattr(made, "commands", {}).get(word, made)
    return frozenset(option for given in made.params for option in (*given.opts, "--help"))


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with a file of tests/golden; ATTN_REWRITE_GOLDEN=1 writes the file instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("ATTN_REWRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), (
            f"{name} (ATTN_REWRITE_GOLDEN=1 rewrites it)"
        )

    return compare
