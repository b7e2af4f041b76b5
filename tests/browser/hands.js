// Actions on the page beyond clicking and reading: files, and pictures that change.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { person } from './person.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */
/** @typedef {{ name: string, mimeType: string, buffer: Buffer }} Upload */

/**
 * @param {string} name
 * @param {string | Buffer} content
 * @returns {Upload}
 */
export function upload(name, content) {
  return { name, mimeType: name.endsWith('.json') ? 'application/json' : 'text/csv', buffer: Buffer.from(content) };
}

/**
 * Presses Export weights and Enter, which saves the run file, and returns it.
 * @param {Page} page
 */
export async function exportWeights(page) {
  const dialog = await openExport(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  await dialog.waitFor({ state: 'hidden' });
  const text = await readFile(await download.path(), 'utf8');
  return { name: download.suggestedFilename(), text, file: JSON.parse(text) };
}

/**
 * Exports the weights in a format, by its name in the dialog. Returns the file and the dialog's
 * description of it.
 * @param {Page} page
 * @param {string} format
 */
export async function exportAs(page, format) {
  const dialog = await openExport(page);
  await dialog.getByRole('radio', { name: format, exact: true }).check();
  const details = dialog.getByRole('region', { name: 'What will be saved' });
  await details.getByRole('heading', { name: format, exact: true }).waitFor();
  await dialog.locator('.details:not([aria-busy])').waitFor();
  const said = await details.innerText();
  const facts = await dialog.getByRole('status').innerText();
  const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Save', exact: true }).click()]);
  await dialog.waitFor({ state: 'hidden' });
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()), said, facts };
}

/**
 * The export dialog.
 * @param {Page} page
 */
export async function openExport(page) {
  const dialog = page.getByRole('dialog', { name: 'Export weights' });
  if (!(await dialog.isVisible())) await person(page).button('Export weights').click();
  await dialog.waitFor();
  return dialog;
}

/**
 * Presses Import weights and chooses a file.
 * @param {Page} page
 * @param {string | Buffer | Upload} file its text, or what is chosen
 */
export async function importWeights(page, file) {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), person(page).button('Import weights').click()]);
  await chooser.setFiles(typeof file === 'string' || Buffer.isBuffer(file) ? upload('weights.json', file) : file);
}

/**
 * Opens the Load data dialog and chooses a file in it.
 * @param {Page} page
 * @param {Upload | string} file
 */
export async function chooseTable(page, file) {
  const dialog = await openTables(page);
  const choose = dialog.getByRole('button', { name: 'Choose a file', exact: true });
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), choose.click()]);
  await chooser.setFiles(file);
}

/**
 * Pastes a table into the Load data dialog and uses it.
 * @param {Page} page
 * @param {string} text
 */
export async function pasteTable(page, text) {
  const dialog = await openTables(page);
  await dialog.getByRole('textbox').fill(text);
  await dialog.getByRole('button', { name: 'Use this table', exact: true }).click();
}

/**
 * The Load data dialog, which is opened if necessary.
 * @param {Page} page
 */
export async function openTables(page) {
  const dialog = page.getByRole('dialog', { name: 'Load a table' });
  if (!(await dialog.isVisible())) await person(page).button('Load data').click();
  await dialog.waitFor();
  return dialog;
}

/**
 * Drops a file on the page with the browser's events.
 * @param {Page} page
 * @param {string} name
 * @param {string | Buffer} content
 */
export async function dropFile(page, name, content) {
  const bytes = [...Buffer.from(content)];
  const transfer = await page.evaluateHandle(({ name, bytes }) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(bytes)], name));
    return transfer;
  }, { name, bytes });
  const main = page.getByRole('main');
  await main.dispatchEvent('dragenter', { dataTransfer: transfer });
  await page.getByText('Drop a table or a model').waitFor();
  await main.dispatchEvent('dragover', { dataTransfer: transfer });
  await main.dispatchEvent('drop', { dataTransfer: transfer });
}

/**
 * The exact solution shown next to the weights.
 * @param {Page} page
 */
export async function exactWeights(page) {
  const shown = await person(page).output('Weights').locator('.exact').allInnerTexts();
  return shown.map((text) => Number(text.replaceAll(',', '').replace('−', '-')));
}

/**
 * Number of rows, from the chart's text alternative.
 * @param {Page} page
 */
export async function rows(page) {
  const found = /: ([\d,]+) rows[,.]/.exec(await description(page, 'Fit chart'));
  assert.ok(found, 'the fit chart tells no rows');
  return Number(found[1].replaceAll(',', ''));
}

/**
 * The description of a chart for screen readers.
 * @param {Page} page
 * @param {string} name
 */
export function description(page, name) {
  return page.getByRole('img', { name, exact: true }).evaluate((chart) => {
    const ids = (chart.getAttribute('aria-describedby') ?? '').split(' ');
    return ids.map((id) => document.getElementById(id)?.textContent).join(' ');
  });
}

/**
 * Waits until the result of `look` satisfies `is`, and returns it. For conditions that no locator
 * can express.
 * @template T
 * @param {() => Promise<T>} look
 * @param {(value: T) => boolean} is
 * @param {string} [what]
 * @param {number} [timeout]
 */
export async function eventually(look, is, what = String(is), timeout = 30_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await look();
    if (is(value)) return value;
    assert.ok(Date.now() < end, `${what}: still ${JSON.stringify(value)}`);
    await new Promise((done) => setTimeout(done, 30));
  }
}

/**
 * Checks a number of four significant digits.
 * @param {number} shown
 * @param {number} expected
 * @param {string} [what]
 */
export function reads(shown, expected, what = '') {
  const half = 0.5 * 10 ** (Math.floor(Math.log10(Math.abs(expected))) - 3);
  assert.ok(Math.abs(shown - expected) <= half * 1.001, `${what} shows ${shown}, expected ${expected} to four digits`);
}
