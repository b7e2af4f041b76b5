// @ts-check
// What the pointer and the keyboard do to a chart: drag and arrows read or move it, wheel and pinch zoom, a double click resets.

/** A press that moves further than this is a drag. */
export const CLICK_PX = 4;

/** @typedef {{ x: number, y: number }} Place in CSS pixels from the upper left corner of the chart */
/**
 * @typedef {object} Chart
 * @property {(width: number, height: number, ratio: number) => void} resize
 * @property {(x: number, y: number, factor: number) => void} zoom
 * @property {(dx: number, dy: number) => void} pan
 * @property {() => void} reset_zoom
 * @property {() => boolean} is_zoomed
 */
/**
 * @typedef {object} Reactions
 * @property {(at: Place) => void} hover reads the chart at a place
 * @property {() => void} leave reads it no longer
 * @property {(at: Place) => void} [press] a click or a tap
 * @property {(event: KeyboardEvent) => boolean} key takes another key than those of the zoom; whether it did
 * @property {(delay: number) => void} [move] hears that another part of the data is in view; more may follow within the delay
 * @property {() => void} ask asks for a frame
 * @property {(event: WheelEvent) => boolean} [wheels] whether the wheel is for the chart and not for the panel around it
 */

/**
 * @param {HTMLElement} area
 * @param {Chart} chart
 * @param {Reactions} reactions
 */
export function controlChart(area, chart, reactions) {
  const { hover, leave, ask, move = () => {}, wheels = () => true } = reactions;
  const press = pressing(area, chart, reactions);
  area.addEventListener('pointermove', (event) => {
    press(event);
    hover(placeIn(area, event));
    ask();
  });
  area.addEventListener('pointerleave', () => {
    if (!area.matches(':focus')) leave();
  });
  area.addEventListener('blur', leave);
  area.addEventListener('wheel', (event) => {
    if (!wheels(event)) return;
    event.preventDefault();
    const { x, y } = placeIn(area, event);
    chart.zoom(x, y, Math.exp(-event.deltaY / 400));
    move(150);
    ask();
  }, { passive: false });
  area.addEventListener('dblclick', () => {
    chart.reset_zoom();
    move(0);
    ask();
  });
  area.addEventListener('keydown', (event) => {
    const [x, y] = [area.clientWidth / 2, area.clientHeight / 2];
    if (event.key === '+' || event.key === '=') chart.zoom(x, y, 1.25);
    else if (event.key === '-') chart.zoom(x, y, 0.8);
    else if (event.key === '0') chart.reset_zoom();
    else if (!reactions.key(event)) return;
    event.preventDefault();
    move(150);
    ask();
  });
}

/**
 * Pointers that are down: one drags what is zoomed, two zoom. Returns what hears of their moves.
 * @param {HTMLElement} area
 * @param {Chart} chart
 * @param {Reactions} reactions
 */
function pressing(area, chart, { press, move = () => {} }) {
  /** @type {Map<number, Place>} */
  const pressed = new Map();
  let moved = 0;
  area.addEventListener('pointerdown', (event) => {
    pressed.set(event.pointerId, placeIn(area, event));
    moved = pressed.size > 1 ? CLICK_PX + 1 : 0;
    area.setPointerCapture(event.pointerId);
  });
  area.addEventListener('pointerup', (event) => {
    if (pressed.delete(event.pointerId) && moved <= CLICK_PX) press?.(placeIn(area, event));
  });
  area.addEventListener('pointercancel', (event) => pressed.delete(event.pointerId));
  return (/** @type {PointerEvent} */ event) => {
    const before = pressed.get(event.pointerId);
    if (!before) return;
    const now = placeIn(area, event);
    moved += apart(now, before);
    const other = [...pressed].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      chart.zoom((now.x + other.x) / 2, (now.y + other.y) / 2, apart(now, other) / Math.max(apart(before, other), 1));
      move(150);
    } else if (moved > CLICK_PX && chart.is_zoomed()) {
      chart.pan(now.x - before.x, now.y - before.y);
      move(150);
    }
    pressed.set(event.pointerId, now);
  };
}

/**
 * @param {HTMLElement} area
 * @param {MouseEvent} event
 * @returns {Place}
 */
function placeIn(area, event) {
  const { left, top } = area.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}

/**
 * How far two places are apart.
 * @param {Place} a
 * @param {Place} b
 */
export const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/**
 * Keeps a chart as large as its area.
 * @param {HTMLElement} area
 * @param {Chart} chart
 * @param {() => void} resized
 */
export function fitToArea(area, chart, resized) {
  new ResizeObserver(() => {
    const { width, height } = area.getBoundingClientRect();
    if (width > 0 && height > 0) chart.resize(width, height, devicePixelRatio);
    resized();
  }).observe(area);
}
