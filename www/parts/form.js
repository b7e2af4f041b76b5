// @ts-check
// The form: one table of fields, each a path into the configuration. What a field says goes to Rust to be checked; a
// bad entry shows its message beside itself and leaves the run alone.
import * as downhill from '../wasm/engine/downhill.js';
import { count, figure, text, wording } from '../words/index.js';
import { helpButton } from '../dialogs/index.js';
import { presets } from '../presets.js';

/** @typedef {import('../wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {import('../wasm/engine/downhill.js').Message} Message */

/**
 * @typedef {object} Field
 * @property {string} path into the configuration; its label is `field_<path>`
 * @property {'number' | 'check' | 'select'} kind
 * @property {string} group
 * @property {string | ((config: RunConfig) => string)} [help] the term that explains it
 * @property {boolean} [whole] whole numbers only
 * @property {boolean} [optional] an empty box means null
 * @property {string} [step]
 * @property {string[]} [choices]
 * @property {(config: RunConfig, value: string) => RunConfig} [choose] what choosing brings with it
 * @property {(config: RunConfig) => boolean} [when] whether it is there at all
 * @property {boolean} [folded]
 * @property {boolean} [wide]
 * @property {boolean} [inline] beside the checks, in their line
 */

const splits = (/** @type {RunConfig} */ { validation }) => validation.fraction + validation.test_fraction + validation.folds > 0;
const linspace = (/** @type {RunConfig} */ config) => config.data.source.kind === 'linspace';

/** Parameters of each optimizer and schedule, as fields. */
const optimizerFields = /** @type {const} */ ({
  momentum: ['momentum'], nesterov: ['momentum'], ada_grad: ['epsilon'], rms_prop: ['alpha', 'epsilon'],
  adam: ['beta1', 'beta2', 'epsilon'], adam_w: ['beta1', 'beta2', 'epsilon', 'weight_decay'],
});
const scheduleFields = /** @type {const} */ ({
  time_decay: ['decay_rate', 'decay_steps'], step: ['step_size', 'gamma'], exponential: ['gamma'],
  polynomial: ['total_steps', 'power'], cosine: ['period', 'minimum_rate', 'restarts', 'period_factor'],
  reduce_on_plateau: ['factor', 'patience', 'threshold', 'cooldown', 'minimum_rate'], bold_driver: ['increase', 'decrease'],
});
const lossFields = { huber: ['delta'], quantile: ['tau'] };
const wholeNumbers = ['step_size', 'total_steps', 'period', 'period_factor', 'patience', 'cooldown'];

/**
 * @param {'loss' | 'optimizer' | 'schedule'} of
 * @param {Readonly<Record<string, readonly string[]>>} table
 * @param {string} group
 * @returns {Field[]}
 */
function parameters(of, table, group) {
  const names = [...new Set(Object.values(table).flat())];
  return names.map((name) => ({
    path: `${of}.${name}`,
    kind: name === 'restarts' ? 'check' : 'number',
    group,
    whole: wholeNumbers.includes(name),
    when: (config) => (table[config[of].kind] ?? []).includes(name),
  }));
}

/** @type {Field[]} */
const fields = [
  { path: 'data.source.n_samples', kind: 'number', group: 'data', whole: true, when: linspace },
  { path: 'data.source.noise', kind: 'number', group: 'data', when: linspace },
  { path: 'data.source.seed', kind: 'number', group: 'data', whole: true, when: linspace },
  ...['slope', 'intercept', 'start', 'stop'].map((name) => /** @type {Field} */ ({
    path: `data.source.${name}`, kind: 'number', group: 'data', when: linspace, folded: true })),
  { path: 'model.degree', kind: 'number', group: 'model', whole: true, help: 'degree' },
  { path: 'model.initial_weights', kind: 'select', group: 'model', help: 'initial_weights', choices: ['zero', 'uniform', 'normal', 'glorot_uniform'] },
  { path: 'seed', kind: 'number', group: 'model', whole: true, help: 'seed' },
  { path: 'penalty.strength', kind: 'number', group: 'model', help: 'penalty' },
  { path: 'loss', kind: 'select', group: 'model', help: ({ loss }) => loss.kind, choices: ['squared', 'absolute', 'huber', 'log_cosh', 'quantile', 'logistic', 'softmax', 'poisson'], choose: downhill.choose_loss },
  { path: 'penalty_path', kind: 'number', group: 'model', whole: true, help: 'penalty_path' },
  { path: 'penalty.l1_ratio', kind: 'number', group: 'model', help: 'l1_ratio', when: ({ penalty, penalty_path }) => penalty.strength > 0 || penalty_path > 0 },
  ...parameters('loss', lossFields, 'model'),
  { path: 'model.bias', kind: 'check', group: 'model', help: 'bias' },
  { path: 'model.standardize', kind: 'select', group: 'model', help: 'standardize', inline: true, choices: ['none', 'standardize', 'min_max'], choose: (config, value) => write(config, 'model.standardize', scalings[/** @type {'none'} */ (value)]) },
  { path: 'batch_size', kind: 'number', group: 'method', whole: true, help: 'batch_size' },
  { path: 'optimizer', kind: 'select', group: 'method', help: ({ optimizer }) => optimizer.kind, choices: ['sgd', 'momentum', 'nesterov', 'ada_grad', 'rms_prop', 'adam', 'adam_w'], choose: downhill.choose_optimizer },
  { path: 'backend', kind: 'select', group: 'method', help: 'backend', choices: ['auto', 'gpu', 'cpu', 'statistics'] },
  ...parameters('optimizer', optimizerFields, 'method'),
  { path: 'shuffle', kind: 'check', group: 'method', help: 'shuffle' },
  { path: 'schedule', kind: 'select', group: 'rate', help: ({ schedule }) => schedule.kind, wide: true, choices: ['constant', 'time_decay', 'step', 'exponential', 'polynomial', 'cosine', 'reduce_on_plateau', 'bold_driver'], choose: downhill.choose_schedule },
  ...parameters('schedule', scheduleFields, 'rate'),
  { path: 'validation.fraction', kind: 'number', group: 'stop', help: 'validation' },
  { path: 'stop.patience', kind: 'number', group: 'stop', whole: true, optional: true, help: 'patience' },
  { path: 'validation.test_fraction', kind: 'number', group: 'stop', help: 'test' },
  { path: 'validation.folds', kind: 'number', group: 'stop', whole: true, help: 'folds' },
  { path: 'validation.split', kind: 'select', group: 'stop', choices: ['random', 'last', 'stratified', 'group'], when: splits },
  { path: 'validation.seed', kind: 'number', group: 'stop', whole: true, when: (config) => splits(config) && config.validation.split !== 'last' },
  { path: 'stop.steps', kind: 'number', group: 'stop', whole: true, optional: true },
  { path: 'stop.epochs', kind: 'number', group: 'stop', whole: true, optional: true },
  { path: 'stop.loss', kind: 'number', group: 'stop', optional: true },
  { path: 'stop.gradient_norm', kind: 'number', group: 'stop', optional: true, help: 'gradient_norm' },
  { path: 'warmup.steps', kind: 'number', group: 'stop', whole: true, help: 'warmup' },
  { path: 'warmup.start_factor', kind: 'number', group: 'stop' },
  { path: 'stop.converged', kind: 'check', group: 'stop' },
];

/** How numbers are scaled, as configurations write it. */
const scalings = /** @type {const} */ ({ none: false, standardize: true, min_max: 'min_max' });
/** What decides how much memory the rows take. */
const weighty = ['data.source.n_samples', 'model.degree'];
const methods = ['batch', 'mini_batch', 'stochastic', 'decaying_rate'];
const sources = [
  'linspace', 'old_faithful', 'galton_heights', 'mtcars', 'challenger', 'coal_disasters', 'diabetes', 'west_roxbury', 'longley',
  'iris', 'breast_cancer',
];

/** The settings. `change` receives every sound configuration that the user makes. */
export class Form {
  /** @type {RunConfig} */
  #config;
  /** @type {Map<string, { field: Field, row: HTMLElement, control: HTMLInputElement | HTMLSelectElement, error: HTMLElement }>} */
  #rows = new Map();
  /** @type {(() => void)[]} */
  #renderers = [];
  /** @type {import('../wasm/engine/downhill.js').Scaling} */
  #scaling = false;
  /** Of the run's data, what a table's configuration does not hold. */
  rows = 0;
  features = 1;

  /**
   * @param {RunConfig} config
   * @param {{ change: (config: RunConfig) => void, load: () => void, columns: () => void, addPoint: (x: number, y: number) => Promise<void>, preset: (config: RunConfig, why: string) => void }} actions
   */
  constructor(config, actions) {
    this.#config = config;
    this.actions = actions;
    this.restarting = downhill.restarting_fields();
    this.#build();
    this.render();
  }

  /** The configuration that the form shows. */
  get config() {
    return this.#config;
  }

  /**
   * @param {RunConfig} config
   * @param {import('../wasm/engine/downhill.js').Scaling} [scaling] what `standardize: null` comes to
   */
  show(config, scaling = this.#scaling) {
    this.#config = config;
    this.#scaling = scaling;
    this.render();
  }

  /**
   * Whether a run of one configuration is another than that of the other.
   * @param {RunConfig} one
   * @param {RunConfig} other
   */
  restarts(one, other) {
    return this.restarting.some((path) => JSON.stringify(read(one, path)) !== JSON.stringify(read(other, path)));
  }

  /** Builds everything anew, in the language of the day. */
  rebuild() {
    for (const group of ['data', 'model', 'method', 'rate', 'stop']) {
      const body = document.querySelector(`#group-${group} > .fields`);
      body?.remove();
    }
    this.#rows.clear();
    this.#renderers = [];
    this.#build();
    this.render();
  }

  render() {
    for (const { field, row, control, error } of this.#rows.values()) {
      row.hidden = field.when ? !field.when(this.#config) : false;
      if (row.hidden || control.getAttribute('aria-invalid') === 'true' || 'writing' in control.dataset) continue;
      error.hidden = true;
      const value = read(this.#config, field.path);
      if (field.path === 'model.standardize') {
        const scaling = value ?? this.#scaling;
        control.value = Object.entries(scalings).find(([, written]) => written === scaling)?.[0] ?? 'none';
      } else if (control instanceof HTMLSelectElement) {
        control.value = value && typeof value === 'object' ? /** @type {any} */ (value).kind : String(value);
      } else if (field.kind === 'check') {
        control.checked = value === true;
      } else if (document.activeElement !== control || control.value === '' || Number(control.value) !== value) {
        control.value = value === null || value === undefined ? '' : String(value);
      }
    }
    const batchSize = this.#rows.get('batch_size');
    if (batchSize) batchSize.control.disabled = this.#config.method !== 'mini_batch';
    for (const render of this.#renderers) render();
    this.#weigh(this.#config);
  }

  /**
   * Says what memory a configuration's rows take, before it is taken.
   * @param {RunConfig} config
   */
  #weigh(config) {
    const place = document.getElementById('memory');
    if (!place) return;
    const { data: { source, added, removed }, model: { degree } } = config;
    const n = source.kind === 'linspace' ? source.n_samples + added.length - removed.length : this.rows;
    const several = source.kind !== 'linspace' && this.features > 1;
    // Rows of several inputs are read where they are kept.
    const size = downhill.memory_of(n, several ? this.features : degree, source.kind !== 'linspace' && !several);
    // What is being written may not be a number yet.
    place.textContent = n > 0 && degree > 0 ? text('memory', { n: count(n), size }) : '';
  }

  /**
   * Shows a refusal where it was caused, if the form has that place. Returns whether it has.
   * @param {{ code?: string, params?: Record<string, string> }} problem
   */
  refuse(problem) {
    const row = this.#rows.get(problem.params?.field ?? '');
    if (!row) return false;
    fail(row.control, row.error, wording(problem));
    return true;
  }

  #build() {
    for (const group of ['data', 'model', 'method', 'rate', 'stop']) {
      const details = /** @type {HTMLElement} */ (document.getElementById(`group-${group}`));
      const body = make('div', 'fields');
      details.append(body);
      if (group === 'data') this.#buildData(body);
      if (group === 'method') this.#buildMethod(body);
      if (group === 'rate') this.#buildRate(body);
      const grid = make('div', 'grid');
      const folded = make('div', 'grid');
      const checks = make('div', 'checks');
      for (const field of fields.filter((field) => field.group === group)) {
        const row = this.#field(field);
        (field.kind === 'check' || field.inline ? checks : field.folded ? folded : grid).append(row);
      }
      if (grid.childElementCount) body.append(grid);
      if (checks.childElementCount) body.append(checks);
      if (group === 'data') this.#buildMore(body, folded);
    }
  }

  /** @param {Field} field */
  #field(field) {
    const id = `field-${field.path.replaceAll('.', '-')}`;
    const row = make('div', field.kind === 'check' ? 'field check' : field.wide ? 'field wide' : field.inline ? 'field inline' : 'field');
    const label = make('label', '', text(`field_${field.path}`));
    label.setAttribute('for', id);
    const error = make('p', 'error');
    error.id = `${id}-error`;
    error.hidden = true;
    /** @type {HTMLInputElement | HTMLSelectElement} */
    let control;
    if (field.kind === 'select') {
      control = document.createElement('select');
      for (const choice of field.choices ?? []) control.append(new Option(text(`choice_${choice}`), choice));
    } else {
      control = document.createElement('input');
      control.type = field.kind === 'check' ? 'checkbox' : 'number';
      if (field.kind === 'number') {
        control.step = field.whole ? '1' : 'any';
        control.inputMode = field.whole ? 'numeric' : 'decimal';
        if (field.optional) control.placeholder = text('none');
      }
    }
    control.id = id;
    const described = [error.id];
    const head = make('div', 'head');
    head.append(label);
    if (this.restarting.some((path) => field.path === path || field.path.startsWith(`${path}.`))) {
      const mark = make('span', 'restart', '↻');
      mark.title = text('restarts');
      mark.setAttribute('aria-hidden', 'true');
      const note = make('span', 'hidden', text('restarts'));
      note.id = `${id}-restarts`;
      described.unshift(note.id);
      head.append(mark, note);
    }
    const { help } = field;
    if (help) {
      const term = typeof help === 'string' ? help : () => help(this.#config);
      head.append(helpButton(term, text(`field_${field.path}`)));
    }
    if (weighty.includes(field.path)) {
      described.push('memory');
      control.addEventListener('input', () => this.#weigh(write(this.#config, field.path, Number(control.value))));
    }
    control.setAttribute('aria-describedby', described.join(' '));
    if (field.kind === 'number') keepWhileWriting(control);
    control.addEventListener('change', () => this.#apply(field, control, error));
    if (field.kind === 'check') row.append(control, head, error);
    else row.append(head, control, error);
    this.#rows.set(field.path, { field, row, control, error });
    return row;
  }

  /**
   * @param {Field} field
   * @param {HTMLInputElement | HTMLSelectElement} control
   * @param {HTMLElement} error
   */
  #apply(field, control, error) {
    if (control instanceof HTMLSelectElement) {
      const next = field.choose ? field.choose(this.#config, control.value) : write(this.#config, field.path, control.value);
      this.#take(next, control, error);
    } else if (field.kind === 'check') {
      this.#take(write(this.#config, field.path, control.checked), control, error);
    } else {
      const value = number(control, error, field);
      if (value === undefined) return;
      const problem = judge(this.#config, field.path, value);
      if (problem) fail(control, error, wording(problem));
      else this.#take(write(this.#config, field.path, value), control, error);
    }
  }

  /**
   * @param {RunConfig} next
   * @param {HTMLElement} control
   * @param {HTMLElement} error
   */
  #take(next, control, error) {
    const problem = downhill.check_config(next);
    if (problem) {
      fail(control, error, wording(problem));
      return;
    }
    mend(control, error);
    this.#config = next;
    this.render();
    this.actions.change(next);
  }

  /** @param {HTMLElement} body */
  #buildData(body) {
    const row = make('div', 'grid two');
    const preset = this.#select(row, 'preset', 'preset', []);
    preset.parentElement?.classList.add('wide');
    preset.append(new Option(text('preset_none'), ''));
    for (const id of Object.keys(presets)) preset.append(new Option(text(`preset_${id}`), id));
    preset.addEventListener('change', () => {
      if (!(preset.value in presets)) return;
      const { config } = downhill.config_from_query(presets[preset.value]);
      this.#config = { ...config, backend: this.#config.backend, steps_per_second: this.#config.steps_per_second };
      this.#clearErrors();
      this.render();
      this.actions.preset(this.#config, `preset_${preset.value}_why`);
    });
    const source = this.#select(row, 'source', 'source', sources);
    const own = new Option(text('source_table'), 'table');
    own.disabled = true;
    source.append(own);
    source.addEventListener('change', () => {
      this.#clearErrors();
      this.#config = downhill.choose_source(this.#config, source.value);
      this.render();
      this.actions.change(this.#config);
    });
    const load = make('button', '', text('load'));
    load.setAttribute('type', 'button');
    load.id = 'load';
    load.addEventListener('click', () => this.actions.load());
    const columns = make('button', '', text('columns'));
    columns.setAttribute('type', 'button');
    columns.id = 'columns';
    columns.addEventListener('click', () => this.actions.columns());
    const beside = make('div', 'field bottom');
    beside.append(load);
    const below = make('div', 'field wide');
    below.append(columns);
    row.append(beside, below);
    body.append(row);
    this.#renderers.push(() => {
      const { source: now } = this.#config.data;
      source.value = now.kind === 'shipped' ? now.table : now.kind;
      below.hidden = now.kind === 'linspace' || (now.kind === 'table' && this.#config.data.columns.features.length === 0);
      own.hidden = now.kind !== 'table';
      if (now.kind === 'table') own.textContent = now.name;
    });
  }

  /**
   * @param {HTMLElement} body
   * @param {HTMLElement} folded
   */
  #buildMore(body, folded) {
    const more = make('details', 'more');
    more.append(make('summary', '', text('edit_points')), folded);
    const points = make('div', 'grid');
    const boxes = ['point_x', 'point_y'].map((key) => {
      const field = make('div', 'field');
      const input = document.createElement('input');
      input.type = 'number';
      input.step = 'any';
      input.id = `add-${key}`;
      const label = make('label', '', text(key));
      label.setAttribute('for', input.id);
      field.append(label, input);
      points.append(field);
      return input;
    });
    const add = make('button', '', text('add_point'));
    add.setAttribute('type', 'button');
    const error = make('p', 'error');
    error.hidden = true;
    add.addEventListener('click', async () => {
      for (const box of boxes) mend(box, error);
      const [x, y] = boxes.map((box) => number(box, error, { path: 'data.added', kind: 'number', group: 'data' }));
      if (x === undefined || y === undefined || x === null || y === null) return;
      try {
        await this.actions.addPoint(x, y);
      } catch (problem) {
        fail(boxes[0], error, wording(/** @type {any} */ (problem)));
      }
    });
    const last = make('div', 'field bottom');
    last.append(add);
    points.append(last);
    more.append(points, error, make('p', 'hint', text('edit_hint')));
    const memory = make('p', 'hint');
    memory.id = 'memory';
    this.#renderers.push(() => {
      // A point has one x.
      more.hidden = this.#config.data.columns.features.length > 1;
    });
    const foot = make('div', 'foot');
    foot.append(more, memory);
    body.append(foot);
  }

  /** @param {HTMLElement} body */
  #buildMethod(body) {
    const segments = make('div', 'segments');
    const select = document.createElement('select');
    select.setAttribute('aria-label', text('field_method'));
    const shown = make('div', 'shown');
    shown.setAttribute('aria-hidden', 'true');
    for (const method of methods) {
      select.append(new Option(text(`choice_${method}`), method));
      const segment = make('span', '', text(`choice_${method}`));
      segment.dataset.method = method;
      segment.addEventListener('click', () => {
        select.value = method;
        select.dispatchEvent(new Event('change'));
        select.focus();
      });
      shown.append(segment);
    }
    const error = make('p', 'error');
    error.hidden = true;
    select.addEventListener('change', () => {
      this.#take(downhill.choose_method(this.#config, /** @type {any} */ (select.value)), select, error);
    });
    segments.append(select, shown);
    body.append(helpButton(() => this.#config.method, text('field_method')));
    body.append(segments, error);
    this.#renderers.push(() => {
      select.value = this.#config.method;
      for (const segment of shown.children) {
        segment.classList.toggle('on', /** @type {HTMLElement} */ (segment).dataset.method === this.#config.method);
      }
    });
  }

  /** @param {HTMLElement} body */
  #buildRate(body) {
    body.append(helpButton('learning_rate', text('field_learning_rate')));
    const row = make('div', 'rate-row');
    const slider = document.createElement('input');
    slider.type = 'range';
    slider.min = '0';
    slider.max = '1';
    slider.step = '0.001';
    slider.id = 'rate-slider';
    slider.setAttribute('aria-label', text('field_learning_rate'));
    const box = document.createElement('input');
    box.type = 'number';
    box.step = 'any';
    box.inputMode = 'decimal';
    box.id = 'rate-box';
    box.setAttribute('aria-label', text('field_learning_rate'));
    const error = make('p', 'error');
    error.id = 'rate-error';
    error.hidden = true;
    box.setAttribute('aria-describedby', error.id);
    /** @type {Record<number, string>} */
    const labelled = { 1e-5: '1e−5', 1e-3: '0.001', 0.1: '0.1', 10: '10' };
    const ticks = make('div', 'ticks');
    ticks.setAttribute('aria-hidden', 'true');
    for (const rate of [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10]) {
      for (const tick of [rate, 3 * rate]) {
        if (tick > 10) continue;
        const mark = make('span', tick === rate ? 'major' : '', labelled[tick] ?? '');
        if (tick === 1e-5) mark.classList.add('first');
        mark.style.setProperty('--at', String(downhill.position_from_rate(tick)));
        ticks.append(mark);
      }
    }
    const take = (/** @type {number} */ rate) => {
      this.#take({ ...this.#config, learning_rate: rate }, box, error);
    };
    slider.addEventListener('input', () => {
      mend(box, error);
      take(downhill.rate_from_position(slider.valueAsNumber));
    });
    slider.addEventListener('keydown', (event) => {
      const up = ['ArrowRight', 'ArrowUp', 'PageUp'].includes(event.key);
      if (!up && !['ArrowLeft', 'ArrowDown', 'PageDown'].includes(event.key)) return;
      event.preventDefault();
      take(downhill.neighbouring_rate(this.#config.learning_rate, up));
    });
    keepWhileWriting(box);
    box.addEventListener('change', () => {
      const rate = number(box, error, { path: 'learning_rate', kind: 'number', group: 'rate' });
      if (rate !== undefined && rate !== null) take(rate);
    });
    const track = make('div', 'track');
    track.append(slider, ticks);
    row.append(track, box);
    body.append(row, error);
    const spark = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    spark.setAttribute('viewBox', '0 0 96 32');
    spark.setAttribute('preserveAspectRatio', 'none');
    spark.setAttribute('class', 'spark');
    spark.setAttribute('aria-hidden', 'true');
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
    spark.append(line);
    this.#renderers.push(() => {
      if (box.getAttribute('aria-invalid') !== 'true' && !('writing' in box.dataset)) box.value = String(this.#config.learning_rate);
      if (document.activeElement !== slider || !slider.matches(':active')) {
        slider.value = String(downhill.position_from_rate(this.#config.learning_rate));
      }
      slider.setAttribute('aria-valuetext', String(this.#config.learning_rate));
      const rates = downhill.schedule_curve(this.#config, 48);
      const top = Math.max(...rates) || 1;
      line.setAttribute('points', [...rates].map((rate, i) => `${(i * 96) / 47},${30 - (27 * rate) / top}`).join(' '));
      const head = this.#rows.get('schedule')?.row.querySelector('select');
      if (head && !spark.isConnected) head.after(spark);
    });
    this.#rows.set('learning_rate', { field: { path: 'learning_rate', kind: 'number', group: 'rate' }, row, control: box, error });
  }

  /**
   * @param {HTMLElement} row
   * @param {string} id
   * @param {string} key
   * @param {string[]} choices
   */
  #select(row, id, key, choices) {
    const field = make('div', 'field');
    const select = document.createElement('select');
    select.id = id;
    for (const choice of choices) select.append(new Option(text(`source_${choice}`), choice));
    const head = make('div', 'head');
    const label = make('label', '', text(key));
    label.setAttribute('for', id);
    const mark = make('span', 'restart', '↻');
    mark.title = text('restarts');
    mark.setAttribute('aria-hidden', 'true');
    const note = make('span', 'hidden', text('restarts'));
    note.id = `${id}-restarts`;
    select.setAttribute('aria-describedby', note.id);
    head.append(label, mark, note);
    field.append(head, select);
    row.append(field);
    return select;
  }

  #clearErrors() {
    for (const { control, error } of this.#rows.values()) mend(control, error);
  }
}

/**
 * @param {string} tag
 * @param {string} [name]
 * @param {string} [content]
 */
export function make(tag, name = '', content = '') {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (content) element.textContent = content;
  return element;
}

/**
 * Marks what is being written, which an answer to something earlier must not take back.
 * @param {HTMLElement} control
 */
function keepWhileWriting(control) {
  control.addEventListener('input', () => {
    control.dataset.writing = '';
  });
  for (const end of ['change', 'blur']) control.addEventListener(end, () => delete control.dataset.writing);
}

/**
 * What a number box says; undefined where it says nothing sound, which is then shown beside it.
 * @param {HTMLInputElement | HTMLSelectElement} control
 * @param {HTMLElement} error
 * @param {Field} field
 */
function number(control, error, field) {
  const input = /** @type {HTMLInputElement} */ (control);
  const typed = input.value.trim();
  if (typed === '' && field.optional && !input.validity.badInput) return null;
  const value = Number(typed);
  if (typed === '' || Number.isNaN(value)) {
    // What a number box cannot read, it does not tell.
    fail(control, error, typed === '' ? text('no_number') : text('not_a_number', { text: typed }));
    return undefined;
  }
  if (field.whole && !Number.isInteger(value)) {
    fail(control, error, text('not_whole', { text: typed }));
    return undefined;
  }
  return value;
}

/**
 * What is wrong with a number in its place, if anything. Rust reads whole numbers as integers: one that none of them
 * can hold is judged by the nearest that can be held.
 * @param {RunConfig} config
 * @param {string} path
 * @param {number | null} value
 * @returns {{ code?: string, params?: Record<string, string> } | undefined}
 */
function judge(config, path, value) {
  const nearest = [value, ...((value ?? 0) < 0 ? [0] : [2 ** 53 - 1, 2 ** 32 - 1])];
  for (const held of nearest) {
    try {
      const problem = downhill.check_config(write(config, path, held));
      if (held === value) return problem;
      const params = { min: '0', max: String(held), ...problem?.params, field: path, value: String(value) };
      return { code: 'field_out_of_range', params };
    } catch {
      // Too large, or below zero: the next one is judged.
    }
  }
  return undefined;
}

/**
 * @param {HTMLElement} control
 * @param {HTMLElement} error
 * @param {string} message
 */
function fail(control, error, message) {
  control.setAttribute('aria-invalid', 'true');
  error.textContent = message;
  error.hidden = false;
}

/**
 * @param {HTMLElement} control
 * @param {HTMLElement} error
 */
function mend(control, error) {
  control.removeAttribute('aria-invalid');
  error.hidden = true;
}

/**
 * @param {any} object
 * @param {string} path
 */
function read(object, path) {
  return path.split('.').reduce((inner, key) => inner?.[key], object);
}

/**
 * @template T
 * @param {T} object
 * @param {string} path
 * @param {unknown} value
 * @returns {T}
 */
function write(object, path, value) {
  const copy = structuredClone(object);
  const keys = path.split('.');
  const last = /** @type {string} */ (keys.pop());
  const place = keys.reduce((inner, key) => inner[key], /** @type {any} */ (copy));
  place[last] = value;
  return copy;
}

/**
 * The line in words, for those who hear it.
 * @param {number[]} weights
 * @param {boolean} bias
 */
export function formula(weights, bias) {
  const powers = bias ? weights.slice(0, -1) : weights;
  const raised = ['x', 'x²', 'x³'];
  const terms = powers.map((weight, i) => `${figure(weight)} ${raised[i] ?? `x^${i + 1}`}`);
  if (bias) terms.push(figure(weights.at(-1)));
  return `y = ${terms.join(' + ').replaceAll('+ −', '− ')}`;
}
