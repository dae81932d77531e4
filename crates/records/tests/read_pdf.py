"""Reads a PDF with software written by others: says what it declares itself to be, and its text.

Usage: read_pdf.py FILE. Prints one JSON object.
"""

import json
import sys

from pypdf import PdfReader

reader = PdfReader(sys.argv[1], strict=True)
root = reader.trailer["/Root"]


def roles(element, found):
    if isinstance(element, list):
        for child in element:
            roles(child.get_object(), found)
    elif isinstance(element, dict):
        if "/S" in element:
            found[element["/S"]] = found.get(element["/S"], 0) + 1
        if "/K" in element:
            roles(element["/K"].get_object(), found)
    return found


print(
    json.dumps(
        {
            "pages": len(reader.pages),
            "title": reader.metadata.title,
            "language": root["/Lang"],
            "marked": bool(root["/MarkInfo"]["/Marked"]),
            "intents": len(root["/OutputIntents"]),
            "outline": [entry.title for entry in reader.outline],
            "roles": roles(root["/StructTreeRoot"]["/K"].get_object(), {}),
            "text": "\n".join(page.extract_text() for page in reader.pages),
        }
    )
)
