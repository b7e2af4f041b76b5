// @ts-check
// What the screen and its user ask for.

/**
 * @typedef {object} Media
 * @property {MediaQueryList} phone whether the page is as narrow as on a phone
 * @property {MediaQueryList} dark whether the system is dark
 * @property {MediaQueryList} still whether nothing is to move by itself
 */

/** The media of this document. @returns {Media} */
export const documentMedia = () => ({
  phone: matchMedia('(max-width: 720px)'),
  dark: matchMedia('(prefers-color-scheme: dark)'),
  still: matchMedia('(prefers-reduced-motion: reduce)'),
});
