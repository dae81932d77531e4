// What leads to a service of the catalogue: its names, what is said of it, and what a browser shows of it: a cookie's name,
// or a host of the network log. Cookie names and domains are those of the form in schemas/catalog/README.md.
import type { Entry } from '../api/entry';
import type { ServiceSummary } from '../api/types';
import { plain } from '../shell/find';

export const RISKS = ['low', 'medium', 'high'] as const;
export const EPRIVACY = ['consent', 'conditional', 'exempt'] as const;

/** A service as it is searched. Its entry comes later than its summary, and holds the cookies and domains. */
export interface Listed {
  summary: ServiceSummary;
  entry: Entry | null;
  /** Category and group as the reader calls them. */
  called: string;
}

/** What is looked for; null: any. */
export interface Wanted {
  text: string;
  category: string | null;
  risk: string | null;
  eprivacy: string | null;
}

/** The cookie or domain of an entry that what was typed led to. */
export interface Trace {
  kind: 'cookie' | 'domain';
  name: string;
}

export interface Hit {
  listed: Listed;
  /** Null where names or texts have led to it. */
  trace: Trace | null;
}

/** The services that fit: first those that a browser's trace names, then by name, then by what is said of them. */
export function search(all: readonly Listed[], wanted: Wanted): Hit[] {
  return all
    .filter(({ summary, entry }) =>
      (wanted.category === null || summary.category === wanted.category)
      && (wanted.risk === null || summary.risk_level === wanted.risk)
      && (wanted.eprivacy === null || entry?.eprivacy === wanted.eprivacy))
    .flatMap((listed) => {
      const match = matchOf(listed, wanted.text.trim());
      return match ? [{ listed, ...match }] : [];
    })
    .sort((a, b) => a.rank - b.rank || a.listed.summary.name.localeCompare(b.listed.summary.name))
    .map(({ listed, trace }) => ({ listed, trace }));
}

function matchOf({ summary, entry, called }: Listed, text: string): { rank: number; trace: Trace | null } | null {
  const words = plain(text).split(/\s+/).filter(Boolean);
  if (words.length === 0) return { rank: 1, trace: null };
  const seen = entry && (cookieNamed(entry, text) ?? domainOf(entry, text));
  if (seen) return { rank: 0, trace: seen };

  const names = plain([summary.name, summary.slug, ...(entry?.formerly ?? [])].join(' '));
  if (words.every((word) => names.includes(word))) return { rank: names.startsWith(words.join(' ')) ? 1 : 2, trace: null };
  const said = plain([names, summary.operator, called, summary.category, summary.group, ...summary.tags, summary.summary].join(' '));
  if (words.every((word) => said.includes(word))) return { rank: 3, trace: null };
  const part = entry && tracesOf(entry).find(({ name }) => words.every((word) => said.includes(word) || plain(name).includes(word)));
  return part ? { rank: 4, trace: part } : null;
}

const tracesOf = (entry: Entry): Trace[] => [
  ...entry.cookies.map(({ name }) => ({ kind: 'cookie', name }) as const),
  ...entry.domains.map((name) => ({ kind: 'domain', name }) as const),
];

/** The cookie or storage entry of that name; of `name=value` only the name is looked at. */
function cookieNamed(entry: Entry, text: string): Trace | null {
  const typed = (text.split(/[=;]/)[0] ?? '').trim().toLowerCase();
  const cookie = entry.cookies.find(({ name, match }) => (match === 'pattern' ? fits(name.toLowerCase(), typed) : name.toLowerCase() === typed));
  return cookie ? { kind: 'cookie', name: cookie.name } : null;
}

/** In a pattern `*` is one or more characters. A pattern that is typed as it stands in the entry fits too. */
function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`).test(name);
}

/** The closest of the domains that the host is, or lies below. */
function domainOf(entry: Entry, text: string): Trace | null {
  const host = hostOf(text);
  const above = entry.domains.filter((domain) => host === domain || host.endsWith(`.${domain}`));
  const closest = above.sort((a, b) => b.length - a.length)[0];
  return closest ? { kind: 'domain', name: closest } : null;
}

/** The host of an address, of `host:port`, of a cookie's `.domain`, or the host itself. */
export function hostOf(text: string): string {
  const bare = text.trim().toLowerCase().replace(/^([a-z][a-z0-9+.-]*:)?\/\//, '');
  return (bare.split(/[/?#:]/)[0] ?? '').replace(/^\.|\.$/g, '');
}
