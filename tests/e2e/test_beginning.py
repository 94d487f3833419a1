"""What a command imports can be imported first: in a new process nothing of ours is there yet."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import lienthong.cli
from lienthong.testing.forked import PACKAGES

CLI = Path(lienthong.cli.__file__).parent
ALL = """
import json, sys
from lienthong.testing.forked import import_all
import_all()
print(json.dumps(list(sys.modules)))
"""
EACH = """
import gc, json, os, sys, traceback
from importlib import import_module
failed = []
for loaded, asked in json.load(sys.stdin):
    for name in loaded:
        try:
            import_module(name)
        except ImportError:
            pass
    assert not {name.partition(".")[0] for name in sys.modules} & {
        name.partition(".")[0] for name in asked
    }
    gc.disable()
    gc.freeze()
    for name in asked:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                import_module(name)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        if os.waitpid(child, 0)[1] != 0:
            failed.append(name)
print(json.dumps(failed))
"""
"""Loads what is given first, and imports each module that is asked for in a process of its own."""


def imported_when_run(file):
    """Return the modules of ours that the functions of a file import, and those named in a text."""
    tree = ast.parse(file.read_text("utf-8"))
    return {
        found
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        for found in named_by(node)
        if found.partition(".")[0] in PACKAGES
    }


def named_by(node):
    match node:
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(module))]):
            return [module]
    return []


def python(script, given=""):
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def is_below(name):
    return name.partition(".")[0] in PACKAGES and not is_ours(name)


def is_ours(name):
    return name.partition(".")[0] == "lienthong"


def test_whatever_a_command_imports_can_be_imported_first():
    asked = sorted(set().union(*map(imported_when_run, CLI.glob("*.py"))))
    assert "lienthong.wiring" in asked
    assert len(asked) > 100

    loaded, _ = python(ALL)
    # What ours is made of is loaded beforehand; then ours takes a moment to import. The packages
    # below import nothing of lienthong, so no circle of it leads through them.
    others = [name for name in loaded if not is_below(name) and not is_ours(name)]
    below = [name for name in loaded if is_below(name)]
    stages = [
        (others, [name for name in asked if is_below(name)]),
        (below, [name for name in asked if is_ours(name)]),
    ]
    failed, why = python(EACH, json.dumps(stages))

    assert failed == [], why
