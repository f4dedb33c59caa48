"""How much of a row is learnt from, and how much of it is measured."""

from __future__ import annotations

from critics import Exchange, Message, Rule, Source
from pipeline.llama import LlamaModel
from pipeline.training.examples import LONGEST, Example, cut, tokenised, whole
from pipeline.training.rows import Row

SILENT = Rule(id="silent", statement="The answer promises nothing.")


def row(text: str, reply: str | None = None, *sources: str) -> Row:
    return Row(Exchange((Message("user", text),), reply, tuple(map(Source, sources))), {SILENT: True}, "made")


def read(example: Example, model: LlamaModel) -> str:
    return b"".join(model.piece(token) for token in example.context).decode()


def test_what_is_learnt_from_is_cut_and_what_is_measured_is_not(model: LlamaModel) -> None:
    """A label is about all of it, and so is what the judge in use says."""
    reply = f"{'This is a harmless reply. ' * 60}I promise that it comes on Friday."
    for long in (row("When?", reply), row(reply)):
        assert cut(long)
        assert "on Friday" in read(whole(long, model), model)
        assert len(read(tokenised(long, model), model)) < LONGEST + 100
    assert "on Friday" not in read(tokenised(row("When?", reply), model), model)
    short = row("When?", reply[:LONGEST])
    assert not cut(short)
    assert whole(short, model) == tokenised(short, model)


def test_sources_are_learnt_from_as_much_as_a_turn_is(model: LlamaModel) -> None:
    """All of them together, of each the same share; they are measured whole, and short ones are as they are."""
    ending = "It comes on Friday."
    for sources in ([f"{'It is a parcel. ' * 400}{ending}"], [f"{name}. " * 300 for name in ("Rain", "Tea", "Ships")]):
        long = row("When?", "On Friday.", *sources)
        assert cut(long)
        assert sources[-1] in read(whole(long, model), model)
        said = read(tokenised(long, model), model)
        assert len(said) < LONGEST + 400
        assert all(source[:100] in said and source[-100:] in said for source in sources)
    short = row("When?", "On Friday.", *["It is a parcel. " * 20] * 2, ending)
    assert not cut(short)
    assert whole(short, model) == tokenised(short, model)


def test_no_more_is_measured_than_a_judge_reads_at_once(model: LlamaModel) -> None:
    """Characters of which each is several tokens count as what they cost, and sources as much as turns."""
    word = "word " * 20_000
    for long in (row("When?", "𒀀𒁀 " * 4000), row(word, word), row("When?", "Soon.", word), row(word, word, word, "x")):
        assert 1000 < len(whole(long, model).context) <= 4000


def test_a_disguise_is_taken_off_as_the_judge_does(model: LlamaModel) -> None:
    plain, masked = (tokenised(row("When?", said), model) for said in ("I promise it.", "I pro\u200bmise\u00a0it."))
    assert plain == masked
