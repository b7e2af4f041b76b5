// Every picture can be saved: as PNG with twice the pixels, and as SVG with real text and one shape
// per row.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

/** @typedef {import('playwright-core').Page} Page */

const { browser, server } = await setUp();

/**
 * @param {Page} page
 * @param {string} name of the picture
 * @param {'PNG' | 'SVG'} format
 */
async function saved(page, name, format) {
  await page.getByRole('button', { name: `Save picture: ${name}`, exact: true }).click();
  const menu = page.getByRole('menu', { name: `Save picture: ${name}`, exact: true });
  const [download] = await Promise.all([page.waitForEvent('download'), menu.getByRole('menuitem', { name: format }).click()]);
  assert.equal(await menu.isVisible(), false);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/**
 * The SVG as a browser parses it, in strict XML mode.
 * @param {Page} page
 * @param {string} text
 */
const parsed = (page, text) => page.evaluate((text) => {
  const xml = new DOMParser().parseFromString(text, 'image/svg+xml');
  const all = (/** @type {string} */ name) => [...xml.querySelectorAll(name)];
  return {
    error: xml.querySelector('parsererror')?.textContent,
    title: xml.querySelector('title')?.textContent,
    description: xml.querySelector('desc')?.textContent,
    width: Number(xml.documentElement.getAttribute('width')),
    texts: all('text').map((node) => [node.textContent, Number(node.getAttribute('font-size'))]),
    circles: all('circle').map((node) => ({
      x: Number(node.getAttribute('cx')),
      y: Number(node.getAttribute('cy')),
      fill: node.getAttribute('fill'),
    })),
    strokes: all('path').map((node) => node.getAttribute('stroke')),
    background: xml.querySelector('svg > rect')?.getAttribute('fill'),
    data: new XMLSerializer().serializeToString(xml).match(/NaN|undefined|Infinity/g),
  };
}, text);

test('the fit chart is saved as SVG with every row, its line and its words', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#data.source.n_samples=57', reducedMotion: true });
  await person(page).stop();
  const pixels = () => page.locator('#fit-canvas canvas').first().evaluate((canvas) => (
    /** @type {HTMLCanvasElement} */ (canvas).toDataURL()));
  const before = await pixels();
  const { name, bytes } = await saved(page, 'Fit chart', 'SVG');
  assert.equal(name, 'downhill-fit.svg');
  const svg = await parsed(page, bytes.toString());
  assert.equal(svg.error, undefined);
  assert.equal(svg.title, 'Fit chart');
  assert.match(svg.description ?? '', /^Fit of y by x: 57 rows/);
  assert.equal(svg.data, null);
  // One disc per row, and one in the legend.
  assert.equal(svg.circles.length, 58);
  const rows = svg.circles.slice(1);
  assert.equal(new Set(rows.map(({ fill }) => fill)).size, 1);
  // Rows are evenly spaced along x, in order: 57 places between the first and the last.
  const x = rows.map(({ x }) => x).sort((a, b) => a - b);
  const gap = (x[56] - x[0]) / 56;
  for (const [i, at] of x.entries()) assert.ok(Math.abs(at - (x[0] + i * gap)) < 0.1, `${i}: ${at}`);
  assert.ok(x[0] > 0 && x[56] < svg.width);
  // --fit and --exact of the light theme.
  assert.ok(svg.strokes.includes('rgb(11,98,184)') && svg.strokes.includes('rgb(118,125,135)'), String([...new Set(svg.strokes)]));
  assert.equal(svg.background, '#ffffff');
  const words = svg.texts.map(([words]) => words);
  for (const expected of ['Fit chart', 'data', 'current fit', 'exact least squares', 'x', 'y', '0.5']) assert.ok(
    words.includes(expected),
    `${expected} in ${words}`,
  );
  for (const [words, size] of svg.texts) assert.ok(Number(size) >= 11.9 && Number(size) <= 14, `${words} at ${size}`);
  // The page's own picture is unchanged.
  assert.equal(await pixels(), before);
  await close();
});

test('pictures are saved as PNG at twice the pixels, on the background of the theme', async () => {
  const { page, close } = await openPage(browser, { server, colorScheme: 'dark', reducedMotion: true });
  await person(page).stop();
  const width = await page.locator('#loss-canvas').evaluate((area) => area.getBoundingClientRect().width);
  const { name, bytes } = await saved(page, 'Loss chart', 'PNG');
  assert.equal(name, 'downhill-loss.png');
  const png = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) colours.add(data.slice(i, i + 4).join());
    return { width: bitmap.width, corner: [...data.slice(0, 4)], n: colours.size, lines: colours.has('195,155,242,255') };
  }, bytes.toString('base64'));
  assert.equal(png.width, Math.round(2 * width));
  // --surface of the dark theme, and --rate among the lines.
  assert.deepEqual(png.corner, [0x19, 0x1c, 0x20, 255]);
  assert.ok(png.lines && png.n > 20, `${png.n} colours`);
  await close();
});

test('the menu is opened, walked and left by the keyboard', async () => {
  const { page, close } = await openPage(browser, { server, reducedMotion: true });
  await person(page).stop();
  const button = page.getByRole('button', { name: 'Save picture: Fit chart' });
  await button.focus();
  await page.keyboard.press('Enter');
  assert.equal(await button.getAttribute('aria-expanded'), 'true');
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  assert.equal(await focused(), 'PNG');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'SVG');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'PNG');
  await page.keyboard.press('Escape');
  assert.equal(await button.getAttribute('aria-expanded'), 'false');
  assert.ok(await button.evaluate((button) => button === document.activeElement));
  await close();
});
