"""
The agencies of this installation: those that come with the product and the site's own.

A site's file with the name of a packaged one takes its place. Packaged agencies are listed in an
index and read only when asked for; a site's files are read once for their names.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mappings.claims import same_name
from mappings.converter import compile_mapping
from mappings.loading import load_mapping
from mappings.mistakes import closest, listed
from mappings.tables import packaged, read_index
from mappings.yaml_nodes import Scalar, Table, YamlRefused, parse_yaml
from schemas.errors import ConfigError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from pathlib import Path

    from mappings.converter import Converter
    from mappings.language import MappingFile
    from mappings.yaml_nodes import Node


def load_agencies(directory: Path | None) -> Agencies:
    """
    Return the packaged agencies and those in `directory` (`*.yaml`), none of them compiled yet.

    Raises:
        ConfigError: `directory` does not exist, or two files in it have the same name.
    """
    paths = {
        str(entry["name"]): packaged("agencies", str(entry["file"]))
        for entry in read_index("agencies")
    }
    if directory is not None:
        paths |= _own_paths(directory)
    return Agencies(paths)


class Agencies:
    """All agencies by name; each is compiled once, when first asked for. Thread-safe."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = dict(sorted(paths.items()))
        self._files: dict[str, MappingFile] = {}
        self._converters: dict[str, Converter] = {}
        self._titles: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def names(self) -> tuple[str, ...]:
        """Return the names in alphabetical order."""
        return tuple(self._paths)

    def path(self, name: str) -> Path:
        """Return the file of an agency; raises ConfigError when there is none of that name."""
        found = self._paths.get(name)
        if found is None:
            raise self._unknown(name)
        return found

    def adopt(self, path: Path) -> str:
        """Take in a file that lies elsewhere, in place of one of the same name; return its name."""
        name = _name_in(path)
        with self._lock:
            self._paths[name] = path
            self._files.pop(name, None)
            self._converters.pop(name, None)
            self._titles.pop(name, None)
        return name

    def title(self, name: str) -> str | None:
        """Return what people call an agency; None where its file does not say, or there is none."""
        with self._lock:
            if name not in self._titles and name in self._paths:
                self._titles[name] = _scalar_in(self._paths[name], "agency", "name")
            return self._titles.get(name)

    def get(self, name: str) -> Converter:
        """
        Return the converter of an agency.

        Raises:
            ConfigError: "agency.unknown", or "mapping.invalid" with every mistake in its file.
        """
        path = self.path(name)
        with self._lock:
            if name not in self._converters:
                self._converters[name] = compile_mapping(self._file(name, path))
            return self._converters[name]

    def file(self, name: str) -> MappingFile:
        """
        Return the mapping of an agency, the one that `get` compiles.

        Raises:
            ConfigError: as `get`.
        """
        path = self.path(name)
        with self._lock:
            return self._file(name, path)

    def _file(self, name: str, path: Path) -> MappingFile:
        if name not in self._files:
            self._files[name] = load_mapping(path)
        return self._files[name]

    def _unknown(self, name: str) -> ConfigError:
        near = closest(name, self._paths)
        text = Text(
            vi=f"không có đơn vị {name!r}; có: {listed(self._paths)}",
            en=f"there is no agency {name!r}; there are {listed(self._paths)}",
        )
        mend = near or Text(
            vi="đặt tệp ánh xạ của đơn vị vào thư mục mappings_dir của lienthong.toml",
            en="put the agency's mapping into the folder mappings_dir of lienthong.toml",
        )
        return ConfigError(
            f"{text.en}; {mend.en}",
            problems=(Problem(code="agency.unknown", message=text, suggestion=mend),),
            code="agency.unknown",
        )


def _own_paths(directory: Path) -> dict[str, Path]:
    if not directory.is_dir():
        text = Text(
            vi=f"không có thư mục ánh xạ {directory}", en=f"there is no mapping folder {directory}"
        )
        raise _refused("agency.folder_missing", text, directory)
    paths: dict[str, Path] = {}
    twice: list[Problem] = []
    for path in sorted(directory.glob("*.yaml")):
        name = _name_in(path)
        if name in paths:
            twice.append(same_name(name, path, paths[name]))
        else:
            paths[name] = path
    if twice:
        raise ConfigError(twice[0].message, problems=tuple(twice), code="agency.duplicate")
    return paths


def _name_in(path: Path) -> str:
    """Return the name a file gives itself; a file that cannot be read keeps its file name."""
    found = _scalar_in(path, "mapping")
    return path.stem if found is None else found


def _scalar_in(path: Path, *keys: str) -> str | None:
    """Return what stands at a place of a file, without looking at the rest of it."""
    try:
        node: Node | None = parse_yaml(path.read_bytes())
    except (YamlRefused, OSError):
        return None
    for key in keys:
        if not isinstance(node, Table) or key not in node.entries:
            return None
        node = node.entries[key][1]
    return node.text if isinstance(node, Scalar) else None


_REMEDIES = {
    "agency.folder_missing": Text(
        vi="sửa đường dẫn thư mục ánh xạ trong cấu hình",
        en="mend the folder of mappings in the settings",
    ),
    "agency.duplicate": Text(
        vi="đổi tên một trong hai ánh xạ (khóa `mapping`)",
        en="rename one of the two mappings (key `mapping`)",
    ),
}


def _refused(code: str, text: Text, path: Path) -> ConfigError:
    problem = Problem(
        code=code, message=text, place=Place(file=str(path)), suggestion=_REMEDIES[code]
    )
    return ConfigError(text.en, problems=(problem,), code=code)
