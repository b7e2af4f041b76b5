// @ts-check
// How far long work is, in sight and in words, and the way out of it.
import { text, wording } from '../words/index.js';

/** @typedef {import('../wasm/engine/downhill.js').Progress} Progress */

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * What shows progress, or with nothing hides it.
 * @returns {(progress: { event: Progress, cancel: () => void } | undefined) => void}
 */
export function startProgress() {
  const place = element('progress');
  const bar = /** @type {HTMLProgressElement} */ (element('progress-bar'));
  const button = element('progress-cancel');
  /** @type {(() => void) | undefined} */
  let cancel;
  /** @type {EventTarget | null} */
  let before = null;
  let told = '';
  button.addEventListener('focus', (event) => {
    before = event.relatedTarget;
  });
  button.addEventListener('click', () => cancel?.());
  addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !cancel || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    cancel();
  });
  return (progress) => {
    cancel = progress?.cancel;
    document.body.classList.toggle('has-progress', progress !== undefined);
    if (!progress) {
      // Whoever came here by keys goes back to where they were.
      if (document.activeElement === button) (before instanceof HTMLElement && before.isConnected ? before : element('train')).focus();
      place.hidden = true;
      told = '';
      return;
    }
    const { message, fraction } = progress.event;
    const [what, percent] = [wording(message), Math.floor(100 * fraction)];
    bar.value = fraction;
    element('progress-what').textContent = what;
    element('progress-percent').textContent = `${percent}%`;
    place.hidden = false;
    // Heard when the work changes, and at every quarter.
    const key = `${message.code} ${Math.floor(percent / 25)}`;
    if (key === told) return;
    told = key;
    element('status').textContent = text('progress_status', { what, percent });
  };
}
