"""Reads a records document with software written by others and says what is wrong with it.

Usage: validate.py DOCUMENT SHAPES. Expands with PyLD, without a network, then checks the shapes with pySHACL.
Prints one JSON object: `lost` (properties that expansion dropped), `relative` (IRIs that are not absolute), `records`,
`conforms`, and `failed` (the fields whose shape does not hold).
"""

import json
import sys

from pyld import jsonld
from pyshacl import validate
from rdflib import Graph, Namespace

SH = Namespace("http://www.w3.org/ns/shacl#")


def no_network(url, _options):
    raise SystemExit(f"the document asks for {url}")


def properties(value):
    """How often each node says something, keywords aside."""
    if isinstance(value, list):
        return sum(map(properties, value))
    if not isinstance(value, dict):
        return 0
    own = sum(1 for key in value if not key.startswith("@"))
    return own + sum(properties(child) for key, child in value.items() if key != "@context")


def iris(value, inside=None):
    if isinstance(value, list):
        for item in value:
            yield from iris(item, inside)
    elif isinstance(value, dict):
        for key, child in value.items():
            if not key.startswith("@"):
                yield key
            if key in ("@id", "@type"):
                yield from child if isinstance(child, list) else [child]
            elif key != "@value":
                yield from iris(child, key)


jsonld.set_document_loader(no_network)
with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
expanded = jsonld.expand(document)
said, kept = properties(document), properties(expanded)
relative = sorted({iri for iri in iris(expanded) if ":" not in iri and not iri.startswith("_:")})
quads = jsonld.to_rdf(document, {"format": "application/n-quads"})
graph = Graph().parse(data=quads, format="nquads")
shapes = Graph().parse(sys.argv[2], format="turtle")
conforms, report, text = validate(graph, shacl_graph=shapes)
names = set()
for shape in report.objects(None, SH.sourceShape):
    names.update(str(name) for name in shapes.objects(shape, SH.name))
DPV = Namespace("https://w3id.org/dpv#")
RDF = Namespace("http://www.w3.org/1999/02/22-rdf-syntax-ns#")
records = len(set(graph.subjects(RDF.type, DPV.ConsentRecord)))
print(
    json.dumps(
        {
            "lost": said - kept,
            "relative": relative,
            "records": records,
            "triples": len(graph),
            "conforms": conforms,
            "failed": sorted(names),
            "text": "" if conforms else text[:4000],
        }
    )
)
