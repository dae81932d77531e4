// What the server puts where an operator's own entry says nothing (schemas/src/catalog/brief.rs): a page then says so once, or
// leaves the sentence out.
import type { Text } from '../api/entry';

export const NOT_STATED: Text = { en: 'Not stated.', fr: 'Non précisé.', de: 'Nicht angegeben.', es: 'No se indica.' };

/** Whether a text says anything; what begins with "Not stated." only names the rule that applies then. */
export const isStated = (text: string) => text !== '' && !Object.values(NOT_STATED).some((none) => text === none || text.startsWith(`${none} `));

/** A text where it says something, else null. */
export const stated = (text: string | null | undefined): string | null => (text && isStated(text) ? text : null);
