// @ts-check
// Words and numbers. One table a language with the same keys; Rust's codes are worded in the same tables, and in
// English by Rust itself.
import { choiceWords } from './choices.js';
import ownEnglish from './en.js';

/** @typedef {import('../wasm/engine/downhill.js').Message} Message */

/** @type {Record<string, () => Promise<{ default: Record<string, string> }>>} */
const tables = { en: async () => ({ default: ownEnglish }), zh: () => import('./zh.js') };
/** @type {Record<string, string>} */
const en = { ...ownEnglish, ...choiceWords('en') };

/** @type {Record<string, string>} */
let words = en;
/** @type {'en' | 'zh'} */
export let language = 'en';
let plurals = new Intl.PluralRules(language);

/**
 * The language that was chosen before, or the browser's.
 * @param {string | null} chosen
 * @param {string} browser
 */
export function preferredLanguage(chosen, browser) {
  if (chosen && chosen in tables) return chosen;
  return browser.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** Makes a language the one that everything is said in. @param {string} wanted */
export async function setLanguage(wanted) {
  const next = wanted === 'zh' ? 'zh' : 'en';
  words = { ...(await tables[next]()).default, ...choiceWords(next) };
  language = next;
  plurals = new Intl.PluralRules(next);
}

/** Puts the words below an element into the language of the day. @param {ParentNode} root */
export function translate(root) {
  for (const element of root.querySelectorAll('[data-i18n]')) {
    element.textContent = text(element.getAttribute('data-i18n') ?? '');
  }
  for (const [key, attribute] of [['data-i18n-label', 'aria-label'], ['data-i18n-title', 'title']]) {
    for (const element of root.querySelectorAll(`[${key}]`)) element.setAttribute(attribute, text(element.getAttribute(key) ?? ''));
  }
}

/**
 * The words of a key, its `{name}` places filled.
 * @param {string} key
 * @param {Record<string, string | number>} [params]
 */
export function text(key, params = {}) {
  return fill(words[key] ?? en[key] ?? key, params);
}

/** @type {Record<string, string>} */
let english = {};

/**
 * Rust's own wording of its codes, which is the English one.
 * @param {Record<string, string>} templates
 */
export function setEnglish(templates) {
  english = templates;
}

/**
 * What Rust says, in the page's language.
 * @param {{ code?: string, params?: Record<string, string>, text?: string, message?: string }} message
 */
export function wording(message) {
  const template = message.code && (words[`code_${message.code}`] ?? english[message.code]);
  if (!template) return message.text ?? message.message ?? '';
  const { field, from, to, ...rest } = message.params ?? {};
  /** @type {Record<string, string>} */
  const params = rest;
  // These are names of the configuration, which have words of their own; the rest is the user's or a number.
  if (field !== undefined) params.field = words[`field_${field}`] ?? en[`field_${field}`] ?? field;
  // A mark says what was changed: `mark_optimizer`.
  const changed = message.code?.replace(/^mark_/, '');
  if (from !== undefined) params.from = words[`${changed}_${from}`] ?? from;
  if (to !== undefined) params.to = words[`${changed}_${to}`] ?? to;
  return fill(template, params);
}

/**
 * A wording with its places filled: `{n}` with what has that name, `{n:row|rows}` with the form that goes with such a count.
 * @param {string} template
 * @param {Record<string, string | number>} params
 */
export function fill(template, params) {
  return template.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (place, name, one, other) => {
    if (!(name in params)) return place;
    const value = String(params[name]);
    if (other === undefined) return value;
    return plurals.select(Number(value.replaceAll(',', ''))) === 'one' ? one : other;
  });
}

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const figures = new Intl.NumberFormat('en', { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });

/** @param {number} value */
export const count = (value) => counts.format(value);

/**
 * Four significant digits, thousands separated, an exponent only outside 1e-4..1e6; `trim` leaves out closing zeros.
 * @param {number | null | undefined} value
 * @param {boolean} [trim]
 */
export function figure(value, trim = false) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    return value.toExponential(3).replace('e+', 'e').replaceAll('-', '−');
  }
  return (trim ? short : figures).format(value).replace('-', '−');
}
