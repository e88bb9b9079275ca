"""Python as attncli meets it on Windows, as far as Linux can play it; a test puts it on PYTHONPATH.

attncli and the files of its tests see `os.name` "nt", `sys.platform` "win32", no module and no
function that Windows lacks, descriptors that turn the ends of lines unless they are opened with
O_BINARY, and locks of msvcrt. For everybody in the process, an open file can be neither removed nor
replaced, nobody forks, and standard output ends its lines with CR LF. Paths stay those of Linux, but
for the drive that `os.path.splitdrive` splits off.
"""

import builtins
import contextlib
import ctypes
import errno
import fcntl
import multiprocessing
import ntpath
import os
import signal
import struct
import subprocess  # noqa: F401 - before msvcrt is there, by which it would know Windows
import sys
import types

POSIX_MODULES = {
    *("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix", "readline"),
    *("curses", "_posixsubprocess"),
}
# Functions of os that Windows lacks, constants too; whatever begins with these words likewise.
NO_OS = {
    *("fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getpgid", "getpgrp", "setsid"),
    *("killpg", "uname", "sysconf", "chown", "lchown", "fchown", "fchmod", "fchdir", "mkfifo"),
    *("mknod", "nice", "pread", "pwrite", "preadv", "pwritev", "sendfile", "statvfs", "fstatvfs"),
    *("sync", "fdatasync", "setxattr", "getxattr", "listxattr", "removexattr", "wait", "wait3"),
    *("SEEK_HOLE", "SEEK_DATA", "getloadavg", "openpty", "ttyname", "lockf", "WNOHANG"),
    *("O_NOFOLLOW", "O_NONBLOCK", "O_TMPFILE", "O_DIRECTORY", "O_CLOEXEC", "O_SYNC", "O_DSYNC"),
    *("O_NOCTTY", "O_PATH", "O_DIRECT", "getpriority", "setpriority", "memfd_create", "pidfd_open"),
}
NO_OS_BEGINNINGS = ("sched_", "posix_", "RTLD_", "F_", "EX_")
SIGNALS = {"SIGINT", "SIGTERM", "SIGABRT", "SIGFPE", "SIGILL", "SIGSEGV", "SIG_DFL", "SIG_IGN"}
O_BINARY = 0o100000  # a bit that Linux on 64 bits does not look at
_F_OFD_SETLK = 37
_RESERVED_SIGNS = '<>:"|?*'

_text_mode: set[int] = set()


class Seen(types.ModuleType):
    """A module as attncli sees it: its own names, then those of the real one that Windows has."""

    def __init__(self, real: types.ModuleType, has, **own: object) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(own, _real=real, _has=has)

    def __getattr__(self, name: str) -> object:
        if not self._has(name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._real, name, value)


@contextlib.contextmanager
def _one_at_a_time():
    """No process opens a file between the question whether it is open and its removal."""
    number = os.open(__file__, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _open(path, flags, mode=0o777, *, dir_fd=None):
    if dir_fd is not None:
        raise NotImplementedError("dir_fd unavailable on this platform")
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)
    with _one_at_a_time():
        number = os.open(path, flags, mode)
    (_text_mode.discard if flags & O_BINARY else _text_mode.add)(number)
    return number


def _close(number):
    _text_mode.discard(number)
    os.close(number)


def _write(number, data):
    if number not in _text_mode:
        return os.write(number, data)
    os.write(number, bytes(data).replace(b"\n", b"\r\n"))
    return len(data)


def _read(number, count):
    data = os.read(number, count)
    return data.replace(b"\r\n", b"\n") if number in _text_mode else data


def _fdopen(number, *rest, **more):
    _text_mode.discard(number)  # Python itself makes it binary
    return os.fdopen(number, *rest, **more)


def _fsync(number):
    if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "Bad file descriptor")
    os.fsync(number)


def _kill(process, number):
    os.kill(process, signal.SIGKILL)  # TerminateProcess, whatever the number


def _link(source, target, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True):
    if not follow_symlinks or src_dir_fd is not None or dst_dir_fd is not None:
        raise NotImplementedError("link: follow_symlinks unavailable on this platform")
    os.link(source, target)


def _locking(number: int, mode: int, count: int) -> None:
    """One range from where the descriptor stands, held by the open file as a handle holds it."""
    at = os.lseek(number, 0, os.SEEK_CUR)
    if at + count >= 1 << 31:  # the C library of Windows may cut an offset to 32 bits
        raise OSError(errno.EINVAL, "Invalid argument")
    kind = fcntl.F_UNLCK if mode == 0 else fcntl.F_WRLCK
    try:
        fcntl.fcntl(number, _F_OFD_SETLK, struct.pack("hhqqi4x", kind, 0, at, count, 0))
    except OSError as fault:
        raise PermissionError(errno.EACCES, "Permission denied") from fault


def _is_open(path: str) -> bool:
    """Whether a process of this group has the file, or one of the folder, open or mapped."""
    path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    below = path + os.sep
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.getpgid(int(process)) == os.getpgrp() and any(
                each == path or each.startswith(below) for each in _held(f"/proc/{process}")
            ):
                return True
    return False


def _held(process: str):
    for number in os.listdir(f"{process}/fd"):
        with contextlib.suppress(OSError):
            yield os.readlink(f"{process}/fd/{number}")
    with builtins.open(f"{process}/maps", "rb") as maps:
        for line in maps:
            if b"/" in line:
                yield os.fsdecode(line.split(None, 5)[5].strip())


def _in_use(path):
    return PermissionError(errno.EACCES, "The process cannot access the file, it is used", path)


def _guarded(real, checked: int, *, refuses_existing: bool = False):
    """A function that takes a name away, or gives it to another file; not of an open file."""

    def guarded(*paths, **more):
        with _one_at_a_time():
            return unguarded(*paths, **more)

    def unguarded(*paths, **more):
        where = more.get("dir_fd")
        for path in paths[:checked]:
            text = os.fsdecode(os.fspath(path))
            if where is not None:
                text = os.path.join(os.readlink(f"/proc/self/fd/{where}"), text)
            if _is_open(os.path.abspath(text)):
                raise _in_use(path)
        if refuses_existing and os.path.lexists(paths[1]):
            raise FileExistsError(errno.EEXIST, "Cannot create a file that exists", paths[1])
        _check_new_name(paths[checked - 1])
        return real(*paths, **more)

    return guarded


def _check_new_name(path) -> None:
    if any(sign in ntpath.basename(os.fsdecode(os.fspath(path))) for sign in _RESERVED_SIGNS):
        raise OSError(errno.EINVAL, "The filename is incorrect", path)


os.replace = _guarded(os.replace, 2)
os.rename = _guarded(os.rename, 2, refuses_existing=True)
os.unlink = os.remove = _guarded(os.unlink, 1)
os.rmdir = _guarded(os.rmdir, 1)
del os.fork
multiprocessing.set_start_method("spawn")
for stream in (sys.stdout, sys.stderr):
    if stream is not None:
        stream.reconfigure(newline="\r\n")

_msvcrt = types.ModuleType("msvcrt")
_msvcrt.locking, _msvcrt.LK_UNLCK, _msvcrt.LK_LOCK, _msvcrt.LK_NBLCK = _locking, 0, 1, 2
_msvcrt.get_osfhandle = lambda number: number
sys.modules["msvcrt"] = _msvcrt


class _Kernel32:
    """A console whose version FAKE_CONSOLE says: an "old" one knows no escape codes."""

    def GetConsoleMode(self, console, mode) -> int:  # noqa: N802
        return int(os.isatty(console.value or 0))

    def SetConsoleMode(self, console, mode: int) -> int:  # noqa: N802
        assert mode == 4
        return int(os.environ.get("FAKE_CONSOLE") != "old")


ctypes.windll = types.SimpleNamespace(kernel32=_Kernel32())

_OWN_OS = {
    **{"name": "nt", "linesep": "\r\n", "O_BINARY": O_BINARY, "open": _open, "close": _close},
    **{"read": _read, "write": _write, "fdopen": _fdopen, "fsync": _fsync, "kill": _kill},
    "link": _link,
    "path": Seen(os.path, lambda name: True, splitdrive=ntpath.splitdrive),
}
SEEN = {
    "os": Seen(
        os, lambda name: name not in NO_OS and not name.startswith(NO_OS_BEGINNINGS), **_OWN_OS
    ),
    "sys": Seen(sys, lambda name: True, platform="win32"),
    "signal": Seen(signal, lambda name: not name.startswith("SIG") or name in SIGNALS),
}
_import = builtins.__import__
_TESTS = os.path.dirname(os.path.dirname(os.path.dirname(__file__))) + os.sep


def _is_ours(asking: dict) -> bool:
    package, file = asking.get("__package__") or "", asking.get("__file__") or ""
    return package.partition(".")[0] == "attncli" or (file.startswith(_TESTS) and file != __file__)


def _imported(name, globals=None, locals=None, fromlist=(), level=0):  # noqa: A002
    if level == 0 and _is_ours(globals or {}):
        if name.partition(".")[0] in POSIX_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name in SEEN:
            return SEEN[name]
    return _import(name, globals, locals, fromlist, level)


builtins.__import__ = _imported
