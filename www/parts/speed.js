// @ts-check
// The speed of training, which is part of the configuration.
import * as downhill from '../wasm/engine/downhill.js';
import { text } from '../words/index.js';
import { part } from './dom.js';

/** @param {import('../store.js').Page} page */
export function startSpeed({ root, store, runner }) {
  const slider = /** @type {HTMLInputElement} */ (part(root, 'speed'));
  const words = part(root, 'speed-text');
  const compact = new Intl.NumberFormat('en', { notation: 'compact' });
  const show = () => {
    const { steps_per_second: speed } = store.state.config;
    words.textContent = speed === null ? text('speed_max') : text('speed_paced', { n: compact.format(speed) });
    slider.setAttribute('aria-valuetext', words.textContent);
    if (!slider.matches(':active')) slider.value = String(downhill.position_from_speed(speed ?? undefined));
  };
  slider.addEventListener('input', () => {
    const steps_per_second = downhill.speed_from_position(slider.valueAsNumber) ?? null;
    void runner.edit({ ...store.state.config, steps_per_second });
  });
  store.subscribe(['config', 'language'], show);
  show();
}
