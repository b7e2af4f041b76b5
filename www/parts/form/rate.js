// @ts-check
// The learning rate: a slider and a box that say the same, and a picture of the schedule.
import * as downhill from '../../wasm/engine/downhill.js';
import { text } from '../../words/index.js';
import { helpButton } from '../help.js';
import { make, makeSvg } from '../dom.js';
import { accept, isHeld, keepWhileWriting, numberIn } from './entry.js';

/** @typedef {import('./index.js').Editing} Editing */

/**
 * @param {HTMLElement} body
 * @param {Editing} editing
 */
export function buildRate(body, editing) {
  const { slider, box } = controls();
  const error = make('p', 'error');
  error.id = 'rate-error';
  error.hidden = true;
  box.setAttribute('aria-describedby', error.id);
  const take = (/** @type {number} */ rate) => editing.take({ ...editing.config, learning_rate: rate }, box, error);
  slider.addEventListener('input', () => {
    accept(box, error);
    take(downhill.rate_from_position(slider.valueAsNumber));
  });
  slider.addEventListener('keydown', (event) => {
    const up = ['ArrowRight', 'ArrowUp', 'PageUp'].includes(event.key);
    if (!up && !['ArrowLeft', 'ArrowDown', 'PageDown'].includes(event.key)) return;
    event.preventDefault();
    take(downhill.neighbouring_rate(editing.config.learning_rate, up));
  });
  keepWhileWriting(box);
  box.addEventListener('change', () => {
    const rate = numberIn(box, error);
    if (rate !== undefined && rate !== null) take(rate);
  });
  const track = make('div', 'track');
  track.append(slider, ticks());
  const row = make('div', 'rate-row');
  row.append(track, box);
  body.append(helpButton('learning_rate', text('field_learning_rate')), row, error);
  editing.onRender(({ learning_rate: rate }) => {
    if (!isHeld(box)) box.value = String(rate);
    if (!slider.matches(':focus:active')) slider.value = String(downhill.position_from_rate(rate));
    slider.setAttribute('aria-valuetext', String(rate));
  });
  editing.addRow({ path: 'learning_rate', kind: 'number', group: 'rate' }, { row, control: box, error });
}

function controls() {
  const slider = document.createElement('input');
  Object.assign(slider, { type: 'range', min: '0', max: '1', step: '0.001', id: 'rate-slider' });
  const box = document.createElement('input');
  Object.assign(box, { type: 'number', step: 'any', inputMode: 'decimal', id: 'rate-box' });
  for (const control of [slider, box]) control.setAttribute('aria-label', text('field_learning_rate'));
  return { slider, box };
}

function ticks() {
  /** @type {Record<number, string>} */
  const labelled = { 1e-5: '1e−5', 1e-3: '0.001', 0.1: '0.1', 10: '10' };
  const all = make('div', 'ticks');
  all.setAttribute('aria-hidden', 'true');
  for (const rate of [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10]) {
    for (const tick of [rate, 3 * rate]) {
      if (tick > 10) continue;
      const mark = make('span', tick === rate ? 'major' : '', labelled[tick] ?? '');
      if (tick === 1e-5) mark.classList.add('first');
      mark.style.setProperty('--at', String(downhill.position_from_rate(tick)));
      all.append(mark);
    }
  }
  return all;
}

/**
 * The learning rate by step, as the chosen schedule has it, below the box in which that is chosen.
 * @param {Element} box
 * @param {Editing} editing
 */
export function buildSparkline(box, editing) {
  const line = makeSvg('polyline', {});
  const look = { viewBox: '0 0 96 32', preserveAspectRatio: 'none', class: 'spark', 'aria-hidden': 'true' };
  box.after(makeSvg('svg', look, line));
  editing.onRender((config) => {
    const rates = downhill.schedule_curve(config, 48);
    const top = Math.max(...rates) || 1;
    line.setAttribute('points', [...rates].map((rate, i) => `${(i * 96) / 47},${30 - (27 * rate) / top}`).join(' '));
  });
}
