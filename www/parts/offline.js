// @ts-check
// The service worker, which keeps the page for when there is no network.
import { part } from './dom.js';

/** @param {HTMLElement} root */
export function startOffline(root) {
  if (!('serviceWorker' in navigator)) return;
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if (data?.type === 'offline-ready' || (data?.type === 'status' && data.ready)) part(root, 'offline').hidden = false;
  });
  // Only when the page has done what it came for.
  const register = async () => {
    try {
      await navigator.serviceWorker.register('./sw.js');
      const { active } = await navigator.serviceWorker.ready;
      active?.postMessage({ type: 'status' });
    } catch {
      // Without it (a private window, a file server without it) the page works as before, online.
    }
  };
  const idle = /** @type {any} */ (globalThis).requestIdleCallback ?? ((/** @type {() => void} */ run) => setTimeout(run, 500));
  idle(register);
  // What a page that broke down has left in storage.
  idle(() => import('../worker/leftovers.js').then(({ removeLeftFiles }) => removeLeftFiles()));
}
