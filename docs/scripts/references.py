"""The reference pages of the documentation, made of the code: commands, and Python.

`make_manual.py` writes them beside the manual pages, and compares them. Commands and options speak
with the words of their help; functions and classes with those of their docstrings.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import MISSING
from functools import cached_property
from importlib import import_module
from typing import Any

import attncli
from attncli import settings
from attncli.cli.about import ENVIRONMENT
from attncli.cli.help import examples_of, grouped_options, paragraphs_of, records_of
from attncli.cli.naming import option_of

# The public names, in the order in which a reader meets them.
CHAPTERS = {
    "Sentences": "explain why map_heads compare analyser diff align AttentionResult Results Part",
    "Files and pictures": "save read view show",
    "Arrays and weights of other tools": "attend from_attentions",
    "Vectors": "open_vectors WordVectors train_vectors evaluate_vectors CorpusSettings",
    "Models": "train evaluate evaluate_pairs cross_validate learning_curve predict predict_file export_model Prediction Row Offset LayerSettings TrainingSettings",
    "Many files": "batch",
    "Errors": "AttnError",
}
# Classes of what functions return, which nobody makes by hand, by the modules that they are of.
RETURNED = {
    "results.comparison": "Comparison Occurrence Pull Point",
    "results.alignment": "Alignment Alignments",
    "results.gold_links": "AlignmentScores GoldLinks",
    "api.reasons": "Reasons ReasonsOfSeveral",
    "insight.why": "Why Rounds",
    "insight.difference": "Differences Difference Change",
    "insight.heads": "HeadMap",
    "models.trained": "TrainedModel",
    "training.metrics": "Scores LabelScores Sure",
    "training.pair_metrics": "PairEvaluation SimilarityScores MatchScores",
    "training.validating": "CrossValidation LearningCurve Measured",
    "training.predicting": "Predictions CountedWord",
    "api.predicting": "PredictionReport",
    "api.vectors": "CorpusTraining VectorScores",
    "results.batch_report": "RunReport Tally",
    "mechanisms.analyser": "Analyser",
    "views.notebook": "Shown",
    "results.facts": "Token AttentionSettings VectorsInfo ModelInfo ResultWarning",
}
INNER = {"Part.of_stack"}  # methods that take what nobody has at hand
# Choices that several functions take, by the class that holds them, with the command whose options they are.
SHARED = {
    "Choices": ("MechanismSettings", "explain", "Choices of attention"),
    "BatchChoices": ("BatchSettings", "batch", "Choices of batches"),
    "FigureChoices": ("FigureSettings", "explain", "Choices of figures"),
}


def marked(text: str) -> str:
    """A text of help for a cell of a table in Markdown."""
    return escaped_marks(" ".join(text.split()))


def escaped_marks(text: str) -> str:
    """A text for Markdown: its own signs are no marks."""
    return re.sub(r"([\\`*_<>|\[\]])", r"\\\1", text)


def cell(code: str) -> str:
    """Code in a cell of a table."""
    return "`" + code.replace("|", "\\|") + "`"


def table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Names and what they mean."""
    yield from ("", f"| {heads[0]} | {heads[1]} |", "|---|---|")
    for name, text in rows:
        yield f"| {cell(name)} | {marked(text)} |"


def commands_page(commands: Iterable[tuple[str, Any]]) -> str:
    """Every command with its usage, options and examples."""
    lines = [
        "# Commands",
        "",
        "Every command with all of its options, in the words of `attn COMMAND --help`. "
        "`attn COMMAND -h` is shorter; `man attn` and `man attn-explain` say the same offline.",
    ]
    for words, command in commands:
        lines += command_section(words, command)
    lines += ["", "## Environment", *table(("variable", "what it does"), ENVIRONMENT)]
    lines += ["", "What an exit code says: [exit codes](../exit-codes.md)."]
    return "\n".join([*lines, ""])


def command_section(words: str, command: Any) -> Iterator[str]:
    """One command."""
    context = command.context_class(command, info_name=words)
    usage = " ".join(piece.strip("{}") for piece in command.collect_usage_pieces(context))
    yield from ("", f"## {words}", "", "```text", f"{words} {usage}", "```")
    for text in paragraphs_of(command):
        yield from ("", marked(text))
    inner = [
        (f"{words} {key}", paragraphs_of(each)[0])
        for key, each in getattr(command, "commands", {}).items()
    ]
    if inner:
        yield from table(("command", "what it does"), inner)
    if arguments := records_of(command.params, context, "argument"):
        yield from table(("argument", "what it is"), arguments)
    for title, rows in grouped_options(command, context).items():
        yield from table((f"{title} options", "what it does"), rows)
    if examples := examples_of(command):
        yield from ("", "Examples:", "", "```text", *examples, "```")


def python_page(commands: dict[str, Any]) -> str:
    """Every public name of `attncli` with its signature and docstring."""
    listed = [name for names in CHAPTERS.values() for name in names.split()]
    assert sorted([*listed, "__version__"]) == sorted(attncli.__all__), "a public name has no place"
    lines = [
        "# Python",
        "",
        "What `import attncli` offers: each function and class with its signature, in the words of its docstring, as "
        "`help(attncli.explain)` has them. [attn in Python](../python.md) shows them at work. `attncli.__version__` is the version.",
    ]
    for chapter, names in CHAPTERS.items():
        lines += ["", f"## {chapter}"]
        for name in names.split():
            thing = getattr(attncli, name)
            lines += (
                class_section(name, thing, f"attncli.{name}")
                if isinstance(thing, type)
                else function_section(name, thing)
            )
    lines += [
        "",
        "## What functions return",
        "",
        "You get these from the functions above, and need not import them.",
    ]
    for module, names in RETURNED.items():
        held = import_module(f"attncli.{module}")
        for name in names.split():
            lines += class_section(name, getattr(held, name), name)
    lines += ["", "## Choices"]
    for choices, (held, command, title) in SHARED.items():
        lines += choices_section(choices, held, commands[command], title)
    return "\n".join([*lines, ""])


def function_section(name: str, function: Any) -> Iterator[str]:
    """A function: how it is called, and what it says of itself."""
    definition = definition_of(function)
    yield from ("", f"### {name}", "", "```text", *called(f"attncli.{name}", definition), "```")
    yield from documented(inspect.getdoc(function) or "")
    if kinds := re.findall(r"\*\*\w+: Unpack\[_?(\w+)\]", ast.unparse(definition.args)):
        shared = [SHARED[kind][2] for kind in resolved(kinds) if kind in SHARED]
        links = " and ".join(f"[{title}](#{title.lower().replace(' ', '-')})" for title in shared)
        if links:
            yield from ("", f"Named arguments besides: {links}.")


def resolved(kinds: Iterable[str]) -> Iterator[str]:
    """The shared choices that a kind of choices is made of."""
    for kind in kinds:
        yield from {"Explained": ["Choices"], "BatchChoices": ["BatchChoices", "Choices"]}.get(
            kind, [kind]
        )


def class_section(name: str, kind: type, written: str) -> Iterator[str]:
    """A class: its fields or how it is made, and its public methods."""
    yield from ("", f"### {name}")
    if defaults := defaults_of(kind):
        rows = [f"{key}: {annotation_of(kind, key)}{said}" for key, said in defaults.items()]
        yield from ("", "```text", f"{written}(", *(f"    {row}," for row in rows), ")", "```")
    elif "__init__" in vars(kind):
        yield from ("", "```text", *called(written, definition_of(kind.__init__)), "```")
    yield from documented(inspect.getdoc(kind) or "")
    for key, member in public_members(kind):
        if f"{name}.{key}" in INNER:
            continue
        if isinstance(member, property | cached_property):
            yield from ("", f"#### {name}.{key}", *documented(inspect.getdoc(member) or ""))
            continue
        function = getattr(member, "__func__", member)
        signature = called(f"{name}.{key}", definition_of(function))
        yield from ("", f"#### {name}.{key}()", "", "```text", *signature, "```")
        yield from documented(inspect.getdoc(getattr(kind, key)) or "")


def public_members(kind: type) -> Iterator[tuple[str, Any]]:
    """Methods and properties of a class and of our classes that it is made of, with a docstring."""
    seen: set[str] = set()
    for base in kind.__mro__:
        if not base.__module__.startswith("attncli"):
            continue
        for key, member in vars(base).items():
            callable_or_property = inspect.isfunction(member) or isinstance(
                member, property | cached_property | classmethod | staticmethod
            )
            if callable_or_property and not key.startswith("_") and key not in seen:
                seen.add(key)
                yield key, member


def choices_section(choices: str, held: str, command: Any, title: str) -> Iterator[str]:
    """The fields of a class of choices, with their defaults and the help of their options."""
    helps = {max(p.opts, key=len): p for p in command.params if p.param_type_name == "option"}
    helps |= {name: p for p in command.params for name in p.secondary_opts}
    kinds = annotations(settings, choices)
    defaults = {
        key: field.default for key, field in getattr(settings, held).__dataclass_fields__.items()
    }
    yield from ("", f"### {title}", "", f"The fields of `attncli.settings.{held}`.")
    yield from ("", "| name | default | what it is |", "|---|---|---|")
    for key in kinds:
        option = helps.get(option_of(key)) or helps.get(f"--{key.replace('_', '-')}")
        text = (option.help or "") if option is not None else ""
        text = re.sub(r" +\[default:.*\]$", "", text)
        kind = marked(kinds[key])
        yield f"| `{key}` | {cell(repr(defaults[key]))} | {marked(text)} ({kind}) |"


def annotations(module: Any, name: str) -> dict[str, str]:
    """The fields of a class with their types as they are written."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ClassDef) and node.name == name:
            written = [each for each in node.body if isinstance(each, ast.AnnAssign)]
            return {
                ast.unparse(each.target): ast.unparse(each.annotation).strip("'")
                for each in written
            }
    raise LookupError(name)


def annotation_of(kind: type, key: str) -> str:
    """The type of a field as it is written."""
    return annotations(inspect.getmodule(kind), kind.__name__)[key]


def defaults_of(kind: Any) -> dict[str, str]:
    """What stands behind each field of a class of fields: its default, or nothing."""
    if issubclass(kind, tuple):
        fields, defaults = kind._fields, kind._field_defaults
    else:
        fields = getattr(kind, "__dataclass_fields__", {})
        defaults = {k: f.default for k, f in fields.items() if f.default is not MISSING}
    return {key: f" = {defaults[key]!r}" if key in defaults else "" for key in fields}


def definition_of(function: Any) -> ast.FunctionDef:
    """The source of a function as a tree."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition


def called(name: str, definition: ast.FunctionDef) -> Iterator[str]:
    """How a function is called, a parameter a line where one line would be long."""
    arguments = definition.args
    if arguments.args and arguments.args[0].arg in ("self", "cls"):
        arguments.args = arguments.args[1:]
    returns = "" if definition.returns is None else f" -> {ast.unparse(definition.returns)}"
    returns = returns.replace("'", "")
    whole = f"{name}({ast.unparse(arguments)}){returns}".replace(
        "'AttentionResult", "AttentionResult"
    )
    if len(whole) <= 88:
        yield whole
        return
    yield f"{name}("
    for part in parameters(arguments):
        yield f"    {part},"
    yield f"){returns}"


def parameters(arguments: ast.arguments) -> Iterator[str]:
    """Each parameter with its type and default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    for argument, default in zip(positional, defaults, strict=True):
        yield parameter(argument, default)
    if arguments.vararg:
        yield f"*{parameter(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield parameter(argument, default)
    if arguments.kwarg:
        yield f"**{parameter(arguments.kwarg, None)}"


def parameter(argument: ast.arg, default: ast.expr | None) -> str:
    """One parameter; a type that is written as a text stands without its quotes."""
    kind = argument.annotation
    text = (
        ""
        if kind is None
        else (kind.value if isinstance(kind, ast.Constant) else ast.unparse(kind))
    )
    typed = argument.arg if kind is None else f"{argument.arg}: {text}"
    return typed if default is None else f"{typed} = {ast.unparse(default)}"


def documented(text: str) -> Iterator[str]:
    """A docstring in Markdown: paragraphs as they are, its examples in a block of Python."""
    for part in text.split("\n\n"):
        if part.lstrip().startswith(">>>"):
            yield from ("", "```pycon", *part.splitlines(), "```")
        elif part.startswith("    "):
            yield from ("", "```text", *textwrap.dedent(part).splitlines(), "```")
        else:
            yield from ("", prose(part))


def prose(text: str) -> str:
    """A paragraph; what is code in it stays code, and what it raises begins a paragraph of its own."""
    joined = re.sub(r" (?=(Raises|Shapes|Source): )", "\n\n", " ".join(text.split()))
    pieces = re.split(r"(`[^`]*`)", joined)
    return "".join(p if p.startswith("`") else escaped_marks(p) for p in pieces)
