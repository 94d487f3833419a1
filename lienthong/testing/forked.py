"""
Processes of ours that begin at once: `Popen` and `run` as in `subprocess`.

A new interpreter works for more than a second until it has imported the program. Here one does that
once for all the tests of a process, and each `python -m lienthong …` is a fork of it: a process of
its own, a child of the caller, with its own folder, environment, streams, signals and end. Whatever
else is run, or is asked for, is left to `subprocess`. How a process begins is not seen this way:
tests of that start an interpreter, and `tests/e2e/test_beginning.py` imports what commands import.
At its end a fork does what an interpreter does, but takes nothing apart that it shares.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from inspect import signature
from threading import Lock
from typing import TYPE_CHECKING, Any, AnyStr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_ORDER = 1 << 20
"""Bytes: arguments and environment."""
PROGRAM = "lienthong"
PACKAGES = ("adapters", "broker", "lienthong", "mappings", "schemas", "signing")
APART = ("lienthong.testing", "lienthong.store.migrations.")
"""Not imported beforehand: the tests' own, and what only the migrations load."""
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER, see prctl(2)."""
_STREAMS = ("p2cread", "c2pwrite", "errwrite")
_UNUSUAL = {
    "preexec_fn": None,
    "pass_fds": (),
    "shell": False,
    "gid": None,
    "gids": None,
    "uid": None,
    "umask": -1,
    "start_new_session": False,
    "process_group": -1,
}
"""What a fork is not asked for, with the values that say so."""
_UNWRITTEN = 120
"""How an interpreter ends whose output cannot be written."""


class Popen(subprocess.Popen[AnyStr]):
    """`subprocess.Popen`, whose `python -m lienthong …` begins at once."""

    def _execute_child(self, *given: Any) -> None:
        begin = subprocess.Popen._execute_child  # type: ignore[attr-defined]  # noqa: SLF001
        asked = signature(begin).bind(self, *given).arguments
        words = _words_of(asked["args"])
        if words is None or any(asked[name] != usual for name, usual in _UNUSUAL.items()):
            begin(self, *given)
            return
        order = {
            "words": words,
            "folder": os.fspath(asked["cwd"] or os.getcwd()),
            "environment": dict(asked["env"] or os.environ),
        }
        streams = [number if asked[name] == -1 else asked[name]
                   for number, name in enumerate(_STREAMS)]  # fmt: skip
        self.pid = _server().begin(order, streams)
        self._child_created = True
        self._close_pipe_fds(  # type: ignore[attr-defined]
            *(asked[f"{kind}{end}"] for kind, end in _ENDS)
        )


_ENDS = (("p2c", "read"), ("p2c", "write"), ("c2p", "read"), ("c2p", "write"), ("err", "read"),
         ("err", "write"))  # fmt: skip


def run(
    words: Sequence[Any],
    *,
    input: Any = None,  # noqa: A002 - as in subprocess
    capture_output: bool = False,
    check: bool = False,
    timeout: float | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """Run a command to its end, as `subprocess.run` does."""
    if input is not None:
        options["stdin"] = subprocess.PIPE
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(words, **options) as process:
        try:
            out, err = process.communicate(input, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def _words_of(command: Any) -> list[str] | None:
    """Return the module and its words; None where it is not a module of ours that is run."""
    if isinstance(command, (str, bytes, os.PathLike)):
        return None
    python, *words = map(os.fsdecode, command)
    if words[:1] == ["-P"]:
        del words[0]
    is_ours = words[:1] == ["-m"] and words[1].partition(".")[0] == PROGRAM
    return words[1:] if is_ours and python == sys.executable else None


class _Server:
    """Where the forks come from; ends with the process that asks it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
            )

    def begin(self, order: dict[str, Any], streams: Sequence[int]) -> int:
        """Have a process begun; return its number. It is a child of ours."""
        with self._lock, _adopting():
            socket.send_fds(self._socket, [json.dumps(order).encode()], streams)
            answer = self._socket.recv(LONGEST_ORDER)
        if not answer:
            raise ChildProcessError("the process that begins others has ended")
        return int(answer)

    def end(self) -> None:
        """Let it end."""
        self._socket.close()
        self._process.wait()


@cache
def _server() -> _Server:
    made = _Server()
    atexit.register(made.end)
    return made


@contextmanager
def _adopting() -> Iterator[None]:
    """Become the parent of descendants whose parents end meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)
    for is_on in (1, 0):
        if libc.prctl(_SUBREAPER, is_on, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        if is_on:
            yield


def _serve(control: socket.socket) -> dict[str, Any]:
    """Fork for every order; return in each fork with its order, and end where there are no more."""
    while True:
        message, streams, _flags, _address = socket.recv_fds(control, LONGEST_ORDER, len(_STREAMS))
        if not message:
            os._exit(0)
        told, tell = os.pipe()
        between = os.fork()
        if between == 0:
            number = os.fork()
            if number == 0:
                for opened in (told, tell, control.detach()):
                    os.close(opened)
                for target, stream in enumerate(streams):
                    os.dup2(stream, target)
                    os.close(stream)
                return dict(json.loads(message))
            os.write(tell, str(number).encode())
            os._exit(0)
        for opened in (tell, *streams):
            os.close(opened)
        answer = os.read(told, LONGEST_ORDER)
        os.close(told)
        # Only the child of one that is gone is adopted.
        os.waitpid(between, 0)
        control.send(answer)


def _become(order: dict[str, Any]) -> None:
    """Be what an interpreter is when it begins."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        before = getattr(sys, f"__{name}__")
        stream = open(  # noqa: SIM115 - for as long as the process lives
            number,
            mode,
            buffering=1 if name == "stderr" else -1,
            encoding=before.encoding,
            errors=before.errors,
            closefd=False,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if os.environ.get("PYTHONWARNINGS") == "default":
        warnings.simplefilter("default")
    signal.signal(signal.SIGINT, signal.default_int_handler)


def import_all() -> None:
    """Import what the commands may need."""
    for package in PACKAGES:
        where = import_module(package).__path__
        for module in pkgutil.walk_packages(where, prefix=f"{package}."):
            if not module.name.endswith("__main__") and not module.name.startswith(APART):
                import_module(module.name)


def _main(number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import_all()
    agencies = import_module("mappings").load_agencies(None)
    for name in agencies.names():
        agencies.get(name)
    # What is there is shared; a collection would touch it.
    gc.collect()
    gc.freeze()
    order = _serve(socket.socket(fileno=number))
    _become(order)
    module, *sys.argv[1:] = order["words"]
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = _code_of(ended)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - whatever ends an interpreter
        traceback.print_exc()
        code = 1
    _end(code)


def _code_of(ended: SystemExit) -> int:
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1


def _end(code: int) -> None:
    """
    End as an interpreter does: threads first, then what is to be done last, then what is left.

    To take apart what the fork shares would first copy it, and takes as long as a short command.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads
    atexit._run_exitfuncs()  # noqa: SLF001 - is there for no other purpose
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or _UNWRITTEN
    os._exit(code)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
