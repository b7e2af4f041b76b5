// @ts-check
// How far long work is, in sight and in words, and the way out of it.
import { text, wording } from '../words/index.js';
import { part } from './dom.js';

/** @param {import('../store.js').Page} page */
export function startProgress({ root, store, runner }) {
  const place = part(root, 'progress');
  const bar = /** @type {HTMLProgressElement} */ (part(root, 'progress-bar'));
  const [button, whatText, percentText] = ['progress-cancel', 'progress-what', 'progress-percent'].map((name) => part(root, name));
  /** @type {EventTarget | null} */
  let before = null;
  let told = '';
  const cancel = () => {
    // What was to come after this work was made of it.
    runner.forget();
    store.state.progress?.cancel();
  };
  button.addEventListener('focus', (event) => {
    before = event.relatedTarget;
  });
  button.addEventListener('click', cancel);
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !store.state.progress || root.querySelector('dialog[open]')) return;
    event.preventDefault();
    cancel();
  });
  store.subscribe(['progress'], ({ progress }) => {
    root.classList.toggle('has-progress', progress !== undefined);
    if (!progress) {
      // Whoever came here by keys goes back to where they were.
      if (button.matches(':focus')) (before instanceof HTMLElement && before.isConnected ? before : part(root, 'train')).focus();
      place.hidden = true;
      told = '';
      return;
    }
    const { message, fraction } = progress.event;
    const [what, percent] = [wording(message), Math.floor(100 * fraction)];
    bar.value = fraction;
    whatText.textContent = what;
    percentText.textContent = `${percent}%`;
    place.hidden = false;
    // Heard when the work changes, and at every quarter.
    const key = `${message.code} ${Math.floor(percent / 25)}`;
    if (key === told) return;
    told = key;
    store.set({ announcement: text('progress_status', { what, percent }) });
  });
}
