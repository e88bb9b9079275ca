"""The names of the fields of a record: which it always has, which on request, which its parts have."""

from attncli.results.predicted import NEXT, PREDICTED

SCHEMA_VERSION = "1.0"
CROSS_SCHEMA = "1.1"  # of a record with keys of another text, or with the parts of a decoder

# Optional arrays of the record and their number of axes; they appear only when asked for.
OPTIONAL_ARRAYS = {
    "embeddings": 2,
    "query": 4,
    "key": 4,
    "value": 4,
    "scores": 4,
    "hidden_states": 3,
}
# What the stages of attention are made of, from the embeddings to the weights.
STAGE_FIELDS = ("embeddings", "query", "key", "value", "scores")
DEFAULT_FIELDS = ("weights", "contextual")
OPTIONAL_FIELDS = (*OPTIONAL_ARRAYS, "measures")
ON_REQUEST = (*OPTIONAL_FIELDS, NEXT)  # what a language model says stands in `model`
INCLUDED_FIELDS = (*ON_REQUEST, *DEFAULT_FIELDS)  # that a record can be asked to have
EXCLUDED_FIELDS = (  # that it can be asked to leave out
    *INCLUDED_FIELDS,
    *("index", "line", "text", "tokens", "attention", "vectors", "model", "warnings"),
)
NOT_GIVEN = "not given"  # the vectors of a record that names none
# What a record holds unless it is left out, beside the weights.
USUAL_FIELDS = (
    *("index", "line", "text", "tokens", "attention", "contextual", "vectors", "model", "warnings"),
)
# What only some models have; a record holds them where they are known.
RARE_OF_MODELS = ("quantization", *PREDICTED)
# Results that an encoder's result may hold beside its own, and the fields that records have of them.
_OF_CROSS = (
    *("attention", "weights", "scores", "measures", "selection", "warnings"),
    *("query", "key", "value"),
)
_OF_DECODER = ("text", "tokens", *_OF_CROSS, "contextual", "embeddings", "hidden_states", "model")
SAID_OF_TEXT = ("next", "next_entropy", "log_probabilities")  # what a decoder says of its text
PART_FIELDS = {"decoder": _OF_DECODER, "cross": _OF_CROSS}
PARTS = tuple(PART_FIELDS)
SHARED_FIELDS = ("index", "line", "vectors")  # which these take from it
# What a result holds besides, which is no part of its record.
UNRECORDED = ("before", "reads")
