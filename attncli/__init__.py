"""Self-attention in the terminal and in pipes: shown, explained, computed.

The front door for Python: a few names, each loaded when it is first used.

>>> import attncli
>>> result = attncli.explain("money bank grows")
>>> [round(float(weight), 2) for weight in result.weights[0, 0, 0]]
[0.78, 0.19, 0.03]
"""

from typing import Any

__version__ = "0.1.0"  # of the command, the package, and what began a batch that goes on

# The public names of each file of `api/`.
_FILES = {
    "aligning": "align",
    "arrays": "attend",
    "batching": "batch",
    "compare": "compare",
    "diff": "diff",
    "evaluating": "evaluate evaluate_pairs",
    "explain": "analyser explain map_heads",
    "exporting": "export_model",
    "parts": "Part",
    "predicting": "Prediction predict predict_file",
    "reasons": "why",
    "save": "save show",
    "several": "AttentionResult AttnError Results",
    "training": "LayerSettings Offset Row TrainingSettings cross_validate learning_curve train",
    "vectors": "CorpusSettings evaluate_vectors train_vectors",
    "view": "from_attentions read view",
    "word_vectors": "WordVectors open_vectors",
}
_WHERE = {name: f"attncli.api.{file}" for file, names in _FILES.items() for name in names.split()}
__all__ = sorted([*_WHERE, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'attncli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)


def load_ipython_extension(shell: Any) -> None:
    """Gives a notebook `%attn` and `%%attn`: `%load_ext attncli` calls it."""
    from importlib import import_module

    import_module("attncli.cli.magic").register(shell)


def __dir__() -> list[str]:
    return __all__
