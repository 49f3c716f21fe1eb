"""The shape of documents: which keys and types occur at which path, over many documents."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

# Keys here are ids or names of things, not fields.
OPEN = ("artifacts", "job_env", "host_status_counts", "object_roles", "resource", "credentials", "credentials[]")


class Shape:
    """The types at each path, and the keys that every object at a path has."""

    def __init__(self, documents: Iterable[Any]) -> None:
        self.types: dict[str, set[str]] = defaultdict(set)
        self.allowed: dict[str, set[str]] = defaultdict(set)
        self.required: dict[str, set[str]] = {}
        for document in documents:
            self._read("", document)

    def _read(self, path: str, value: Any) -> None:
        self.types[path].add(type(value).__name__)
        if path.rpartition(".")[2] in OPEN:
            return
        if isinstance(value, dict):
            self.allowed[path] |= value.keys()
            self.required[path] = self.required.get(path, set(value)) & value.keys()
            for key, member in value.items():
                self._read(f"{path}.{key}", member)
        elif isinstance(value, list):
            for member in value:
                self._read(f"{path}[]", member)

    def differences(self, model: "Shape") -> list[str]:
        """Where this shape has what the model has not: keys missing or unknown, types never seen."""
        found = []
        for path, types in self.types.items():
            if path in model.types and (extra := types - model.types[path]):
                found.append(f"{path or 'body'}: {sorted(extra)} instead of {sorted(model.types[path])}")
        for path, keys in self.allowed.items():
            if path in model.allowed and (unknown := keys - model.allowed[path]):
                found.append(f"{path}: unknown keys {sorted(unknown)}")
        for path, keys in self.required.items():
            if path in model.required and (missing := model.required[path] - keys):
                found.append(f"{path}: missing keys {sorted(missing)}")
        return found
