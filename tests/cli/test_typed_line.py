"""A line that is read without typer is read as typer reads it."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from inspect import Parameter, isfunction
from typing import Any

import pytest
import typer
from conftest import child_environment
from hypothesis import given, settings
from hypothesis import strategies as st

from attncli.cli.app import COMMANDS, _loaded
from attncli.cli.spreading import for_typer, parameters_of
from attncli.cli.typed_line import _kind, _names, values_of_line

FUNCTIONS = [name for name in COMMANDS if isfunction(_loaded(name))]
ODD = (
    *("", "-", "--", "-1", "0", "1", "3", "007", "1_0", " 3", "٣", "+2", "1.", ".5", "0.25", "1e3"),
    *("nan", "inf", "99999999999999999999", "4097", "true", "None", "[x]", "a=b", "general", "-q"),
    *("-x", "-qo", "-oa", "--json", "--no-self", "--nothing", "--js", "money bank", "é", "\udcff"),
)


class Lines:
    """A command as typer reads it, for its values alone."""

    def __init__(self, name: str) -> None:
        self.parameters = parameters_of(_loaded(name))
        self._read: dict[str, Any] = {}

        def record(**values: Any) -> None:
            self._read = values

        typed: Any = for_typer(_loaded(name))
        record.__signature__ = typed.__signature__  # type: ignore[attr-defined]
        record.__annotations__ = typed.__annotations__
        app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})
        app.command()(record)
        self._command: Any = typer.main.get_command(app)

    def of_typer(self, words: list[str]) -> tuple[dict[str, Any], set[str]]:
        """The values that typer gives to a command, and the names of those that were typed."""
        with self._command.make_context("attn", list(words)) as context:
            self._command.invoke(context)
            names = {p.name for p in self._command.params}
            typed = {n for n in names if context.get_parameter_source(n).name == "COMMANDLINE"}
        self._read.pop("context", None)
        return self._read, typed


lines_of: Callable[[str], Lines] = cache(Lines)


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A command and words behind it: options with values of their kind, and what is odd."""
    name = draw(st.sampled_from(FUNCTIONS))
    choices = {option: p for p in lines_of(name).parameters for option, _ in _names(p)}
    words: list[str] = []
    for _ in range(draw(st.integers(0, 5)) if choices else 0):
        option = draw(st.sampled_from(sorted(choices)))
        kind = _kind(choices[option])
        value = draw(_values(kind) | st.sampled_from(ODD))
        words += draw(
            st.sampled_from(
                [[option], [option, value], [f"{option}={value}"], [value], ["money bank"]]
                if kind is bool
                else [[option, value], [option, value], [f"{option}={value}"], ["a", "b"]]
            )
        )
    return name, words


def _values(kind: Any) -> st.SearchStrategy[str]:
    if kind is int:
        return st.integers(-3, 20).map(str)
    if kind is float:
        return st.floats(0, 10).map(lambda number: f"{number:.3f}")
    return st.sampled_from(
        [*map(str, getattr(kind, "__args__", ())), "bank", "-1", "a,b", "1,0;0,1"]
    )


@settings(deadline=None, max_examples=600)
@given(lines())
def test_a_line_has_the_values_of_typer(line: tuple[str, list[str]]) -> None:
    """What is read without typer is what typer gives, value and type, and names the same options."""
    name, words = line
    read = values_of_line(lines_of(name).parameters, words)
    if read is None:
        return
    values, typed = read
    expected, names = lines_of(name).of_typer(words)
    assert values == expected
    assert {n: type(v) for n, v in values.items()} == {n: type(v) for n, v in expected.items()}
    assert {n for n in values if typed.get_parameter_source(n).name == "COMMANDLINE"} == names


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_option_is_read(name: str) -> None:
    """Each option alone, with a value of its kind, needs no typer, and has the value of typer."""
    of_command = lines_of(name)
    required = [p for p in of_command.parameters if p.default is p.empty]
    for parameter in of_command.parameters:
        for option, side in _names(parameter):
            kind = _kind(parameter)
            low = parameter.annotation.__metadata__[0].wording.get("min", 1)
            value = "words" if kind in (str, list[str]) else str(low)
            value = kind.__args__[-1] if getattr(kind, "__args__", (str,))[0] is not str else value
            needed = [w for p in required if p is not parameter for w in _needed(p)]
            words = [*needed, option] if side is not None else [*needed, option, value]
            read = values_of_line(of_command.parameters, words)
            assert read is not None, words
            assert read[0] == of_command.of_typer(words)[0]


def _needed(parameter: Parameter) -> list[str]:
    """A word for an argument without a default, or such an option with one."""
    return [*(option for option, _ in list(_names(parameter))[:1]), "a"]


@pytest.mark.parametrize(
    "words",
    [
        ["money", "--seed", "1", "--seed", "2"],  # twice
        ["money", "--seed"],  # a value is missing
        ["money", "--layer", "-x"],  # may be an option
        ["money", "--seed", "1.5"],
        ["money", "--dim", "0"],  # out of range
        ["money", "--score", "dots"],
        ["money", "--json=yes"],
        ["money", "--jsn"],
        ["money", "-qv"],
        ["money", "-h"],
        ["--", "-money"],
    ],
)
def test_what_is_not_plainly_right_is_left_to_typer(words: list[str]) -> None:
    """It says what is wrong, or knows what is meant."""
    assert values_of_line(lines_of("explain").parameters, words) is None


def test_an_argument_that_is_missing_is_left_to_typer() -> None:
    """`attn view` alone."""
    assert values_of_line(lines_of("view").parameters, ["--json"]) is None


@pytest.mark.parametrize(
    ("variables", "words", "loads"),
    [
        ({}, ["explain", "bank", "--json"], False),
        ({}, ["explain", "bank", "--json", "--no-config"], False),
        ({"ATTN_SEED": "3"}, ["explain", "bank", "--json"], True),
        ({"ATTN_SEED": "3"}, ["explain", "bank", "--json", "--no-config"], False),
        ({}, ["explain", "bank", "--json", "--quiet", "--quiet"], True),
        ({}, ["explain", "bank", "--help"], True),
    ],
)
def test_typer_is_loaded_where_it_reads(
    variables: dict[str, str], words: list[str], loads: bool
) -> None:
    """For habits, help and what is odd; no other line pays for it."""
    program = (
        "import json, sys\nfrom attncli.cli.app import run\ncode = run(sys.argv[1:])\n"
        "sys.stderr.write('\\n' + json.dumps([code, 'typer' in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=child_environment(**variables),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stderr.rpartition("\n")[2]) == [0, loads]
