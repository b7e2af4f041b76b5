// @ts-check
// What a person has chosen for this site, and finds again at the next visit.

/**
 * @typedef {object} Preferences
 * @property {(name: string) => string | null} get
 * @property {(name: string, value: string) => void} set
 */

/** Preferences that the browser keeps. @type {Preferences} */
export const storedPreferences = {
  get(name) {
    try {
      return localStorage.getItem(`downhill.${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`downhill.${name}`, value);
    } catch {
      // Storage may be refused; then the choice lasts as long as the page.
    }
  },
};
