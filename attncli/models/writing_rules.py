"""What the files of a model say of how it writes: where it begins, what it may not write, where it ends.

The keys are those of generation_config.json of Hugging Face transformers, or without that file of
config.json. They change what the likeliest next token is; what changes it and is not computed here
is refused by its name. What only sampling, beams or a whole batch use is not read, and no end is
forced where a caller's count is reached.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.errors.wording import quoted, visible
from attncli.files.paths import exists, is_file
from attncli.models.checkpoint import read_json
from attncli.models.config import ModelConfig
from attncli.models.families.reading import end_ids
from attncli.models.keys import ConfigKeys

_MOST_BARRED = 1 << 16  # sequences
_NOT_COMPUTED = {  # with the values that change nothing
    "encoder_repetition_penalty": (1,),
    "encoder_no_repeat_ngram_size": (0,),
    "guidance_scale": (1,),
    "penalty_alpha": (0,),
    **dict.fromkeys(
        (
            "exponential_decay_length_penalty",
            "sequence_bias",
            "watermarking_config",
            "dola_layers",
            "stop_strings",
        ),
        (),
    ),
}


class WritingRules(NamedTuple):
    """How the next token is chosen: by its logit, within these rules.

    `start` is the id that a decoder behind an encoder begins with, `first` the one that must follow
    one id alone, if any; a text ends at an id of `ends`, and not before it has `shortest` tokens, those
    it began with included, of which there are `given`. No sequence of `barred` is written, and none of
    `repeated` tokens twice (0: any may be); no id of `later` is the first that is chosen. The logits of
    ids that are there already are divided by `penalty` where they are above 0, else multiplied.
    """

    start: int
    ends: frozenset[int]
    first: int | None = None
    shortest: int = 0
    barred: tuple[tuple[int, ...], ...] = ()
    repeated: int = 0
    penalty: float = 1.0
    later: frozenset[int] = frozenset()
    given: int = 1

    def next_id(self, logits: Float32Array, ids: Sequence[int]) -> int:
        """The id after `ids`, which begin with those that were given; the first of equally likely ones.

        Shape of logits: (n_vocab,).
        """
        if self.first is not None and len(ids) == 1:
            return self.first
        allowed = logits.copy()
        if self.penalty != 1:
            there = sorted({one for one in ids if one < len(allowed)})
            own, penalty = allowed[there], np.float32(self.penalty)
            allowed[there] = np.where(own < 0, own * penalty, own / penalty)
        out = self._not_allowed(tuple(ids))
        allowed[sorted(one for one in out if one < len(allowed))] = -np.inf
        return int(allowed.argmax())

    def _not_allowed(self, ids: tuple[int, ...]) -> set[int]:
        """The ids that may not come next."""
        out = {
            one[-1]
            for one in self.barred
            if len(one) <= len(ids) + 1 and ids[len(ids) + 1 - len(one) :] == one[:-1]
        }
        if len(ids) < self.shortest:
            out |= self.ends
        forced = self.given == 1 and self.first is not None
        if len(ids) == self.given + forced:
            out |= self.later
        if 0 < self.repeated <= len(ids):
            last = ids[len(ids) + 1 - self.repeated :]
            for at in range(len(ids) + 1 - self.repeated):
                if ids[at : at + self.repeated - 1] == last:
                    out.add(ids[at + self.repeated - 1])
        return out


def read_writing_rules(folder: Path, config: ModelConfig, n_given: int = 1) -> WritingRules:
    """The rules of a model's folder, or of its GGUF file, which says but start and ends.

    `config` is what the folder or the file says of the model; `n_given` is how many ids a text has
    that it goes on with: a decoder behind an encoder has one, the start. Raises: DataError for a key
    that is damaged, or that changes what is written and is not computed, InputError and LimitError for
    such a file.
    """
    start = 0 if config.sides is None else config.sides.start
    if is_file(folder):
        return WritingRules(start, frozenset(config.ends), given=n_given)
    path = folder / "generation_config.json"
    if not exists(path):
        path = folder / "config.json"
    given = read_json(path)
    keys = ConfigKeys(given, visible(str(path)))
    for name, unchanged in _NOT_COMPUTED.items():
        if (value := given.get(name)) not in (None, [], {}, *unchanged):
            raise keys.fault(
                f"{name} is {quoted(str(value), 80)}, expected none: it is not computed"
            )
    least = keys.size("min_new_tokens", default=0, least=0)
    ends = frozenset(end_ids(given))
    if config.sides is not None:
        usual = keys.size("bos_token_id", default=start, least=0)
        start = keys.size("decoder_start_token_id", default=usual, least=0)
    return WritingRules(
        start=start,
        ends=ends,
        first=_optional_id(keys, "forced_bos_token_id"),
        shortest=least + n_given if least else keys.size("min_length", default=0, least=0),
        barred=tuple(one for one in _barred(keys, given) if len(one) > 1 or one[0] not in ends),
        repeated=keys.size("no_repeat_ngram_size", default=0, least=0),
        penalty=keys.number("repetition_penalty", default=1.0),
        later=frozenset(_each(keys, given, "begin_suppress_tokens")),
        given=n_given,
    )


def _optional_id(keys: ConfigKeys, name: str) -> int | None:
    return None if keys.given.get(name) is None else keys.size(name, default=0, least=0)


def _each(keys: ConfigKeys, given: Mapping[str, Any], name: str) -> list[int]:
    """The ids of a list, none where there is none. Raises: DataError for what is no list of ids."""
    value = given.get(name) or []
    if value and not (_is_sequence(value) and len(value) <= _MOST_BARRED):
        raise keys.fault(f"{name} is {quoted(str(value), 80)}, expected a list of ids")
    return list(value)


def _barred(keys: ConfigKeys, given: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """The sequences of bad_words_ids, and each of suppress_tokens. Raises: DataError."""
    sequences = given.get("bad_words_ids") or []
    is_list = isinstance(sequences, list) and len(sequences) <= _MOST_BARRED
    if not is_list or not all(map(_is_sequence, sequences)):
        raise keys.fault(f"bad_words_ids is {quoted(str(sequences), 80)}, expected lists of ids")
    alone = _each(keys, given, "suppress_tokens")
    return [*map(tuple, sequences), *((one,) for one in alone)]


def _is_sequence(value: object) -> bool:
    """Whether this is a list of ids, at least one."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in value)
