"""The names that a genuine gensim file refers to; an inert pickle reader knows no others."""

_GENSIM_CLASSES = {
    "gensim.models.keyedvectors": (
        "KeyedVectors Word2VecKeyedVectors EuclideanKeyedVectors WordEmbeddingsKeyedVectors "
        "BaseKeyedVectors ContextEmbeddingsKeyedVectors Doc2VecKeyedVectors FastTextKeyedVectors "
        "PoincareKeyedVectors Vocab CompatVocab SimpleVocab"
    ),
    "gensim.models.word2vec": "Word2Vec Vocab Word2VecVocab Word2VecTrainables",
    "gensim.models.doc2vec": ("Doc2Vec DocvecsArray Doc2VecVocab Doc2VecTrainables Doctag"),
    "gensim.models.fasttext": "FastText FastTextVocab FastTextTrainables FastTextKeyedVectors",
    "gensim.models.wrappers.fasttext": "FastText FastTextKeyedVectors",
    "gensim.models.poincare": "PoincareModel PoincareKeyedVectors NegativesBuffer",
}
CLASSES = frozenset(
    f"{module}.{name}" for module, names in _GENSIM_CLASSES.items() for name in names.split()
) | {"builtins.object", "numpy.ndarray", "numpy.dtype"}
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
CALLED = frozenset(
    {"_codecs.encode", "copyreg._reconstructor", "numpy.dtype"}
    | {f"{module}.{name}" for module in _MULTIARRAY for name in ("_reconstruct", "scalar")}
    | {f"{module}._frombuffer" for module in _NUMERIC}
    | {
        "numpy.random.__RandomState_ctor",
        "numpy.random._pickle.__randomstate_ctor",
        "numpy.random._pickle.__generator_ctor",
        "numpy.random._pickle.__bit_generator_ctor",
    }
)
DICTS = frozenset({"collections.defaultdict", "collections.OrderedDict", "UserString.defaultdict"})
SETS = frozenset({"builtins.set", "builtins.frozenset"})
# named by genuine models as values (a hash function, a type), never called
_REFERRED = frozenset(
    {
        f"builtins.{name}"
        for name in ("hash", "int", "float", "str", "bytes", "bool", "list", "dict")
    }
    | {"gensim.utils.call_on_class_only", "numpy.float64", "numpy.int64"}
    | {"numpy.float16", "numpy.float32"}
    | {
        f"numpy.random._{name.lower()}.{name}"
        for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
    }
)
KNOWN = CLASSES | CALLED | DICTS | SETS | _REFERRED
_MODERN = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_MODERN_NAMES = {"long": "int", "unicode": "str", "xrange": "range"}


def modern(module: str, name: str) -> str:
    """The dotted name of today for what older pickles call otherwise.

    >>> modern("__builtin__", "unicode")
    'builtins.str'
    """
    return f"{_MODERN.get(module, module)}.{_MODERN_NAMES.get(name, name)}"
