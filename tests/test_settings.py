"""Laws of settings: a choice is written once, and the terminal and Python offer the same."""

import ast
import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from inspect import signature
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import attncli
from attncli.cli.batch.options import BatchOptions
from attncli.cli.evaluate import evaluate
from attncli.cli.groups import Mechanism
from attncli.cli.manner import Figures, Manner
from attncli.cli.predict import predict
from attncli.cli.spreading import parameters_of
from attncli.cli.train.command import train
from attncli.cli.train.options import WordOptions
from attncli.cli.vectors.command import analogy, import_vectors, similar
from attncli.cli.vectors.evaluate import evaluate as measure
from attncli.cli.vectors.train import CorpusOptions
from attncli.mechanisms.general import GeneralSettings
from attncli.reading.reader import ReadingSettings
from attncli.settings import (
    ANALOGOUS_WORDS,
    ASKED_WORDS,
    COUNTED_WORDS,
    SIMILAR_WORDS,
    BatchChoices,
    BatchSettings,
    Choices,
    CorpusSettings,
    FigureChoices,
    FigureSettings,
    ImportSettings,
    LayerSettings,
    MechanismSettings,
    TokenizerName,
    TrainingSettings,
    WordSettings,
)
from attncli.text.words import TOKENIZERS

PACKAGE = Path(attncli.__file__).parent
DERIVED = {("mechanisms/general.py", "GeneralSettings"), ("reading/reader.py", "ReadingSettings")}
OF_THEIR_OWN = {
    ("embeddings/readers/fasttext.py", "_Settings"),  # read from a file
    ("results/facts.py", "AttentionSettings"),  # of a record
}
OF_RESULTS = {"layer", "head", "agg", "merge", "hide", "part"}  # a part of what was computed
IN_SHORT = {"random_matrices"}  # --attention task, and what that says
SOLVED = {"temperature"}  # None until it is known whether --target-self asks for another


def defaults(group):
    """The fields of a group with their defaults."""
    return {field.name: field.default for field in fields(group)}


def offered(taker):
    """The options of a command, or the arguments of a function, with their defaults."""
    is_command = taker.__module__.startswith("attncli.cli")
    parameters = parameters_of(taker) if is_command else signature(taker).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def test_the_options_of_mechanisms_are_the_settings():
    """Names and defaults, but for what chooses a part of a result."""
    options = defaults(Mechanism)
    rest = {n: options[n] for n in options if n not in OF_RESULTS | IN_SHORT}
    assert rest == defaults(MechanismSettings)


def test_the_choices_of_python_are_the_settings():
    """Every field but vectors and model, which are arguments of their own where they are asked for."""
    assert set(Choices.__annotations__) == set(defaults(MechanismSettings)) - {"vectors", "model"}


@pytest.mark.parametrize("group", [GeneralSettings, ReadingSettings])
def test_the_parts_of_a_mechanism_have_its_defaults(group):
    """General attention and reading, wherever they are made."""
    whole = defaults(MechanismSettings)
    for name, default in defaults(group).items():
        assert name in SOLVED or whole[name] == default, name


def test_settings_stand_in_one_file():
    """Every class of settings is defined in `settings/__init__.py`, or takes its defaults from there."""
    defined = {
        (path.relative_to(PACKAGE).as_posix(), node.name): node
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Settings")
    }
    elsewhere = {place for place in defined if place[0] != "settings/__init__.py"}
    assert elsewhere == DERIVED | OF_THEIR_OWN
    for place in DERIVED:
        fixed = {
            node.target.id
            for node in defined[place].body
            if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant)
        }
        assert fixed <= SOLVED, place


def test_the_options_of_batches_are_the_settings():
    """Names and defaults; fields are a list with commas, and some options only say something."""
    options = defaults(BatchOptions)
    rest = {n: options[n] for n in options if n not in {"comments", "output", "quiet"}}
    assert rest == defaults(BatchSettings) | {"include": None, "exclude": None}
    assert set(BatchChoices.__annotations__) == {*defaults(BatchSettings), *Choices.__annotations__}


def test_the_options_of_figures_are_the_settings():
    """Names and defaults, wherever a figure is written; Python has the same names."""
    assert defaults(Figures) == defaults(FigureSettings)
    assert defaults(FigureSettings).items() <= defaults(Manner).items()
    assert set(FigureChoices.__annotations__) == set(defaults(FigureSettings))


@pytest.mark.parametrize("group", [LayerSettings, TrainingSettings])
def test_the_options_of_training_are_the_settings(group):
    """Every field is an option with its default; epochs depend on what is learned."""
    options = offered(train)
    for name, default in defaults(group).items():
        if name not in ("epochs", "tolerance"):
            assert options[name] == default, name


def test_words_are_read_alike_wherever_a_model_is_learned_or_used():
    """What options and arguments of training, evaluation and prediction share with the settings."""
    ours = defaults(WordSettings)
    assert defaults(WordOptions) == ours
    takers = (attncli.train, evaluate, attncli.evaluate, predict, attncli.predict_file)
    for taker in (train, *takers, attncli.predict, attncli.cross_validate):
        given = {n: default for n, default in offered(taker).items() if n in ours}
        assert given.items() <= ours.items(), taker
        assert "vectors" in given
    for taker in (predict, attncli.predict, attncli.predict_file):
        assert offered(taker)["top"] == COUNTED_WORDS


def test_the_options_of_vectors_are_the_settings():
    """How they are learned, imported and asked, in the terminal and in Python."""
    assert defaults(CorpusOptions) == defaults(CorpusSettings)
    assert defaults(ImportSettings).items() <= offered(import_vectors).items()
    for taker in (measure, attncli.evaluate_vectors):
        assert signature(taker).parameters["limit"].default == ASKED_WORDS
    counts = {similar: SIMILAR_WORDS, analogy: ANALOGOUS_WORDS}
    for taker, count in counts.items():
        assert signature(taker).parameters["count"].default == count
        assert signature(taker).parameters["vectors"].default == WordSettings().vectors


def test_every_choice_of_an_option_is_a_choice_of_the_settings():
    """The values that the terminal takes are those of the Literals."""
    ours, theirs = get_type_hints(MechanismSettings), get_type_hints(Mechanism)
    for name, hint in ours.items():
        if get_args(hint) and all(isinstance(choice, str) for choice in get_args(hint)):
            assert get_args(theirs[name]) == get_args(hint), name


def test_every_tokenizer_is_a_choice():
    """The names that cut sentences are those that can be chosen."""
    assert tuple(TOKENIZERS) == get_args(TokenizerName)


@pytest.mark.parametrize(
    "group",
    [
        *(MechanismSettings, BatchSettings, LayerSettings, TrainingSettings, FigureSettings),
        *(WordSettings, CorpusSettings, ImportSettings),
    ],
)
def test_settings_are_values(group):
    """Equal where all fields are, whatever way they came; nobody changes one."""
    settings, name = group(), fields(group)[0].name
    others = [group(), copy.deepcopy(settings), pickle.loads(pickle.dumps(settings))]
    assert {settings, *others} == {settings}
    other = replace(settings, **{name: "other"})
    assert other != settings
    assert f"{name}='other'" in repr(other)
    with pytest.raises(FrozenInstanceError):
        setattr(settings, name, "other")
    with pytest.raises(FrozenInstanceError):
        delattr(settings, name)
    assert settings == group()
