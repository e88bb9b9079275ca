"""Laws of names: one word means one thing in the whole package."""

import ast
import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import attncli

PACKAGE = Path(attncli.__file__).parent
# What the command does is called alike where Python calls it, where the terminal does, and, for
# compare, attend and vectors, where it is done.
COMMANDS = {
    *(
        "align",
        "attend",
        "batch",
        "compare",
        "diff",
        "evaluate",
        "explain",
        "info",
        "predict",
        "train",
        "view",
    ),
}
COMMANDS |= {"analogy", "import_vectors", "list_vectors", "open_vectors", "similar"}


@cache
def modules():
    """Each module's path and its tree."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


@pytest.fixture(scope="module", autouse=True)
def _trees_of_this_file_alone():
    """Trees are large: what other tests collect as garbage need not pass over them."""
    yield
    modules.cache_clear()


def public(kind):
    """The public names of a kind at the top of modules, and the modules that define each."""
    places = defaultdict(set)
    for path, tree in modules():
        for node in tree.body:
            if isinstance(node, kind) and not node.name.startswith("_"):
                places[node.name].add(path.relative_to(PACKAGE).as_posix())
    return places


def test_one_class_has_one_name():
    """No two modules define public classes of the same name."""
    assert {name: at for name, at in public(ast.ClassDef).items() if len(at) > 1} == {}


def test_one_function_has_one_name():
    """No two modules define public functions of the same name, but for the commands themselves."""
    places = {name: at for name, at in public(ast.FunctionDef).items() if len(at) > 1}
    assert {name: at for name, at in places.items() if name not in COMMANDS} == {}


def test_functions_name_things():
    """In a function of more than ten lines a name says what a thing is, not how it came."""
    vague = {"found", "made", "told"}
    named_so = set()
    for path, tree in modules():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if (function.end_lineno or 0) - function.lineno < 10:
                continue
            names = {
                node.arg if isinstance(node, ast.arg) else node.id
                for node in ast.walk(function)
                if isinstance(node, ast.arg)
                or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
            }
            for name in names & vague:
                named_so.add((path.relative_to(PACKAGE).as_posix(), function.name, name))
    assert named_so == set()


def test_a_mechanism_answers_for_itself():
    """Only `results` compares the kind of an attention; whoever else asks one of its questions."""
    kinds = {"general", "task", "transformer", "matrix"}
    asking = set()
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and ".kind" in ast.unparse(node.left):
                compared = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}
                if compared & kinds:
                    asking.add(path.relative_to(PACKAGE).as_posix())
    assert asking == {"results/facts.py"}


def test_the_schema_names_every_kind_of_attention():
    """The kinds that `AttentionSettings` is made with, anywhere, stand in its description."""
    made_with = {
        keyword.value.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "AttentionSettings"
        for keyword in node.keywords
        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
    }
    schema = json.loads((PACKAGE / "results" / "record.schema.json").read_text(encoding="utf-8"))
    kind = schema["$defs"]["result"]["properties"]["attention"]["properties"]["kind"]
    assert set(re.findall(r"\w+", kind["description"].partition(":")[0])) - {"or"} == made_with
