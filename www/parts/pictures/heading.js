// @ts-check
// Title and legend of a saved picture: the page has them next to the canvas.
import { text } from '../../words/index.js';
import { chartTheme } from '../theme.js';

/** Rows of title and of legend, and the margin. */
const ROW = 20;
const MARGIN = 12;

/**
 * Title and legend as the page shows them, in rows that a picture of this width has room for.
 * @param {HTMLElement} area
 * @param {number} width
 */
export function heading(area, width) {
  const theme = chartTheme(area);
  const title = area.getAttribute('aria-label') ?? text('charts');
  const measure = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));
  measure.font = `12px ${theme.font}`;
  const legend = [...(area.closest('figure')?.querySelectorAll('.legend li') ?? [])];
  const items = legend.filter((item) => item.getClientRects().length > 0);
  let [x, row] = [MARGIN, 1];
  const places = items.map((item) => {
    const words = item.textContent ?? '';
    const needed = 22 + measure.measureText(words).width;
    if (x > MARGIN && x + needed > width - MARGIN) [x, row] = [MARGIN, row + 1];
    const place = { words, x, y: 8 + row * ROW + ROW / 2, look: getComputedStyle(item, '::before') };
    x += needed + 14;
    return place;
  });
  return {
    title,
    height: 8 + ROW * (places.length ? row + 1 : 1),
    draw(/** @type {CanvasRenderingContext2D} */ context) {
      context.textBaseline = 'middle';
      context.textAlign = 'start';
      context.fillStyle = theme.ink;
      context.font = `600 14px ${theme.font}`;
      context.fillText(title, MARGIN, 8 + ROW / 2);
      context.font = `12px ${theme.font}`;
      for (const { words, x, y, look } of places) {
        const thick = parseFloat(look.borderTopWidth);
        context.beginPath();
        if (thick > 0) {
          const dashed = look.borderTopStyle === 'dashed';
          for (const [from, to] of dashed ? [[0, 6], [10, 16]] : [[0, 16]]) {
            context.moveTo(x + from, y);
            context.lineTo(x + to, y);
          }
          context.strokeStyle = look.borderTopColor;
          context.lineWidth = thick;
          context.stroke();
        } else {
          context.arc(x + 8, y, 3, 0, 2 * Math.PI);
          context.fillStyle = look.backgroundColor;
          context.fill();
        }
        context.fillStyle = theme.muted;
        context.fillText(words, x + 22, y);
      }
    },
  };
}
