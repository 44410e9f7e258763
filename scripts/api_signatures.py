"""Prints the signatures of the C++ interface, one a line in the order of the headers, from doxygen's XML.

    python scripts/api_signatures.py out/api/xml [--undocumented]

With --undocumented it prints what has no word of explanation instead: types that say nothing, their members neither,
and free functions none of whose overloads is explained. A single member may be named well enough.
"""

import argparse
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Entry:
    """A declaration; ordered as the headers have it."""

    header: str
    line: int
    text: str
    name: str  # of a type or a free function; empty: it needs no explanation of its own
    is_documented: bool


def text_of(element):
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip() if element is not None else ""


def is_documented(element):
    return any(text_of(found) for kind in ("brief", "detailed") for found in element.iter(f"{kind}description"))


def location(element):
    at = element.find("location")
    return re.sub(r".*include/graftwork/|^graftwork/", "", at.get("file")), int(at.get("line"))


def value_entries(enum):
    """An enumeration's values stand in its own line: their order is a part of the interface."""
    values = [text_of(value.find("name")) + text_of(value.find("initializer")) for value in enum.iter("enumvalue")]
    return f" {{ {', '.join(values)} }}"


def member_text(member):
    parameters = member.find("templateparamlist")
    template = ""
    if parameters is not None:
        listed = [f"{text_of(p.find('type'))} {text_of(p.find('declname'))}".strip() for p in parameters]
        template = f"template <{', '.join(listed)}> "
    kind = member.get("kind")
    if kind == "enum":
        name = text_of(member.find("qualifiedname")) or text_of(member.find("name"))
        return f"enum {'class ' if member.get('strong') == 'yes' else ''}{name}{value_entries(member)}"
    if kind == "define":
        return f"#define {text_of(member.find('name'))}"
    definition = text_of(member.find("definition")).replace(" = typedef ", " = ") + text_of(member.find("argsstring"))
    value = text_of(member.find("initializer")) if kind == "variable" else ""
    prefix = "static " if member.get("static") == "yes" and not definition.startswith("static ") else ""
    return template + prefix + definition + (f" {value}" if value else "")


def entries(folder):
    """Every public declaration of the headers."""
    found = set()
    for path in folder.glob("*.xml"):
        for compound in ElementTree.parse(path).getroot().iter("compounddef"):
            kind, name = compound.get("kind"), text_of(compound.find("compoundname"))
            is_type = kind in ("class", "struct", "union")
            if is_type:
                bases = ", ".join(text_of(base) for base in compound.findall("basecompoundref"))
                text = f"{kind} {name}" + (f" : {bases}" if bases else "")
                found.add(Entry(*location(compound), text, name, is_documented(compound)))
            if not is_type and kind not in ("namespace", "file"):
                continue
            for member in compound.iter("memberdef"):
                if member.get("prot") == "private":
                    continue
                explained = not is_type and member.get("kind") in ("function", "enum")
                named = text_of(member.find("qualifiedname")) or text_of(member.find("name"))
                entry = Entry(*location(member), member_text(member), named if explained else "", is_documented(member))
                found.add(entry)
    return sorted(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("xml", type=Path)
    parser.add_argument("--undocumented", action="store_true")
    arguments = parser.parse_args()
    found = entries(arguments.xml)
    if arguments.undocumented:
        explained = {entry.name for entry in found if entry.is_documented}
        for entry in found:
            if entry.name and entry.name not in explained:
                print(f"{entry.header}:{entry.line}: {entry.text}")
        return
    header = ""
    for entry in found:
        if entry.header != header:
            print(f"{'' if not header else chr(10)}# {entry.header}")
            header = entry.header
        print(entry.text)


if __name__ == "__main__":
    main()
