"""Groups of options: how wide a command's text is, in which colors, of which characters."""

from attncli.cli.screen import ColorChoice, Screen
from attncli.cli.vain_options import looks, say_vain
from attncli.settings.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Colored(Screen):
    """How wide, and in which colors."""

    width: int | None = None
    color: ColorChoice = "auto"

    def given(self) -> dict[str, object]:
        """These options as `warn_of_vain` takes them."""
        return looks(width=self.width, color=self.color, ascii_only=self.ascii_only)

    def say_vain(self, where: str, *, quiet: bool, **others: bool) -> None:
        """Says which of these options, and of `others`, are given and have no effect there."""
        given = {f"--{name}": value for name, value in others.items()} | self.given()
        say_vain([name for name, value in given.items() if value], where, quiet=quiet)


@dataclass(frozen=True, slots=True)
class Looks(Colored):
    """How wide, in which colors, of which characters."""

    ascii_only: bool = False


COLORED, LOOKS = Colored(), Looks()
