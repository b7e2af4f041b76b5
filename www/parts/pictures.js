// @ts-check
// Saves what a canvas shows, as PNG or SVG. For an SVG the chart draws once more while its contexts write down what they are
// asked for, so that it is the same picture whatever chart it is. Title and legend, which the page has beside the canvas, are
// drawn above it.
import { text } from '../words/index.js';
import { said } from '../words/table.js';
import { chartTheme } from './theme.js';
import { make } from './dom.js';
import { addStyle } from './styles.js';
import { onChange } from './changes.js';

/**
 * @typedef {object} Chart
 * @property {(width: number, height: number, ratio: number) => void} resize
 * @property {(theme: import('../wasm/engine/downhill.js').ChartTheme) => void} set_theme
 * @property {() => boolean} draw
 */

/**
 * What paints a picture that is no chart, in CSS pixels from the upper left corner of its element.
 * @typedef {(context: CanvasRenderingContext2D) => void} Painting
 */

/** Pixels of a saved PNG to one of the page, at least. */
const LEAST_RATIO = 2;
/** Rows of title and of legend in a saved picture, and its margin. */
const ROW = 20;
const MARGIN = 12;

/**
 * The first two pictures, when they are there.
 * @param {{ fit: Chart, loss: Chart }} views
 */
export function startPictures({ fit, loss }) {
  for (const [id, chart] of /** @type {const} */ ([['fit', fit], ['loss', loss]])) {
    offerSaving(/** @type {HTMLElement} */ (document.getElementById(`${id}-canvas`)), chart, id);
  }
}

/**
 * Puts a menu beside a picture that saves it.
 * @param {HTMLElement} area the element around the chart's two canvases, labelled and described
 * @param {Chart | Painting} chart
 * @param {string} name of the file, without its end
 */
export function offerSaving(area, chart, name) {
  const styled = addStyle('plots.css');
  const holder = make('div', 'save');
  const button = make('button', 'icon');
  button.setAttribute('type', 'button');
  button.setAttribute('aria-haspopup', 'menu');
  button.setAttribute('aria-expanded', 'false');
  button.append(icon());
  const menu = make('div', 'save-menu');
  menu.setAttribute('role', 'menu');
  menu.hidden = true;
  const items = ['PNG', 'SVG'].map((format) => {
    const item = make('button', '', format);
    item.setAttribute('type', 'button');
    item.setAttribute('role', 'menuitem');
    item.tabIndex = -1;
    item.addEventListener('click', async () => {
      open(false);
      button.focus();
      await save(format, area, chart, name);
    });
    return item;
  });
  menu.append(...items);
  const open = (/** @type {boolean} */ shown) => {
    menu.hidden = !shown;
    button.setAttribute('aria-expanded', String(shown));
    if (shown) items[0].focus();
  };
  button.addEventListener('click', () => open(menu.hidden === true));
  holder.addEventListener('keydown', (event) => {
    if (menu.hidden) return;
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === 'Escape') {
      open(false);
      button.focus();
    } else if (move !== undefined) {
      const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      items[(at + move + items.length) % items.length].focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  holder.addEventListener('focusout', ({ relatedTarget }) => {
    if (!holder.contains(/** @type {Node | null} */ (relatedTarget))) open(false);
  });
  const word = () => {
    const label = said('save_picture', { name: area.getAttribute('aria-label') ?? '' });
    button.setAttribute('aria-label', label);
    button.title = said('save_picture_short');
    menu.setAttribute('aria-label', label);
  };
  word();
  onChange(word);
  new MutationObserver(word).observe(area, { attributeFilter: ['aria-label'] });
  holder.append(button, menu);
  // Not before it has its place, or it would push the picture away for a moment.
  void styled.then(() => area.before(holder));
}

function icon() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('class', 'line');
  path.setAttribute('d', 'M8 2.5v7.5M5 7.5 8 10.5l3-3M3 13.5h10');
  svg.append(path);
  return svg;
}

/**
 * @param {string} format
 * @param {HTMLElement} area
 * @param {Chart | Painting} chart
 * @param {string} name
 */
async function save(format, area, chart, name) {
  const blob = format === 'PNG' ? await png(area, chart) : new Blob([svg(area, chart)], { type: 'image/svg+xml' });
  if (!blob) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `downhill-${name}.${format.toLowerCase()}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

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
async function png(area, chart) {
  const { width, height } = sizeOf(area, chart);
  const ratio = Math.max(devicePixelRatio, LEAST_RATIO);
  const head = heading(area, width);
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((height + head.height) * ratio);
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.scale(ratio, ratio);
  context.fillStyle = chartTheme().background;
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
function svg(area, chart) {
  const { width, height } = sizeOf(area, chart);
  const theme = chartTheme();
  const head = heading(area, width);
  const described = (area.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent);
  const size = `width="${number(width)}" height="${number(height + head.height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${number(width)} ${number(height + head.height)}" role="img" aria-labelledby="title" aria-describedby="description" font-family="${escape(theme.font)}">`,
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
  const theme = chartTheme();
  const layers = [...area.querySelectorAll('canvas')].map((canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')));
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

/**
 * Title and legend as the page shows them, in rows that a picture of this width has room for.
 * @param {HTMLElement} area
 * @param {number} width
 */
function heading(area, width) {
  const theme = chartTheme();
  const title = area.getAttribute('aria-label') ?? text('charts');
  const measure = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));
  measure.font = `12px ${theme.font}`;
  const items = [...(area.closest('figure')?.querySelectorAll('.legend li') ?? [])].filter((item) => item.getClientRects().length > 0);
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

/** What a chart sets and calls of a context. */
const SETTINGS = /** @type {const} */ (['fillStyle', 'strokeStyle', 'lineWidth', 'font', 'textAlign', 'textBaseline', 'lineJoin', 'lineCap']);
const CALLS = /** @type {const} */ ([
  'setTransform', 'clearRect', 'beginPath', 'moveTo', 'lineTo', 'closePath', 'rect', 'arc', 'fill', 'stroke', 'fillRect', 'strokeRect', 'fillText',
]);

/**
 * Lets a context write instead of drawing, until what is answered is called.
 * @param {CanvasRenderingContext2D} context
 * @param {Writer} writer
 */
function divert(context, writer) {
  for (const name of SETTINGS) {
    Object.defineProperty(context, name, {
      configurable: true,
      get: () => writer[name],
      set: (value) => {
        Object.assign(writer, { [name]: value });
      },
    });
  }
  for (const name of CALLS) {
    Object.defineProperty(context, name, { configurable: true, value: (/** @type {any[]} */ ...given) => /** @type {any} */ (writer)[name](...given) });
  }
  // Words are as wide as they are: measured by the context itself, in the font that was set.
  Object.defineProperty(context, 'measureText', { configurable: true, value: (/** @type {string} */ words) => measured(words, writer.font) });
  return () => {
    for (const name of [...SETTINGS, ...CALLS, 'measureText']) delete (/** @type {any} */ (context)[name]);
  };
}

const scratch = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));

/**
 * @param {string} words
 * @param {string} font
 * @param {CanvasTextBaseline} [baseline]
 */
function measured(words, font, baseline = 'alphabetic') {
  scratch.font = font;
  scratch.textBaseline = baseline;
  return scratch.measureText(words);
}

/**
 * A piece of a path: a run of places, a disc or a rectangle.
 * @typedef {{ kind: 'run', places: [number, number][], closed: boolean } | { kind: 'disc', x: number, y: number, radius: number }
 *   | { kind: 'box', x: number, y: number, width: number, height: number }} Piece
 */

/** Writes SVG for what is asked of a 2D context. */
class Writer {
  fillStyle = '#000';
  strokeStyle = '#000';
  lineWidth = 1;
  font = '10px sans-serif';
  /** @type {CanvasTextAlign} */
  textAlign = 'start';
  /** @type {CanvasTextBaseline} */
  textBaseline = 'alphabetic';
  /** @type {CanvasLineJoin} */
  lineJoin = 'round';
  /** @type {CanvasLineCap} */
  lineCap = 'butt';
  /** @type {string[]} */
  written = [];
  /** @type {Piece[]} */
  #pieces = [];
  #unit;
  #scale;

  /** @param {number} unit what a pixel of the canvas is in the picture */
  constructor(unit) {
    this.#unit = unit;
    this.#scale = unit;
  }

  /** Charts do no more than to choose their unit. @param {number} scale */
  setTransform(scale) {
    this.#scale = scale * this.#unit;
  }

  clearRect() {
    this.written = [];
  }

  beginPath() {
    this.#pieces = [];
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    this.#pieces.push({ kind: 'run', places: [[x, y]], closed: false });
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  lineTo(x, y) {
    const last = this.#pieces.at(-1);
    if (last?.kind === 'run') last.places.push([x, y]);
    else this.moveTo(x, y);
  }

  closePath() {
    const last = this.#pieces.at(-1);
    if (last?.kind === 'run') last.closed = true;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  rect(x, y, width, height) {
    this.#pieces.push({ kind: 'box', x, y, width, height });
  }

  /**
   * Charts draw whole circles alone.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   */
  arc(x, y, radius) {
    const last = this.#pieces.at(-1);
    // A circle begins where the context was moved to for it.
    if (last?.kind === 'run' && last.places.length === 1) this.#pieces.pop();
    this.#pieces.push({ kind: 'disc', x, y, radius });
  }

  fill() {
    this.#write(paint('fill', this.fillStyle));
  }

  stroke() {
    const width = number(this.lineWidth * this.#scale);
    this.#write(`fill="none" ${paint('stroke', this.strokeStyle)} stroke-width="${width}" stroke-linejoin="${this.lineJoin}" stroke-linecap="${this.lineCap}"`);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  fillRect(x, y, width, height) {
    this.#pieces = [{ kind: 'box', x, y, width, height }];
    this.fill();
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  strokeRect(x, y, width, height) {
    this.#pieces = [{ kind: 'box', x, y, width, height }];
    this.stroke();
  }

  /**
   * @param {string} words
   * @param {number} x
   * @param {number} y
   */
  fillText(words, x, y) {
    const [, weight, size] = /^(?:(?:normal|italic)\s+)?(?:(\d+)\s+)?([\d.]+)px/.exec(this.font) ?? [];
    const anchor = { center: 'middle', end: 'end', right: 'end' }[/** @type {string} */ (this.textAlign)];
    // Programs differ in what they make of other baselines than the alphabetic one.
    const [above, own] = [this.textBaseline, 'alphabetic'].map((baseline) => measured(words, this.font, /** @type {CanvasTextBaseline} */ (baseline)).fontBoundingBoxAscent);
    const place = `x="${this.#at(x)}" y="${this.#at(y + own - above)}"`;
    const look = `font-size="${number(Number(size) * this.#scale)}"${weight ? ` font-weight="${weight}"` : ''}${anchor ? ` text-anchor="${anchor}"` : ''}`;
    this.written.push(`<text ${place} ${look} ${paint('fill', this.fillStyle)}>${escape(words)}</text>`);
  }

  /** @param {number} length */
  #at(length) {
    return number(length * this.#scale);
  }

  /** @param {string} look */
  #write(look) {
    const runs = [];
    for (const piece of this.#pieces) {
      if (piece.kind === 'disc') {
        this.written.push(`<circle cx="${this.#at(piece.x)}" cy="${this.#at(piece.y)}" r="${this.#at(piece.radius)}" ${look}/>`);
      } else if (piece.kind === 'box') {
        const size = `width="${this.#at(piece.width)}" height="${this.#at(piece.height)}"`;
        this.written.push(`<rect x="${this.#at(piece.x)}" y="${this.#at(piece.y)}" ${size} ${look}/>`);
      } else if (piece.places.length > 1) {
        runs.push(`M${piece.places.map(([x, y]) => `${this.#at(x)} ${this.#at(y)}`).join('L')}${piece.closed ? 'Z' : ''}`);
      }
    }
    if (runs.length) this.written.push(`<path d="${runs.join('')}" ${look}/>`);
  }
}

/**
 * A colour as programs other than browsers read it, too: its opacity apart.
 * @param {'fill' | 'stroke'} name
 * @param {string} colour
 */
function paint(name, colour) {
  const [, rgb, alpha] = /^rgba\(([^,]+,[^,]+,[^,]+),([^)]+)\)$/.exec(colour) ?? [];
  if (!rgb) return `${name}="${escape(colour)}"`;
  return `${name}="rgb(${rgb})"${Number(alpha) < 1 ? ` ${name}-opacity="${Number(alpha)}"` : ''}`;
}

/** @param {number} length */
const number = (length) => String(Math.round(length * 100) / 100);

/** @type {Record<string, string>} */
const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text of a document of XML, in which control characters have no place. @param {string} words */
const escape = (words) => words.replace(/[&<>"]/g, (sign) => entities[sign]).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, ' ');
