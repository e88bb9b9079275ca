"""The console of Windows, which acts on escape codes when it is asked to, and in old versions never."""

import ctypes
from importlib import import_module
from typing import Any, TextIO

_ESCAPES = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING, Console Modes of the Windows documentation


def turns_escapes_on(stream: TextIO | None) -> bool:
    """Has the console behind a stream act on escape codes; whether it does, which a file does not."""
    if stream is None:
        return False
    system: Any = vars(ctypes)["windll"].kernel32  # only Windows has it
    mode = ctypes.c_ulong()
    try:
        console = ctypes.c_void_p(import_module("msvcrt").get_osfhandle(stream.fileno()))
    except (AttributeError, OSError, ValueError):  # closed, or no stream of the system
        return False
    is_console = system.GetConsoleMode(console, ctypes.byref(mode))
    return bool(is_console and system.SetConsoleMode(console, mode.value | _ESCAPES))
