// @ts-check
// A picture as PNG or SVG. For an SVG the chart draws once more while its contexts write down what they are asked for, so that
// it is the same picture whatever chart it is.
import { chartTheme } from '../theme.js';
import { heading } from './heading.js';
import { Writer, divert, escape, number, paint } from './writer.js';

/**
 * @typedef {object} Chart
 * @property {(width: number, height: number, ratio: number) => void} resize
 * @property {(theme: import('../../wasm/engine/downhill.js').ChartTheme) => void} set_theme
 * @property {() => boolean} draw
 */

/**
 * What paints a picture that is no chart, in CSS pixels from the upper left corner of its element.
 * @typedef {(context: CanvasRenderingContext2D) => void} Painting
 */

/** Pixels of a saved PNG to one of the page, at least. */
const LEAST_RATIO = 2;
/** What programs read out of an SVG. */
const ROLE = 'role="img" aria-labelledby="title" aria-describedby="description"';

/**
 * Of what is saved, CSS pixels: what is scrolled out of sight belongs to it.
 * @param {HTMLElement} area
 * @param {Chart | Painting} chart
 */
function sizeOf(area, chart) {
  const { width, height } = area.getBoundingClientRect();
  return typeof chart === 'function'
    ? { width: Math.max(width, area.scrollWidth), height: Math.max(height, area.scrollHeight) }
    : { width, height };
}

/**
 * @param {HTMLElement} area
 * @param {Chart | Painting} chart
 * @returns {Promise<Blob | null>}
 */
export async function png(area, chart) {
  const { width, height } = sizeOf(area, chart);
  const ratio = Math.max(devicePixelRatio, LEAST_RATIO);
  const head = heading(area, width);
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((height + head.height) * ratio);
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.scale(ratio, ratio);
  context.fillStyle = chartTheme(area).background;
  context.fillRect(0, 0, width, height + head.height);
  head.draw(context);
  if (typeof chart === 'function') {
    context.translate(0, head.height);
    chart(context);
  } else {
    // Nothing of it is seen: the canvas has its own size back before the browser paints.
    chart.resize(width, height, ratio);
    chart.draw();
    context.setTransform(1, 0, 0, 1, 0, 0);
    for (const layer of area.querySelectorAll('canvas')) context.drawImage(layer, 0, Math.round(head.height * ratio));
    chart.resize(width, height, devicePixelRatio);
    chart.draw();
  }
  return new Promise((done) => canvas.toBlob(done, 'image/png'));
}

/**
 * @param {HTMLElement} area
 * @param {Chart | Painting} chart
 */
export function svg(area, chart) {
  const { width, height } = sizeOf(area, chart);
  const theme = chartTheme(area);
  const head = heading(area, width);
  const ids = (area.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean);
  const described = ids.map((id) => area.closest('figure')?.querySelector(`#${id}`)?.textContent);
  const size = `width="${number(width)}" height="${number(height + head.height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${number(width)} ${number(height + head.height)}" ${ROLE}`
      + ` font-family="${escape(theme.font)}">`,
    `<title id="title">${escape(head.title)}</title>`,
    `<desc id="description">${escape(described.filter(Boolean).join(' '))}</desc>`,
    `<rect ${size} ${paint('fill', theme.background)}/>`,
    ...written(head.draw),
    `<g transform="translate(0 ${number(head.height)})">`,
    ...(typeof chart === 'function' ? written(chart) : diverted(area, chart)),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** @param {Painting} painting */
function written(painting) {
  const writer = new Writer(1);
  painting(/** @type {any} */ (writer));
  return writer.written;
}

/**
 * What a chart draws, written down by its own contexts.
 * @param {HTMLElement} area
 * @param {Chart} chart
 */
function diverted(area, chart) {
  const theme = chartTheme(area);
  const layers = [...area.querySelectorAll('canvas')]
    .map((canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')));
  const writers = layers.map(() => new Writer(1 / devicePixelRatio));
  // Colours are read from the contexts before these write.
  chart.set_theme(theme);
  const restore = layers.map((context, i) => divert(context, writers[i]));
  try {
    chart.draw();
  } finally {
    restore.forEach((each) => each());
  }
  chart.set_theme(theme);
  chart.draw();
  return writers.flatMap(({ written }) => written);
}
