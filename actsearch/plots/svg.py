"""A picture as matplotlib writes it, made fit to stand within a page beside others.

Ids are made unique, ink takes the page's colour, and style sheets become attributes, which a strict
content-security policy allows and a page may override.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
#: As matplotlib lays text out; the second is as wide.
_FONTS = "DejaVu Sans, Verdana, sans-serif"
_MONOSPACE = "DejaVu Sans Mono, monospace"
#: What matplotlib's style sheet says of everything, to be inherited.
_ROOT = {"stroke-linejoin": "round", "stroke-linecap": "butt", "font-family": _FONTS}
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_NUMBERS = ("d", "x", "y", "width", "height", "transform")


def embeddable(text: str, prefix: str, ink: str, label: str) -> str:
    """Return an SVG document as an element for a page.

    Args:
        text: What matplotlib wrote.
        prefix: Begins each id.
        ink: The colour that becomes the page's text colour.
        label: The picture's accessible name.
    """
    root = ElementTree.fromstring(text)
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{_SVG}metadata" or _is_sheet(child):
                parent.remove(child)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    for element in root.iter():
        _unstyle(element)
        for name in _NUMBERS:
            if name in element.attrib:
                value = _LONG_NUMBER.sub(_rounded, element.attrib[name])
                element.attrib[name] = " ".join(value.split())
        for name in ("fill", "stroke"):
            if element.attrib.get(name) == ink:
                element.attrib[name] = "currentColor"
        if element.attrib.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
    _rename_ids(root, prefix)
    root.attrib |= {**_ROOT, "role": "img", **({"aria-label": label} if label else {})}
    ElementTree.register_namespace("", _SVG.strip("{}"))
    for element in root.iter():
        if element.tag != f"{_SVG}text":
            element.text = None
        element.tail = None
    for parent in list(root.iter()):
        _join(parent)
    return ElementTree.tostring(root, encoding="unicode")


def _join(parent: ElementTree.Element) -> None:
    """Put the marks that follow each other in groups of their own into one group."""
    before: ElementTree.Element | None = None
    for child in list(parent):
        is_like = before is not None and child.tag == f"{_SVG}g" == before.tag
        if before is not None and is_like and child.attrib == before.attrib and child.attrib:
            before.extend(list(child))
            parent.remove(child)
        else:
            before = child


def _is_sheet(element: ElementTree.Element) -> bool:
    return element.tag == f"{_SVG}defs" and any(e.tag == f"{_SVG}style" for e in element)


def _unstyle(element: ElementTree.Element) -> None:
    """Turn a ``style`` attribute into attributes of their own."""
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font-family":
            value = _MONOSPACE if "Mono" in value else ""
        if name and value and name != "image-rendering":
            element.attrib[name] = value


def _rename_ids(root: ElementTree.Element, prefix: str) -> None:
    """Put ``prefix`` before the ids that are referred to, and drop the others."""
    used = set()
    for element in root.iter():
        if _HREF in element.attrib:  # without its namespace, which pages do not need
            element.attrib["href"] = element.attrib.pop(_HREF)
        href = element.attrib.get("href", "")
        if href.startswith("#"):
            used.add(href[1:])
            element.attrib["href"] = f"#{prefix}-{href[1:]}"
        for name, value in element.attrib.items():
            if found := _REFERENCE.findall(value):
                used |= set(found)
                element.attrib[name] = _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
    for element in root.iter():
        id_ = element.attrib.pop("id", None)
        if id_ in used:
            element.attrib["id"] = f"{prefix}-{id_}"


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match.group()):.2f}".rstrip("0").rstrip(".")
