// What leads to a service of the catalogue: its names, what is said of it, and what a browser shows of it: a cookie's name,
// or a host of the network log. Cookie names and domains are those of the form in schemas/catalog/README.md.
import type { ServiceSummary } from '../api/types';
import { plain } from '../shell/find';

export const RISKS = ['low', 'medium', 'high', 'unknown'] as const;
export const EPRIVACY = ['consent', 'conditional', 'exempt'] as const;

/** A service as it is searched. */
export interface Listed {
  summary: ServiceSummary;
  /** Its name and slug, and all that is said of it, without case and accents. */
  names: string;
  said: string;
}

/** What is looked for; null: any. */
export interface Wanted {
  text: string;
  category: string | null;
  risk: string | null;
  eprivacy: string | null;
  origin: string | null;
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

/** `called`: category and group as the reader calls them. */
export function listed(summary: ServiceSummary, called: string): Listed {
  const names = plain(`${summary.name} ${summary.slug}`);
  const said = plain([names, summary.operator, called, summary.category, summary.group, ...summary.tags, summary.summary].join(' '));
  return { summary, names, said };
}

/** The services that fit: first those that a browser's trace names, then by name, then by what is said of them. */
export function search(all: readonly Listed[], wanted: Wanted): Hit[] {
  const typed = typedOf(wanted.text.trim());
  return all
    .filter(({ summary }) =>
      (wanted.category === null || summary.category === wanted.category)
      && (wanted.risk === null || summary.risk_level === wanted.risk)
      && (wanted.eprivacy === null || summary.eprivacy === wanted.eprivacy)
      && (wanted.origin === null || summary.origin === wanted.origin))
    .flatMap((one) => {
      const match = matchOf(one, typed);
      return match ? [{ listed: one, ...match }] : [];
    })
    .sort((a, b) => a.rank - b.rank || a.listed.summary.name.localeCompare(b.listed.summary.name))
    .map(({ listed, trace }) => ({ listed, trace }));
}

/** What was typed: as words, as the name of a cookie (of `name=value` only the name), and as a host. */
interface Typed {
  words: string[];
  cookie: string;
  host: string;
}

const typedOf = (text: string): Typed => ({
  words: plain(text).split(/\s+/).filter(Boolean), cookie: (text.split(/[=;]/)[0] ?? '').trim().toLowerCase(), host: hostOf(text),
});

function matchOf({ summary, names, said }: Listed, typed: Typed): { rank: number; trace: Trace | null } | null {
  const { words } = typed;
  if (words.length === 0) return { rank: 1, trace: null };
  const seen = cookieNamed(summary, typed.cookie) ?? domainOf(summary, typed.host);
  if (seen) return { rank: 0, trace: seen };

  if (words.every((word) => names.includes(word))) return { rank: names.startsWith(words.join(' ')) ? 1 : 2, trace: null };
  if (words.every((word) => said.includes(word))) return { rank: 3, trace: null };
  const part = tracesOf(summary).find(({ name }) => words.every((word) => said.includes(word) || plain(name).includes(word)));
  return part ? { rank: 4, trace: part } : null;
}

const tracesOf = ({ cookies, domains }: ServiceSummary): Trace[] => [
  ...cookies.map(({ name }) => ({ kind: 'cookie', name }) as const),
  ...domains.map((name) => ({ kind: 'domain', name }) as const),
];

/** The cookie or storage entry of that name. */
function cookieNamed({ cookies }: ServiceSummary, typed: string): Trace | null {
  const cookie = cookies.find(({ name, match }) => (match === 'pattern' ? fits(name.toLowerCase(), typed) : name.toLowerCase() === typed));
  return cookie ? { kind: 'cookie', name: cookie.name } : null;
}

/** In a pattern `*` is one or more characters. A pattern that is typed as it stands in the entry fits too. */
function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`).test(name);
}

/** The closest of the domains that the host is, or lies below. */
function domainOf({ domains }: ServiceSummary, host: string): Trace | null {
  const above = domains.filter((domain) => host === domain || host.endsWith(`.${domain}`));
  const closest = above.sort((a, b) => b.length - a.length)[0];
  return closest ? { kind: 'domain', name: closest } : null;
}

/** The host of an address, of `host:port`, of a cookie's `.domain`, or the host itself. */
export function hostOf(text: string): string {
  const bare = text.trim().toLowerCase().replace(/^([a-z][a-z0-9+.-]*:)?\/\//, '');
  return (bare.split(/[/?#:]/)[0] ?? '').replace(/^\.|\.$/g, '');
}
