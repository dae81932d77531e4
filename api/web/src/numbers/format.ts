// Numbers and times as a reader of one language expects them. Formatters are costly to make, so each is made once.

export type Locale = 'en' | 'fr' | 'de' | 'es';

/** British rules for English: day before month, 24 hours, as the other three have it. */
const REGION: Record<Locale, string> = { en: 'en-GB', fr: 'fr-FR', de: 'de-DE', es: 'es-ES' };

const numberFormats = new Map<string, Intl.NumberFormat>();
const dateFormats = new Map<string, Intl.DateTimeFormat>();

function numbers(locale: Locale, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale + JSON.stringify(options);
  let format = numberFormats.get(key);
  if (!format) numberFormats.set(key, (format = new Intl.NumberFormat(REGION[locale], options)));
  return format;
}

function dates(locale: Locale, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let format = dateFormats.get(key);
  if (!format) dateFormats.set(key, (format = new Intl.DateTimeFormat(REGION[locale], options)));
  return format;
}

/** `12,345`; Spanish groups from four digits on, as the others do, so that columns line up. */
export function count(locale: Locale, value: number): string {
  return numbers(locale, { maximumFractionDigits: 0, useGrouping: 'always' }).format(value);
}

/** `61.2 %` as the language writes it. */
export function percent(locale: Locale, fraction: number, digits = 1): string {
  return numbers(locale, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits })
    .format(fraction);
}

/** How many decimals limits of an axis or a legend need: none where they are whole percents. */
export function levelDigits(...fractions: number[]): number {
  return fractions.every((fraction) => Math.abs(fraction * 100 - Math.round(fraction * 100)) < 1e-9) ? 0 : 1;
}

/** `60.1–62.3 %`: both ends of an interval, the sign once. */
export function percentRange(locale: Locale, low: number, high: number, digits = 1): string {
  const first = numbers(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(low * 100);
  return `${first}–${percent(locale, high, digits)}`;
}

/** The same of an interval, with the decimals that its ends need. */
export function intervalRange(locale: Locale, { low, high }: { low: number; high: number }): string {
  return percentRange(locale, low, high, rangeDigits(low, high));
}

/** `+12.3 %`, `−4.0 %`: a relative change; none is written without a sign. */
export function relativeChange(locale: Locale, fraction: number): string {
  return numbers(locale, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: 'exceptZero' }).format(fraction);
}

/** `+1.4`: a difference of two rates, in points without their unit. */
export function points(locale: Locale, fraction: number, digits = 1): string {
  return numbers(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: 'exceptZero' }).format(fraction * 100);
}

/** The arrow of a change as it is written, with one decimal: what rounds to 0.0 goes neither way. */
export function arrow(fraction: number): '▲' | '▼' | '=' {
  const rounded = Math.round(fraction * 1000);
  return rounded > 0 ? '▲' : rounded < 0 ? '▼' : '=';
}

/** A p value: four decimals, `< 0.0001` below that. */
export function pValue(locale: Locale, p: number): string {
  const written = numbers(locale, { minimumFractionDigits: 4, maximumFractionDigits: 4 }).format(Math.max(p, 0.0001));
  return p < 0.0001 ? `< ${written}` : written;
}

/** How many decimals an interval's ends need, so that they differ from one another where they do. */
export function rangeDigits(low: number, high: number): number {
  return high - low < 0.001 && high > low ? 2 : 1;
}

/** `4.2 s`; with `least` decimals where values stand under one another. */
export function seconds(locale: Locale, value: number, least = 0): string {
  return numbers(locale, { style: 'unit', unit: 'second', unitDisplay: 'short', minimumFractionDigits: least, maximumFractionDigits: 1 })
    .format(value);
}

/** `4.2 secs`, `12.5 mins`, `3.1 hrs`, `9.3 days`: in the largest unit of which there are two. */
export function duration(locale: Locale, value: number): string {
  const [unit, long] = ([['day', 86_400], ['hour', 3_600], ['minute', 60]] as const).find(([, long]) => value >= 2 * long) ?? (['second', 1] as const);
  return numbers(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }).format(value / long);
}

/** `a, b and c` */
export function listed(locale: Locale, items: readonly string[]): string {
  return new Intl.ListFormat(REGION[locale], { type: 'conjunction' }).format(items);
}

/** `2.4 MB` */
export function bytes(locale: Locale, value: number): string {
  const [unit, divisor] = value < 1e6 ? ['kilobyte', 1e3] as const : ['megabyte', 1e6] as const;
  return numbers(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 })
    .format(value / divisor);
}

/** `24 Nov 2026` for an ISO day. */
export function day(locale: Locale, isoDay: string, withYear = true): string {
  return dates(locale, {
    timeZone: 'UTC', day: 'numeric', month: 'short', ...(withYear ? { year: 'numeric' } : {}),
  } as Intl.DateTimeFormatOptions).format(new Date(`${isoDay}T00:00:00Z`));
}

/** `28 Oct – 24 Nov 2026` */
export function dayRange(locale: Locale, from: string, to: string): string {
  return dates(locale, { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' })
    .formatRange(new Date(`${from}T00:00:00Z`), new Date(`${to}T00:00:00Z`));
}

/** A moment with its time zone's own clock: `24 Nov 2026, 10:15:02`. */
export function moment(locale: Locale, instant: Date, timezone: string, withSeconds = true): string {
  return dates(locale, {
    timeZone: timezone, day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' } : {}), hourCycle: 'h23',
  } as Intl.DateTimeFormatOptions).format(instant);
}

/** `10:15:02` */
export function clock(locale: Locale, instant: Date, timezone: string): string {
  return dates(locale, { timeZone: timezone, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
    .format(instant);
}

/** `12 s ago`, `3 min ago`. */
export function ago(locale: Locale, milliseconds: number): string {
  const format = new Intl.RelativeTimeFormat(REGION[locale], { style: 'short', numeric: 'always' });
  const secondsAgo = Math.max(0, Math.round(milliseconds / 1000));
  if (secondsAgo < 60) return format.format(-secondsAgo, 'second');
  if (secondsAgo < 3600) return format.format(-Math.round(secondsAgo / 60), 'minute');
  if (secondsAgo < 86_400) return format.format(-Math.round(secondsAgo / 3600), 'hour');
  return format.format(-Math.round(secondsAgo / 86_400), 'day');
}

/**
 * An interval's start in words. `wall` is the local clock of the answer's time zone, as the first 19 characters of an
 * RFC 3339 time, so no zone is applied again.
 */
export function intervalStart(locale: Locale, wall: string, interval: 'hour' | 'day' | 'week' | 'month'): string {
  const instant = new Date(`${wall}Z`);
  const options: Record<typeof interval, Intl.DateTimeFormatOptions> = {
    hour: { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    day: { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' },
    week: { day: 'numeric', month: 'short', year: 'numeric' },
    month: { month: 'long', year: 'numeric' },
  };
  return dates(locale, { timeZone: 'UTC', ...options[interval] }).format(instant);
}

/** The short label of a tick on the time axis. */
export function tick(locale: Locale, wall: string, interval: 'hour' | 'day' | 'week' | 'month'): string {
  const instant = new Date(`${wall}Z`);
  const options: Intl.DateTimeFormatOptions = interval === 'hour'
    ? wall.slice(11, 13) === '00' ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
    : interval === 'month' ? { month: 'short', year: 'numeric' } : { day: 'numeric', month: 'short' };
  return dates(locale, { timeZone: 'UTC', ...options }).format(instant);
}
