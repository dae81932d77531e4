// Countries to choose from, as the reader calls them.
import { all } from 'iso-3166-1';
import { regionName } from './codes';

/** ISO 3166-1 alpha-2 code and name, in the order of names. */
export function countryNames(locale: string): [string, string][] {
  return all().map(({ alpha2 }): [string, string] => [alpha2, regionName(locale, alpha2)]).sort((a, b) => a[1].localeCompare(b[1], locale));
}
