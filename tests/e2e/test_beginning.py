"""What a command imports can be imported first: in a new process nothing of ours is there yet."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import lienthong.cli
from lienthong.testing.forked import PACKAGES

CLI = Path(lienthong.cli.__file__).parent
OTHERS = """
import json, sys
from lienthong.testing.forked import PACKAGES, import_all
import_all()
print(json.dumps([name for name in sys.modules if name.partition(".")[0] not in PACKAGES]))
"""
"""Prints what ours is made of; with that loaded, ours takes a moment to import."""
EACH = """
import gc, json, os, sys, traceback
from importlib import import_module
others, ours = json.load(sys.stdin)
for name in others:
    try:
        import_module(name)
    except ImportError:
        pass
assert not any(name.split(".")[0] == "lienthong" for name in sys.modules)
failed = []
gc.disable()
gc.freeze()
for name in ours:
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


def test_whatever_a_command_imports_can_be_imported_first():
    ours = sorted(set().union(*map(imported_when_run, CLI.glob("*.py"))))
    assert "lienthong.wiring" in ours
    assert len(ours) > 100

    others, _ = python(OTHERS)
    failed, why = python(EACH, json.dumps([others, ours]))

    assert failed == [], why
