// @ts-check
// Starts the page and ties its parts together: form, worker, pictures, numbers, files.
import init, * as downhill from './wasm/engine/downhill.js';
import { Client } from './client.js';
import { showKeys } from './dialogs/index.js';
import { startFiles } from './parts/files.js';
import { startPredict } from './parts/predict.js';
import { make } from './parts/dom.js';
import { Form } from './parts/form/index.js';
import { startHelp } from './parts/help.js';
import { figure, language, preferredLanguage, remember, setEnglish, setLanguage, text, wording } from './words/index.js';
import { startProgress } from './parts/progress.js';
import { Readouts } from './parts/readouts.js';
import { startTheme } from './parts/theme.js';
import { Views } from './parts/views.js';

/** @typedef {import('./wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {import('./wasm/engine/downhill.js').Configured} Configured */

/** The smallest module that needs simd128: one v128 constant, dropped. */
const simd = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11);

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * What each notice says, in the language of the day.
 * @type {WeakMap<Element, () => string>}
 */
const notices = new WeakMap();

await setLanguage(preferredLanguage());
try {
  if (!WebAssembly.validate(simd)) throw Object.assign(new Error(), { words: text('no_simd') });
  await start();
} catch (error) {
  const { words, message } = /** @type {any} */ (error);
  const blocked = element('blocked');
  blocked.hidden = false;
  blocked.textContent = words ?? text('no_start', { detail: message });
  document.body.classList.add('is-blocked');
  if (!words) console.error(error);
}

async function start() {
  const response = fetch(new URL('./wasm/engine/downhill_bg.wasm', import.meta.url));
  const module = await WebAssembly.compileStreaming(response);
  await init({ module_or_path: module });

  setEnglish(downhill.english_messages());
  const linked = downhill.config_from_query(location.hash);
  let autoplay = !matchMedia('(prefers-reduced-motion: reduce)').matches;

  /** @type {Form} */
  let form;
  /** @type {Views} */
  let views;
  const showProgress = startProgress();
  const client = new Client(
    module,
    (snapshot) => {
      views.show(snapshot);
      readouts.show(snapshot);
      void results?.then((tabs) => tabs.show(snapshot));
      predicting.soon();
    },
    (error) => notice('crashed', () => text('crashed', { detail: error.message })),
    (busy) => {
      document.body.classList.toggle('is-busy', busy);
      element('main').setAttribute('aria-busy', String(busy));
      element('status').textContent = busy ? text('working') : '';
    },
    (progress) => {
      showProgress(progress && {
        ...progress,
        cancel: () => {
          // What was to come after it was made of it.
          wanted = undefined;
          progress.cancel();
        },
      });
    },
  );

  // --- Configuration: the newest wins, one at a time.
  /** @type {RunConfig | undefined} */
  let wanted;
  /** @type {{ config: RunConfig, abort: AbortController } | undefined} */
  let sent;
  /** @type {Promise<void> | undefined} */
  let sending;
  /** Until the newest configuration is the run's, or was refused. */
  function push(/** @type {RunConfig} */ config) {
    wanted = config;
    // Rows that nobody waits for any longer are not made to their end.
    if (sent && form.restarts(sent.config, config)) sent.abort.abort();
    sending ??= send();
    return sending;
  }
  async function send() {
    while (wanted) {
      sent = { config: wanted, abort: new AbortController() };
      wanted = undefined;
      try {
        configured(await client.ask({ kind: 'configure', config: sent.config }, sent.abort.signal));
        dismiss('refused');
      } catch (problem) {
        refused(problem, true);
      }
    }
    sent = undefined;
    sending = undefined;
  }
  function refused(/** @type {any} */ problem, inForm = false) {
    if (problem.code === 'cancelled') {
      if (wanted || !run) return;
      // The form and the address say again what the run is.
      form.show(run.config);
      showAddress();
      element('status').textContent = text('status_cancelled');
    } else if (!inForm || !form.refuse(problem)) notice('refused', () => wording(problem));
  }

  /** @type {Promise<import('./tabs/index.js').Results> | undefined} */
  let results;
  /** @type {Configured | undefined} */
  let run;
  /** @type {import('./wasm/engine/downhill.js').DatasetInfo | undefined} */
  let dataset;
  /** Of a link, until its table is here. @type {RunConfig | undefined} */
  let awaited;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let queryTimer;
  function configured(/** @type {Configured} */ answer) {
    if (answer.config.data.source.kind === 'table') awaited = undefined;
    if (answer.dataset) {
      dataset = answer.dataset;
      views.begin(answer.dataset, answer.config);
      readouts.begin(answer.dataset, answer.config.model.bias);
      predicting.begin(answer.dataset);
      form.rows = answer.dataset.n_samples;
      form.features = answer.dataset.n_features;
    }
    if (answer.exact && dataset) {
      dataset.exact = answer.exact;
      views.head(dataset.exact, answer.config);
      readouts.begin(dataset, answer.config.model.bias);
      void results?.then((tabs) => tabs.change({ ...answer, dataset: dataset ?? null }));
    }
    // What the user has changed since is newer than this answer.
    if (!wanted) form.show(answer.config, answer.dataset?.scaling);
    run = answer;
    showAddress();
    const { data: { source }, penalty_path: path, validation: { folds } } = answer.config;
    if (answer.dataset && (results || path || folds || source.kind !== 'linspace')) {
      results ??= import('./tabs/index.js').then(({ Results }) => new Results(client, (strength) => {
        void push({ ...form.config, penalty: { ...form.config.penalty, strength } });
      }));
      void results.then((tabs) => tabs.begin(answer));
    }
    dismiss('notice');
    for (const message of answer.notices) notice('notice', () => wording(message));
    predicting.soon();
  }
  function showAddress() {
    // Browsers refuse to have the address changed a hundred times in half a minute.
    queryTimer ??= setTimeout(() => {
      queryTimer = undefined;
      const address = run?.query ? `#${run.query}` : location.pathname + location.search;
      history.replaceState(null, '', address);
    }, 400);
  }

  // --- Parts.
  startHelp(document.body);
  form = new Form(document.body, linked.config, {
    change: (config) => void push(config),
    load: () => files.openTable(),
    columns: () => void files.columns(),
    addPoint: async (x, y) => configured(await client.ask({ kind: 'add_point', x, y })),
    preset: async (config, why) => {
      await push(config);
      dismiss('preset');
      void import('./words/table.js').then(({ said }) => notice('preset', () => said(why)));
      await client.ask({ kind: 'reset' });
      if (!matchMedia('(prefers-reduced-motion: reduce)').matches) await client.ask({ kind: 'train' });
    },
  });
  const tell = async (/** @type {Promise<Configured>} */ asked) => {
    try {
      configured(await asked);
      dismiss('refused');
    } catch (problem) {
      refused(problem);
    }
  };
  views = new Views({
    addPoint: (x, y) => void tell(client.ask({ kind: 'add_point', x, y })),
    removePoint: (index) => void tell(client.ask({ kind: 'remove_point', index })),
    density: (view) => client.ask({ kind: 'density', x: [view[0], view[1]], y: [view[2], view[3]], columns: 240, rows: 120 }),
  });
  views.markWords = wording;
  const readouts = new Readouts(async (rate) => {
    await push({ ...form.config, learning_rate: rate });
    await client.ask({ kind: 'reset' });
    await client.ask({ kind: 'train' });
  });
  const files = startFiles(client, (answer) => {
    dismiss('refused');
    configured(answer);
  }, () => form.config, () => awaited);
  const applyTheme = startTheme(element('theme-button'), () => views.retheme());
  startTransport(client, readouts);
  startSpeed(form, push);
  startPanels();
  const predicting = startPredict(client);

  const languages = /** @type {HTMLSelectElement} */ (element('language'));
  languages.value = language;
  languages.addEventListener('change', async () => {
    remember('language', languages.value);
    await setLanguage(languages.value);
    form.rebuild();
    readouts.rebuild();
    views.retheme();
    applyTheme();
    for (const note of element('notices').querySelectorAll('p')) note.textContent = notices.get(note)?.() ?? '';
  });
  addEventListener('hashchange', ({ newURL }) => {
    // The address itself may by now say again what the run is.
    const { config, problems } = downhill.config_from_query(new URL(newURL).hash);
    showProblems(problems);
    void push(config);
  });

  // --- First run.
  showProblems(linked.problems);
  void client.ask({ kind: 'show', shown: { weights: true, path: true } });
  try {
    configured(await client.ask({ kind: 'configure', config: linked.config }));
  } catch (problem) {
    refused(problem);
    autoplay = false;
    if (linked.config.data.source.kind === 'table') awaited = linked.config;
    const plain = downhill.default_config();
    // Most often it is a table that is not here: the rest of the link holds for when it comes.
    try {
      configured(await client.ask({ kind: 'configure', config: { ...linked.config, data: plain.data } }));
    } catch {
      configured(await client.ask({ kind: 'configure', config: plain }));
    }
  }
  document.body.classList.add('is-filled');
  for (const id of ['train', 'step', 'epoch', 'reset', 'export', 'import', 'predict-table']) {
    /** @type {HTMLButtonElement} */ (element(id)).disabled = false;
  }
  if (autoplay) await client.ask({ kind: 'train' });
  // Ready is what shows how the run stands, and what was asked of it.
  const ready = () => {
    if (readouts.drawn && !(autoplay && readouts.drawn === 'paused')) document.body.classList.add('is-ready');
    else requestAnimationFrame(ready);
  };
  ready();
  startOffline();
  void import('./parts/pictures.js').then(({ startPictures }) => startPictures(views));
}

/** @param {downhill.Message[]} problems */
function showProblems(problems) {
  dismiss('link');
  if (problems.length) notice('link', () => text('link_problems', { problems: problems.map(wording).join(text('separator')) }));
}

/**
 * @param {Client} client
 * @param {Readouts} readouts
 */
function startTransport(client, readouts) {
  const ask = (/** @type {'train' | 'pause' | 'step' | 'epoch' | 'reset'} */ kind) => {
    client.ask({ kind }).catch((problem) => notice('refused', () => wording(problem)));
  };
  const actions = {
    train: () => ask(readouts.status === 'training' ? 'pause' : 'train'),
    step: () => ask('step'),
    epoch: () => ask('epoch'),
    reset: () => ask('reset'),
  };
  for (const [id, action] of Object.entries(actions)) element(id).addEventListener('click', action);
  element('keys-button').addEventListener('click', showKeys);
  /** @type {Record<string, () => void>} */
  const keys = { ' ': actions.train, '.': actions.step, e: actions.epoch, r: actions.reset, '?': showKeys };
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches('textarea, select, input:not([type=range]):not([type=checkbox])');
    const pressing = event.key === ' ' && target.closest('button, summary, a, input[type=checkbox]');
    const action = keys[event.key];
    if (!action || typing || pressing) return;
    event.preventDefault();
    // A key that is held steps on and on, but does not train and pause by turns.
    if (event.repeat && action === actions.train) return;
    action();
  });
}

/**
 * @param {Form} form
 * @param {(config: RunConfig) => void} push
 */
function startSpeed(form, push) {
  const slider = /** @type {HTMLInputElement} */ (element('speed'));
  const show = () => {
    const speed = form.config.steps_per_second;
    const words = speed === null ? text('speed_max') : text('speed_paced', { n: new Intl.NumberFormat('en', { notation: 'compact' }).format(speed) });
    element('speed-text').textContent = words;
    slider.setAttribute('aria-valuetext', words);
    if (!slider.matches(':active')) slider.value = String(downhill.position_from_speed(speed ?? undefined));
  };
  slider.addEventListener('input', () => {
    const steps_per_second = downhill.speed_from_position(slider.valueAsNumber) ?? null;
    form.show({ ...form.config, steps_per_second });
    push(form.config);
  });
  const render = form.render.bind(form);
  form.render = () => {
    render();
    show();
  };
  show();
}

/** Folds follow the width: all open beside the pictures, closed below them on a phone. */
function startPanels() {
  const phone = matchMedia('(max-width: 720px)');
  const apply = () => {
    for (const group of document.querySelectorAll('#form details.group')) {
      const details = /** @type {HTMLDetailsElement} */ (group);
      details.open = details.id === 'group-rate' || (!phone.matches && details.id !== 'group-stop');
    }
  };
  phone.addEventListener('change', apply);
  apply();
  for (const [id, name] of [['hide-form', 'no-form'], ['hide-side', 'no-side']]) {
    element(id).addEventListener('click', () => {
      const hidden = document.body.classList.toggle(name);
      element(id).setAttribute('aria-expanded', String(!hidden));
    });
  }
}

function startOffline() {
  if (!('serviceWorker' in navigator)) return;
  const ready = () => {
    element('offline').hidden = false;
  };
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if (data?.type === 'offline-ready' || (data?.type === 'status' && data.ready)) ready();
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
  idle(() => import('./worker/leftovers.js').then(({ removeLeftFiles }) => removeLeftFiles()));
}

/**
 * @param {string} kind
 * @param {() => string} words in the language of the day
 */
function notice(kind, words) {
  const note = make('div', `notice ${kind}`);
  note.dataset.kind = kind;
  const close = make('button', 'icon', '×');
  close.setAttribute('type', 'button');
  close.setAttribute('aria-label', text('dismiss'));
  close.addEventListener('click', () => note.remove());
  const content = make('p', '', words());
  notices.set(content, words);
  if (kind === 'refused' || kind === 'crashed') content.setAttribute('role', 'alert');
  note.append(content, close);
  if (kind === 'refused' || kind === 'link') dismiss(kind);
  element('notices').append(note);
}

/** @param {string} kind */
function dismiss(kind) {
  for (const note of document.querySelectorAll(`#notices [data-kind="${kind}"]`)) note.remove();
}
