"""Field → option: the one place where the names of the library become those of the command.

Loaded when something is said of a field. An option is called as its field is, but for the few here;
the tests hold that every field the library names has its option.
"""

from attncli.errors import Naming
from attncli.errors.wording import typed

_OPTIONS = {
    "see_self": "--no-self",
    "id_column": "--id",
    "part.layers": "--layer",
    "part.heads": "--head",
    "part.over": "--agg",
    "part.merge": "--merge",
    "part.hide": "--hide",
    "part.which": "--part",
}


def option_of(field: str) -> str:
    """The option of a field.

    >>> option_of("target_self")
    '--target-self'
    """
    return _OPTIONS.get(field) or "--" + field.replace("_", "-")


class Options(Naming):
    """How fields are written on the command line."""

    def field_name(self, name: str) -> str:
        """The option."""
        return option_of(name)

    def setting(self, **values: object) -> str:
        """Options with their values."""
        return " ".join(
            option_of(name) if isinstance(value, bool) else f"{option_of(name)} {typed(str(value))}"
            for name, value in values.items()
        )

    def command_line(self, words: str, **values: object) -> str:
        """The line as it is typed."""
        return f"attn {words} {self.setting(**values)}"
