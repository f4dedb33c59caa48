"""A LangChain chain that answers from documents, and says only what they bear out.

The documents carry where they are from, when they were published and of what kind they are, so that the critic
`grounded` can weigh them: here a textbook and a forum disagree. Needs the extras `embedded` and `semantic`.
"""

import sys
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from pipeline.embeddings import PackagedEmbedder
from pipeline.langchain import ModeratedChat

MANIFESTO = Path(__file__).with_name("by-the-sources.yaml")
DOCUMENTS = [
    Document(
        "The Sydney Harbour Bridge was opened on 19 March 1932. It carries trains, cars and people on foot.",
        metadata={"origin": "A history of bridges", "published": "2015-04", "kind": "textbook"},
    ),
    Document(
        "The Sydney Harbour Bridge was opened in 1930, I think.",
        metadata={"origin": "bridges.example", "published": "2021", "kind": "forum"},
    ),
    Document(
        "The Golden Gate Bridge is painted in international orange.",
        metadata={"origin": "Colours of steel", "published": "2009", "kind": "news"},
    ),
]


class Packaged(Embeddings):
    """The embedding model that travels in a package, for LangChain."""

    def __init__(self) -> None:
        self._embed = PackagedEmbedder()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(number) for number in row] for row in self._embed(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def chain_of(chat: ModeratedChat) -> Runnable[str, Any]:
    """Find documents, and hand them to the chat model as what its answer is made from and held against."""
    retriever = InMemoryVectorStore.from_documents(DOCUMENTS, Packaged()).as_retriever(search_kwargs={"k": 2})

    def answer(found: dict[str, Any]) -> Any:
        return chat.invoke(found["question"], context=found["documents"])

    return {"documents": retriever, "question": RunnablePassthrough()} | RunnableLambda(answer)


def main() -> None:
    question = sys.argv[1] if len(sys.argv) > 1 else "When was the Sydney Harbour Bridge opened?"
    with ModeratedChat(manifesto=MANIFESTO, seed=1, temperature=0.3, max_tokens=100) as chat:
        answer = chain_of(chat).invoke(question)
    print(answer.text)
    print({key: answer.response_metadata["superego"][key] for key in ("outcome", "attempts", "score")})


if __name__ == "__main__":
    main()
