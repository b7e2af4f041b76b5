// @ts-check
// How a table is written, where it can be read otherwise.
import { make } from '../../parts/dom.js';
import { said } from '../../words/table.js';
import { select, tick } from './draft.js';

/** @typedef {import('./draft.js').Opened} Opened */

const SEPARATORS = [',', ';', '\t', '|', ' '];
const ENCODINGS = [['utf8', 'UTF-8'], ['utf16le', 'UTF-16 LE'], ['utf16be', 'UTF-16 BE'], ['windows1252', 'Windows-1252']];
/** A date that says by its order alone which is the day. */
const DATE = /^\d{1,2}([/-])\d{1,2}\1\d{4}\b/;

/**
 * @param {Opened} opened
 * @param {(change: object) => Promise<void>} reread
 */
export function writing({ preview, sheets, sheet }, reread) {
  const place = make('fieldset', 'writing');
  place.append(make('legend', 'hidden', said('columns_writing')));
  /** @param {string} words @param {string[][]} options @param {string} value @param {(value: string) => object} change */
  const choose = (words, options, value, change) => {
    const { row, control } = select(said(words), options, value);
    control.addEventListener('change', () => void reread(change(control.value)));
    place.append(row);
  };
  const { dialect } = preview;
  if (dialect) {
    const separators = SEPARATORS.map((sign, i) => [sign, said(`separator_${i}`)]);
    choose('columns_separator', separators, dialect.separator, (separator) => ({ separator }));
    const decimal = dialect.decimal_comma ? ',' : '.';
    choose('columns_decimal', [['.', '1.5'], [',', '1,5']], decimal, (sign) => ({ decimal_comma: sign === ',' }));
    choose('columns_encoding', ENCODINGS, dialect.encoding, (encoding) => ({ encoding }));
    const header = tick(said('columns_header'), dialect.header);
    header.control.addEventListener('change', () => void reread({ header: header.control.checked }));
    place.append(header.row);
    if (preview.rows.flat().some((cell) => DATE.test(cell))) {
      const orders = ['day_first', 'month_first', ''].map((order) => [order, said(`dates_${order || 'words'}`)]);
      choose('columns_dates', orders, dialect.date_order ?? '', (order) => ({ date_order: order || null }));
    }
  } else if (sheets.length > 1) {
    choose('columns_sheet', sheets.map((name) => [name, name]), sheet, (sheet) => ({ sheet }));
  } else place.hidden = true;
  return place;
}
