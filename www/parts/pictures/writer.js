// @ts-check
// Writes SVG for what is asked of a 2D context, so that a chart draws its saved picture as it draws itself.

/** What a chart sets and calls of a context. */
const SETTINGS = /** @type {const} */ ([
  'fillStyle', 'strokeStyle', 'lineWidth', 'font', 'textAlign', 'textBaseline', 'lineJoin', 'lineCap',
]);
const CALLS = /** @type {const} */ ([
  'setTransform', 'clearRect', 'beginPath', 'moveTo', 'lineTo', 'closePath', 'rect', 'arc', 'fill', 'stroke', 'fillRect', 'strokeRect',
  'fillText',
]);

/**
 * Lets a context write instead of drawing, until what is answered is called.
 * @param {CanvasRenderingContext2D} context
 * @param {Writer} writer
 */
export function divert(context, writer) {
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
    const write = (/** @type {any[]} */ ...given) => /** @type {any} */ (writer)[name](...given);
    Object.defineProperty(context, name, { configurable: true, value: write });
  }
  // Words keep their width: measured by a context that draws, in the font that was set.
  const measure = (/** @type {string} */ words) => measured(words, writer.font);
  Object.defineProperty(context, 'measureText', { configurable: true, value: measure });
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
export function measured(words, font, baseline = 'alphabetic') {
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
export class Writer {
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
    const ends = `stroke-linejoin="${this.lineJoin}" stroke-linecap="${this.lineCap}"`;
    this.#write(`fill="none" ${paint('stroke', this.strokeStyle)} stroke-width="${width}" ${ends}`);
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
    const above = measured(words, this.font, this.textBaseline).fontBoundingBoxAscent;
    const own = measured(words, this.font, 'alphabetic').fontBoundingBoxAscent;
    const place = `x="${this.#at(x)}" y="${this.#at(y + own - above)}"`;
    const look = [
      `font-size="${number(Number(size) * this.#scale)}"`, ...(weight ? [`font-weight="${weight}"`] : []),
      ...(anchor ? [`text-anchor="${anchor}"`] : []),
    ].join(' ');
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
export function paint(name, colour) {
  const [, rgb, alpha] = /^rgba\(([^,]+,[^,]+,[^,]+),([^)]+)\)$/.exec(colour) ?? [];
  if (!rgb) return `${name}="${escape(colour)}"`;
  return `${name}="rgb(${rgb})"${Number(alpha) < 1 ? ` ${name}-opacity="${Number(alpha)}"` : ''}`;
}

/** @param {number} length */
export const number = (length) => String(Math.round(length * 100) / 100);

/** @type {Record<string, string>} */
const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text of a document of XML, in which control characters have no place. @param {string} words */
export const escape = (words) =>
  words.replace(/[&<>"]/g, (sign) => entities[sign]).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, ' ');
