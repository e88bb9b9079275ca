"""The validator of the schema that ships in the package."""

import json
from functools import cache
from importlib.resources import files

from jsonschema import Draft202012Validator


@cache
def validator() -> Draft202012Validator:
    """Checks a record against attncli/results/record.schema.json."""
    text = files("attncli").joinpath("results/record.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))
