// The countries' outlines (Natural Earth 1:110m, by world-atlas) by their two-letter codes.
import type { Feature, FeatureCollection, Geometry } from 'geojson';
import { whereNumeric } from 'iso-3166-1';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import atlas from 'world-atlas/countries-110m.json';

export interface Country {
  /** ISO 3166-1 alpha-2; null for what has none. */
  code: string | null;
  shape: Feature<Geometry>;
}

export function countries(): Country[] {
  const topology = atlas as unknown as Topology<{ countries: GeometryCollection }>;
  const all = feature(topology, topology.objects.countries) as FeatureCollection<Geometry>;
  return all.features.map((shape) => ({ code: whereNumeric(String(shape.id))?.alpha2 ?? null, shape }));
}
