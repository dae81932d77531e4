// The page's language: what the reader chose, else what the browser prefers, else English. Switching re-renders in
// place. `?lang=de` in an address chooses once and is then taken out of it, so that a link never forces a language
// upon the next reader.
import { locales, overwriteGetLocale } from '../paraglide/runtime.js';
import type { Locale } from '../numbers/format';

const STORED = 'avow.language';

export const LANGUAGES: readonly { code: Locale; name: string }[] = [
  { code: 'en', name: 'English' },
  { code: 'fr', name: 'Français' },
  { code: 'de', name: 'Deutsch' },
  { code: 'es', name: 'Español' },
];

class Language {
  current = $state<Locale>('en');

  choose(code: Locale): void {
    this.current = code;
    document.documentElement.lang = code;
    try {
      localStorage.setItem(STORED, code);
    } catch {
      // A browser without storage still switches for this visit.
    }
  }

  /** Call once, before the first render. */
  start(): void {
    overwriteGetLocale(() => this.current);
    const url = new URL(location.href);
    const asked = known(url.searchParams.get('lang'));
    if (url.searchParams.has('lang')) {
      url.searchParams.delete('lang');
      history.replaceState(history.state, '', url);
    }
    if (asked) this.choose(asked);
    else {
      this.current = known(stored()) ?? preferred() ?? 'en';
      document.documentElement.lang = this.current;
    }
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function preferred(): Locale | null {
  for (const tag of navigator.languages) {
    const code = known(tag.split('-')[0] ?? null);
    if (code) return code;
  }
  return null;
}

function known(code: string | null): Locale | null {
  return locales.find((locale) => locale === code) ?? null;
}

export const language = new Language();
