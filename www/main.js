// @ts-check
// Starts the page in this document.
import init, * as downhill from './wasm/engine/downhill.js';
import { documentAddress } from './address.js';
import { documentMedia } from './media.js';
import { startPage } from './page.js';
import { startOffline } from './parts/offline.js';
import { part } from './parts/dom.js';
import { preferredTheme, themeOf } from './parts/theme.js';
import { storedPreferences } from './preferences.js';
import { initialState, Store } from './store.js';
import { preferredLanguage, setEnglish, setLanguage, text, translate } from './words/index.js';

/** The smallest module that needs simd128: one v128 constant, dropped. */
const simd = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
);

const root = document.body;
const preferences = storedPreferences;
const language = preferredLanguage(preferences.get('language'), navigator.language);
await setLanguage(language);
document.documentElement.lang = langOf(language);
translate(root);
try {
  if (!WebAssembly.validate(simd)) throw Object.assign(new Error(), { words: text('no_simd') });
  await start();
} catch (error) {
  const { words, message } = /** @type {any} */ (error);
  const blocked = part(root, 'blocked');
  blocked.hidden = false;
  blocked.textContent = words ?? text('no_start', { detail: message });
  root.classList.add('is-blocked');
  if (!words) console.error(error);
}

async function start() {
  const module = await WebAssembly.compileStreaming(fetch(new URL('./wasm/engine/downhill_bg.wasm', import.meta.url)));
  await init({ module_or_path: module });
  setEnglish(downhill.english_messages());
  const [address, media] = [documentAddress(), documentMedia()];
  const linked = downhill.config_from_query(address.read());
  const theme = themeOf(preferredTheme(preferences), media);
  const store = new Store(initialState({ config: linked.config, language, theme }));
  const dress = () => {
    document.documentElement.dataset.theme = store.state.theme.choice;
    document.documentElement.lang = langOf(store.state.language);
  };
  // Before the parts, which read the colours that follow from it.
  store.subscribe(['theme', 'language'], dress);
  dress();
  await startPage(module, { root, store, address, preferences, media }, linked);
  startOffline(root);
}

/** What the document is to be marked as. @param {string} language */
function langOf(language) {
  return language === 'zh' ? 'zh-Hans' : 'en';
}
