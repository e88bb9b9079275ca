"""Self-attention in the terminal and in pipes: shown, explained, computed.

The front door for Python: a few names, each loaded when it is first used.

>>> import attncli
>>> result = attncli.explain("money bank grows")
>>> [round(float(weight), 2) for weight in result.weights[0, 0, 0]]
[0.78, 0.19, 0.03]
"""

from typing import TYPE_CHECKING, Any

from attncli.version import __version__ as __version__

if TYPE_CHECKING:
    from attncli.api.arrays import attend as attend
    from attncli.api.batching import batch as batch
    from attncli.api.compare import compare as compare
    from attncli.api.diff import diff as diff
    from attncli.api.explain import analyser as analyser
    from attncli.api.explain import explain as explain
    from attncli.api.predicting import Prediction as Prediction
    from attncli.api.predicting import predict as predict
    from attncli.api.predicting import predict_file as predict_file
    from attncli.api.save import save as save
    from attncli.api.save import show as show
    from attncli.api.several import AttentionResult as AttentionResult
    from attncli.api.several import AttnError as AttnError
    from attncli.api.several import Results as Results
    from attncli.api.training import LayerSettings as LayerSettings
    from attncli.api.training import Offset as Offset
    from attncli.api.training import Row as Row
    from attncli.api.training import TrainingSettings as TrainingSettings
    from attncli.api.training import cross_validate as cross_validate
    from attncli.api.training import evaluate as evaluate
    from attncli.api.training import learning_curve as learning_curve
    from attncli.api.training import train as train
    from attncli.api.vectors import CorpusSettings as CorpusSettings
    from attncli.api.vectors import evaluate_vectors as evaluate_vectors
    from attncli.api.vectors import train_vectors as train_vectors
    from attncli.api.view import from_attentions as from_attentions
    from attncli.api.view import read as read
    from attncli.api.view import view as view
    from attncli.api.word_vectors import WordVectors as WordVectors
    from attncli.api.word_vectors import open_vectors as open_vectors

# The public names of each file of `api/`.
_FILES = {
    "arrays": "attend",
    "batching": "batch",
    "compare": "compare",
    "diff": "diff",
    "explain": "analyser explain",
    "predicting": "Prediction predict predict_file",
    "save": "save show",
    "several": "AttentionResult AttnError Results",
    "training": "LayerSettings Offset Row TrainingSettings cross_validate evaluate learning_curve train",
    "vectors": "CorpusSettings evaluate_vectors train_vectors",
    "view": "from_attentions read view",
    "word_vectors": "WordVectors open_vectors",
}
_WHERE = {name: f"attncli.api.{file}" for file, names in _FILES.items() for name in names.split()}
__all__ = [
    "AttentionResult",
    "AttnError",
    "CorpusSettings",
    "LayerSettings",
    "Offset",
    "Prediction",
    "Results",
    "Row",
    "TrainingSettings",
    "WordVectors",
    "__version__",
    "analyser",
    "attend",
    "batch",
    "compare",
    "cross_validate",
    "diff",
    "evaluate",
    "evaluate_vectors",
    "explain",
    "from_attentions",
    "learning_curve",
    "open_vectors",
    "predict",
    "predict_file",
    "read",
    "save",
    "show",
    "train",
    "train_vectors",
    "view",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'attncli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
