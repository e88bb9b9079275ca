"""Sentences and mechanisms whose drawings are tried."""

from attncli.insight.learned import Learned
from attncli.mechanisms.open import open_analyser
from attncli.results.fields import STAGE_FIELDS
from attncli.results.result import AttentionResult
from attncli.settings import MechanismSettings

SHORT, LONG = "money bank grows", "the river bank near money grows fast"
INLINE = "money=1,0;bank=1,1;grows=0,2;the=.5,-1;river=2,.25;near=0,-1;fast=-1,3"
MECHANISMS = {
    "general": {},
    "dot": {"score": "dot", "temperature": 40.0},
    "cosine": {"score": "cosine", "see_self": False},
    "random": {"attention": "task", "d_k": 3, "d_v": 2, "causal": True},
    "heads": {"attention": "task", "heads": 2, "positions": "relative", "window": 1},
    "rope": {"attention": "task", "positions": "rope", "d_k": 7, "d_v": 6},
    "places": {"attention": "task", "positions": "learned"},
    "given": {"inline": INLINE, "w_q": "1,0;0,1", "w_k": "0,1;1,0", "w_v": "1,2;3,4"},
    "output": {
        "inline": INLINE,
        "w_v": "1,2;3,4|0,1;1,0",
        "w_q": "1,0;0,1|1,1;1,1",
        "w_o": "1;2;3;4",
    },
    "idioms": {"model": "idioms"},
    "lecture": {"model": "lecture"},
}


def analyzed(text: str, **settings) -> tuple[AttentionResult, Learned]:
    """The result of a sentence with all stages, and its matrices."""
    fields = frozenset((*STAGE_FIELDS, "hidden_states"))
    analyser = open_analyser(MechanismSettings(**settings), fields).analyser
    (result,) = analyser.outcomes([text])
    assert isinstance(result, AttentionResult), result
    return result, analyser.learned
