// What dimensions and their values are called, in the reader's language.
import type { Dimension } from '../api/types';
import { directory } from '../app/directory.svelte';
import { language } from '../app/locale.svelte';
import { m } from '../paraglide/messages.js';
import { categoryName, regimeName } from './metrics';

const NAMES: Partial<Record<Dimension, () => string>> = {
  site: m.heading_site,
  service: m.heading_service,
  category: m.heading_category,
  country: m.dimension_country,
  device: m.dimension_device,
  browser: m.dimension_browser,
  os: m.dimension_os,
  language: m.dimension_language,
  banner_version: m.dimension_banner_version,
  variant: m.dimension_variant,
  regime: m.regime_label,
  bot: m.dimension_bot,
  time: m.heading_time,
};

export function dimensionName(dimension: Dimension): string {
  return NAMES[dimension]?.() ?? dimension;
}

const DEVICES: Record<string, () => string> = {
  desktop: m.device_desktop, mobile: m.device_mobile, tablet: m.device_tablet, tv: m.device_tv,
};

/** Empty and `unknown` say that it was not known; everything else is called what it is called. */
export function valueName(dimension: Dimension, value: string): string {
  if (value === '' || (value === 'unknown' && dimension !== 'category')) return m.value_unknown();
  switch (dimension) {
    case 'site': return directory.siteName(value);
    case 'service': return directory.serviceName(value);
    case 'category': return categoryName(value);
    case 'regime': return regimeName(value);
    case 'method': return methodName(value);
    case 'device': return DEVICES[value]?.() ?? value;
    case 'country': return displayName('region', value);
    case 'language': return displayName('language', value);
    default: return value;
  }
}

const METHODS: Record<string, () => string> = {
  accept_all: m.metric_accept_all, reject_all: m.metric_reject_all, save: m.metric_custom, dismiss: m.method_dismiss, gpc: m.method_gpc, api: m.method_api,
};

export function methodName(method: string): string {
  return METHODS[method]?.() ?? method;
}

const displays = new Map<string, Intl.DisplayNames>();

/** As the browser calls it; what is no such code stays what it is. */
function displayName(type: 'region' | 'language', code: string): string {
  const key = `${type} ${language.current}`;
  let names = displays.get(key);
  if (!names) displays.set(key, (names = new Intl.DisplayNames(language.current, { type })));
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}
