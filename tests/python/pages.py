"""The project's pages: their fenced blocks, each with the heading and the paragraph in front of it."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Block:
    page: str
    heading: str
    lead: str  # the paragraph in front of it; empty: none between it and the heading or the block before
    language: str  # console, python, …; empty: none is named
    file: str  # ```gir net.gir: the name behind the language
    body: str

    def __str__(self):
        return f"{self.page}, {self.heading!r}: {self.lead.splitlines()[0] if self.lead else self.body.splitlines()[0]}"


def pages():
    """Every page of the project, relative to its root."""
    skipped = {".venv", ".git", "build", "out"}
    found = [path.relative_to(ROOT) for path in ROOT.rglob("*.md")]
    return sorted(str(path) for path in found if not skipped.intersection(path.parts))


def blocks(page):
    """The fenced blocks of a page in order. A fence that is never closed is an error of the page."""
    found, paragraph, heading, last = [], [], "", ""
    lines = iter((ROOT / page).read_text().splitlines())
    for line in lines:
        fence = re.fullmatch(r"```(\w*)(?: (\S+))?", line)
        if fence:
            body = []
            for inner in lines:
                if inner == "```":
                    break
                body.append(inner + "\n")
            else:
                raise ValueError(f"{page}: a block under {heading!r} has no end")
            lead = "\n".join(paragraph) or last
            found.append(Block(page, heading, lead, fence[1], fence[2] or "", "".join(body)))
            paragraph, last = [], ""
        elif line.startswith("#"):
            heading, paragraph, last = line.lstrip("# "), [], ""
        elif line:
            paragraph.append(line)
        elif paragraph:
            last, paragraph = "\n".join(paragraph), []
    return found


def block(page, lead):
    """The one block of a page whose paragraph in front begins with `lead`."""
    (found,) = [b for b in blocks(page) if b.lead.startswith(lead)]
    return found


def replace(shown, text):
    """Writes `text` where the page has the block `shown`."""
    path = ROOT / shown.page
    page = path.read_text()
    assert page.count(f"\n{shown.body}```") == 1
    path.write_text(page.replace(f"\n{shown.body}```", f"\n{text}```"))


def table(head, rows):
    """A table of texts."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def write_between(path, marks, text):
    """Replaces what stands between two lines of a page."""
    begin, end = marks
    before, rest = path.read_text().split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
