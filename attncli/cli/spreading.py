"""How a group of options is spread into the options of a command, for typer and for `typed_line`.

A group is a frozen dataclass: a command takes one parameter of this type and is wrapped in `grouped`, and
each field is an option. A group of settings inherits their fields; its `OPTIONS` name the option of
each, and a field of showing or choosing has the option of its name in `SHOWING_OPTIONS` or
`CHOOSING_OPTIONS`.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial, wraps
from inspect import Parameter
from typing import Annotated, Any, NoReturn, get_origin, get_type_hints

from attncli.cli import options as opt
from attncli.cli import selecting
from attncli.cli.parameters import CommandParameter
from attncli.cli.vain_options import say_vain
from attncli.errors import UsageError, field_name
from attncli.settings import MATRIX_FIELDS
from attncli.settings.frozen import default_of, is_frozen_class

_Command = Callable[..., int | None]


def grouped(command: _Command) -> _Command:
    """The command that takes each field of its groups of options by name, and packs the groups.

    Where it has the option --preset it takes the `context` that says which options were given, too.
    """

    @wraps(command)
    def call(*, context: Any = None, **values: Any) -> int | None:
        if "preset" in values:
            values = _with_short_options(context, values)
        packed = {
            name: group(**{field: values.pop(field) for field in default_of(group)})
            for name, group in _groups(command).items()
        }
        return command(**values, **packed)

    return call


def parameters_of(command: _Command) -> list[Parameter]:
    """The options and arguments of a command by name, those of its groups among them.

    Each has the type with its `CommandParameter` as annotation, and its default.
    """
    plain = inspect.unwrap(command)
    hints, groups = get_type_hints(plain, include_extras=True), _groups(plain)
    spread: list[Parameter] = []
    for name, parameter in inspect.signature(plain).parameters.items():
        if name in groups:
            spread += _options(groups[name])
        else:
            spread.append(
                Parameter(
                    name,
                    Parameter.KEYWORD_ONLY,
                    default=parameter.default,
                    annotation=hints[name],
                )
            )
    return spread


def changed(command: _Command, values: Mapping[str, object], names: Iterable[str]) -> list[str]:
    """The options among these parameters of a command that have another value than their own."""
    defaults = {parameter.name: parameter.default for parameter in parameters_of(command)}
    return ["--" + name.replace("_", "-") for name in names if values[name] != defaults[name]]


def for_typer(command: _Command) -> _Command:
    """The command as typer takes it: every option is a parameter, annotated with typer's own."""
    import typer

    spread = [
        parameter.replace(annotation=_annotated_for_typer(parameter.annotation))
        for parameter in parameters_of(command)
    ]
    if any(parameter.name == "preset" for parameter in spread):
        spread.append(Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context))

    @wraps(command)
    def call(**values: Any) -> int | None:
        return command(**values)

    call.__signature__ = inspect.Signature(spread)  # type: ignore[attr-defined]  # read by inspect
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in spread}
    return call


def _annotated_for_typer(hint: Any) -> Any:
    if get_origin(hint) is not Annotated:
        return hint
    own = (m.of_typer() if isinstance(m, CommandParameter) else m for m in hint.__metadata__)
    return Annotated[(hint.__origin__, *own)]


@cache
def _groups(command: _Command) -> dict[str, type]:
    """The parameters that are groups, each with its class."""
    hints = get_type_hints(command, include_extras=True)
    return {name: hint for name, hint in hints.items() if is_frozen_class(hint)}


def _with_short_options(context: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The values with what --random-matrices says, and with the choices of a preset in the place of
    options that were not given.
    """
    if values["random_matrices"]:
        _expect_no_matrices(context, values)
        values["attention"] = "task"
    if values["preset"] is not None:
        values |= _preset_choices(context, values)
    return values


def _expect_no_matrices(context: Any, values: dict[str, Any]) -> None:
    """Raises: UsageError where --random-matrices stands beside matrices, or beside none."""
    for name in ("model", *MATRIX_FIELDS):
        if values[name] is not None:
            _refuse_random(field_name(name), "which has matrices of its own")
    if not _is_given(context, "attention"):
        return
    if values["attention"] == "general":
        _refuse_random("--attention general", "which has no matrices")
    say_vain(["--random-matrices"], "beside --attention task", quiet=values["quiet"])


def _refuse_random(other: str, why: str) -> NoReturn:
    raise UsageError(f"found {other} too, {why}; expected one of them", place="--random-matrices")


def _preset_choices(context: Any, values: dict[str, Any]) -> dict[str, Any]:
    from attncli.api.presets import preset_choices
    from attncli.cli.terminal import message

    given = {name for name in values if _is_given(context, name)}
    if values["random_matrices"]:
        given.add("attention")
    say = None if values["quiet"] else partial(message, "note")
    return preset_choices(values, given, say)


def _is_given(context: Any, name: str) -> bool:
    """Whether an option stands on the command line, be it with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@cache
def _options(group: type) -> list[Parameter]:
    """The parameters of a group: the fields that its table names, in this order, then the others."""
    own, hints = getattr(group, "OPTIONS", {}), get_type_hints(group, include_extras=True)
    each = default_of(group)
    for name, shared in (opt.SHOWING_OPTIONS | selecting.CHOOSING_OPTIONS | own).items():
        if name in each and get_origin(hints[name]) is not Annotated:
            hints[name] = Annotated[hints[name], shared]
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=each[name],
            annotation=hints[name],
        )
        for name in dict.fromkeys([*own, *each])
        if name in each
    ]
