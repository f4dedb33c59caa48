"""LangChain's own tests of chat models, over the real engine and the embedded weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from critics import Manifesto, Patterns, Rule
from pipeline import Pipeline, Settings, assemble
from pipeline.langchain import ModeratedChat

NO_LOREM = Rule(
    id="no-lorem", statement="No filler.", critics=("patterns",), patterns=Patterns(forbid_words=("lorem ipsum",))
)
READY: dict[str, Pipeline] = {}


@pytest.fixture(scope="module", autouse=True)
def _ready() -> Iterator[None]:
    """The suite wants its model's parameters from a property, which can ask for no fixture."""
    manifesto = Manifesto(name="standard", version="1", rules=(NO_LOREM,))
    with assemble(manifesto, Settings()) as READY["pipeline"]:
        yield
    READY.clear()


class Declared:
    """What the model is, and what it has not: tools, structured output, images and other media."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ModeratedChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"pipeline": READY["pipeline"]}

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False

    @property
    def supports_json_mode(self) -> bool:
        return False

    @property
    def supports_model_override(self) -> bool:
        return False


class TestUnit(Declared, ChatModelUnitTests):
    """Those that need no answer."""

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        params = super().standard_chat_model_params
        del params["api_key"]  # it has none of its own, and takes no option that would do nothing
        return params


class TestIntegration(Declared, ChatModelIntegrationTests):
    """Those that ask."""

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        return {**super().standard_chat_model_params, "max_tokens": 16}
