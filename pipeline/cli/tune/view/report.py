"""What is told, for a person: answers the first time, and then what is otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.status import Status
from rich.text import Text

from pipeline.cli.tune.view import words
from pipeline.cli.tune.view.answers import answer, changed, news, standing
from pipeline.tuning import Answered, Began, Difference, Edit, Ended, Event, Looped, Unusable, Working

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}
_DOING = {"judging": "judging", "drafting": "drafting", "revising": "going through the loop with"}

INDENT = "    "


class Report:
    """Prints to a console, and while models work, says so on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._edited: Sequence[Edit] = ()

    def close(self) -> None:
        """Take away what moves."""
        if self._status:
            self._status.stop()
            self._status = None

    def __call__(self, event: Event) -> None:
        match event:
            case Began():
                self._began(event)
            case Working(doing, prompts):
                self._working(f"{_DOING[doing]} {words.counted(prompts, 'answer')} …")
            case Answered(number, prompt, result):
                self._headed(number, prompt.text, (result.passed,))
                self._below(answer(result))
                self._lines(standing(result))
            case Difference():
                self._difference(event)
            case Looped():
                self._looped(event)
            case Ended():
                self._ended(event)
            case Unusable(why):
                self._rule("cannot be used; what was good before goes on", "red")
                self._print(Text(why, "red"))

    def _began(self, told: Began) -> None:
        if told.edited is None:
            rules, prompts = words.counted(len(told.manifesto.rules), "rule"), words.counted(told.prompts, "prompt")
            self._print(Text(f"{told.manifesto.name}: {rules}, {prompts}", "bold"))
            return
        self._edited = told.edited
        self._rule("; ".join(map(str, told.edited)) or "saved as it was", "cyan")

    def _difference(self, told: Difference) -> None:
        self._headed(told.number, told.prompt.text, told.passed, told.seconds)
        if told.rewritten:
            for part in changed(told.before.text, told.after.text, plain=self._console.color_system is None):
                self._below(part)
        self._lines(news(told))

    def _looped(self, told: Looped) -> None:
        if told.before is None and told.after.status == "released" and len(told.after.attempts) == 1:
            return  # the first draft, which is shown already
        before = () if told.before is None else (told.before.status == "released",)
        seconds = told.seconds if told.before else None
        self._headed(told.number, told.prompt.text, (*before, told.after.status == "released"), seconds)
        self._below(Text(words.looped(told.after), "dim"))
        answers = [o.answer or "" for o in (told.before, told.after) if o and o.status == "released"]
        if len(answers) == 2 and answers[0] != answers[1]:
            for part in changed(*answers, plain=self._console.color_system is None):
                self._below(part)
        elif told.after.status == "released" and len(told.after.attempts) > 1:
            self._below(Text(answers[-1], "dim"))

    def _ended(self, told: Ended) -> None:
        self.close()
        nothing = not told.differences and told.before is not None
        for edit in self._edited if nothing else ():
            self._lines([Text(said, "dim") for said in words.spread(edit.rule, told.results)])
        self._print(Text(("nothing changes: " if nothing else "") + words.ended(told), "bold"))

    def _headed(self, number: int, prompt: str, passed: tuple[bool | None, ...], seconds: float | None = None) -> None:
        """Marks, the prompt on one line, and how long after the save it was known."""
        marks = [_MARKS[one] for one in dict.fromkeys(passed)]
        head = Text(" → ").join(Text(mark, style) for mark, style in marks)
        line = Text.assemble(head, f" {number} ", (" ".join(prompt.split()), "bold"))
        when = "" if seconds is None else f"  {seconds:.1f} s"
        line.truncate(self._console.width - len(when), overflow="ellipsis")
        self._print(line.append(when, "dim"))

    def _below(self, text: Text) -> None:
        """Indented. Not as `Padding` does it, which fills up the lines with blanks."""
        for line in text.wrap(self._console, max(self._console.width - len(INDENT), len(INDENT))):
            line.rstrip()
            self._print(Text(INDENT).append_text(line))

    def _lines(self, lines: Iterable[Text]) -> None:
        for line in lines:
            self._below(line)

    def _rule(self, title: str, style: str) -> None:
        self.close()
        self._print(Text(f"\n── {datetime.now():%H:%M:%S} {title}", style))

    def _working(self, what: str) -> None:
        if not self._console.is_terminal:
            return
        if self._status is None:
            self._status = self._console.status(what)
            self._status.start()
        self._status.update(what)

    def _print(self, text: Text) -> None:
        self._console.print(text)
