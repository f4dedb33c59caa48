"""The JSON schema of a manifesto *file*: the models, and what `extends` adds to them."""

from __future__ import annotations

import json
from typing import Any

from critics.manifesto.schema import Manifesto

_EXTENDS = {
    "type": "string",
    "description": "A shipped manifesto's name, or a path beside this file, that this one builds on.",
}
_DISABLED = {"type": "boolean", "description": "Take the extended manifesto's rule of this id out."}


def json_schema() -> dict[str, Any]:
    """A JSON schema (draft 2020-12) that editors can complete and check with."""
    schema = Manifesto.model_json_schema(by_alias=True)
    rule = schema["$defs"]["Rule"]
    rule["properties"] = {"id": rule["properties"].pop("id"), "disabled": _DISABLED, **rule["properties"]}
    rule["required"] = ["id"]
    schema["properties"] = {"name": schema["properties"].pop("name"), "extends": _EXTENDS, **schema["properties"]}
    schema["required"] = ["name"]
    schema["if"] = {"not": {"required": ["extends"]}}
    schema["then"] = {
        "required": ["version", "rules"],
        "properties": {"rules": {"items": {"required": ["id", "statement"]}}},
    }
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema


def rendered() -> str:
    """The schema as it lies in `manifestos/schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(rendered(), end="")
