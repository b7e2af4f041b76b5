// @ts-check
// The form: what a field says goes to Rust to be checked; a bad entry shows its message below itself and leaves the run alone.
import * as downhill from '../../wasm/engine/downhill.js';
import { wording } from '../../words/index.js';
import { presets } from '../../presets.js';
import { dismiss, notify } from '../../store.js';
import { make, part } from '../dom.js';
import { nameOf } from './choices.js';
import { buildPoints, buildSources } from './data.js';
import { accept, isHeld, judge, numberIn, refuse } from './entry.js';
import { fields, groups, read, write } from './fields.js';
import { buildMethod } from './method.js';
import { buildRate, buildSparkline } from './rate.js';
import { buildRow } from './row.js';

/** @typedef {import('../../wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {import('./fields.js').Field} Field */
/** @typedef {import('./entry.js').Control} Control */
/** @typedef {import('./row.js').Row} Row */
/** @typedef {Form} Editing */
/** @typedef {import('../../store.js').Page} Page */

/** Fields that decide how much memory the rows take. */
const weighty = ['data.source.n_samples', 'model.degree'];

/** @param {Page} page */
export const startForm = (page) => void new Form(page);

/** The settings. */
class Form {
  #root;
  /** @type {Map<string, Row & { field: Field }>} */
  #rows = new Map();
  /** @type {((config: RunConfig) => void)[]} */
  #renderers = [];
  /** @type {(config: RunConfig) => void} */
  #weigh = () => {};
  #restarting = downhill.restarting_fields();

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.#root = part(page.root, 'form');
    this.#build();
    page.store.subscribe(['config', 'dataset'], () => this.#render());
    page.store.subscribe(['language'], () => this.#build());
    page.store.subscribe(['refusal'], ({ refusal }) => refusal && this.#refuse(refusal));
  }

  /** The configuration that the form shows. */
  get config() {
    return this.page.store.state.config;
  }

  #render() {
    const { config } = this;
    for (const row of this.#rows.values()) this.#renderRow(row, config);
    const batchSize = this.#rows.get('batch_size');
    if (batchSize) batchSize.control.disabled = config.method !== 'mini_batch';
    for (const render of this.#renderers) render(config);
    this.#weigh(config);
  }

  /**
   * @param {Row & { field: Field }} row
   * @param {RunConfig} config
   */
  #renderRow({ field, row, control, error }, config) {
    row.hidden = field.when ? !field.when(config) : false;
    if (row.hidden || isHeld(control)) return;
    error.hidden = true;
    const value = read(config, field.path);
    // Only a scaling can be left open; it is that of the data.
    const written = value ?? this.page.store.state.dataset?.scaling ?? false;
    if (field.kind === 'select') control.value = nameOf(field.choice ?? '', written);
    else if (control instanceof HTMLInputElement && field.kind === 'check') control.checked = value === true;
    else if (!control.matches(':focus') || control.value === '' || Number(control.value) !== value) {
      control.value = value === null || value === undefined ? '' : String(value);
    }
  }

  /** Shows a refusal where it was caused, if the form has that place. @param {import('../../store.js').Problem} problem */
  #refuse(problem) {
    const row = this.#rows.get(problem.params?.field ?? '');
    if (row) refuse(row.control, row.error, wording(problem));
  }

  /** Builds everything anew, in the language of the day. */
  #build() {
    this.#rows.clear();
    this.#renderers = [];
    for (const group of groups) {
      const body = make('div', 'fields');
      const details = part(this.#root, `group-${group}`);
      details.querySelector(':scope > .fields')?.remove();
      details.append(body);
      if (group === 'data') buildSources(body, this);
      if (group === 'method') buildMethod(body, this);
      if (group === 'rate') buildRate(body, this);
      const [folded, checks] = ['grid', 'checks'].map((name) => make('div', name));
      const grids = [make('div', 'grid')];
      for (const field of fields().filter((field) => field.group === group)) {
        const row = this.#field(field);
        if (field.begins) grids.push(make('div', 'grid'));
        (field.kind === 'check' || field.inline ? checks : field.folded ? folded : grids[grids.length - 1]).append(row);
      }
      body.append(...grids);
      if (checks.childElementCount) body.append(checks);
      if (group === 'data') this.#weigh = buildPoints(body, folded, this);
      const schedule = this.#rows.get('schedule');
      if (group === 'rate' && schedule) buildSparkline(schedule.control, this);
    }
    this.#render();
  }

  /** @param {Field} field */
  #field(field) {
    const weighs = weighty.includes(field.path);
    const made = buildRow(field, {
      restarts: this.#restarting.some((path) => field.path === path || field.path.startsWith(`${path}.`)),
      described: weighs ? ['memory'] : [],
      config: () => this.config,
    });
    const { row, control, error } = made;
    if (weighs) control.addEventListener('input', () => this.#weigh(write(this.config, field.path, Number(control.value))));
    control.addEventListener('change', () => this.#apply(field, control, error));
    this.addRow(field, made);
    return row;
  }

  /**
   * @param {Field} field
   * @param {Row} row
   */
  addRow(field, row) {
    this.#rows.set(field.path, { field, ...row });
  }

  /** Calls back with every configuration that is shown. @param {(config: RunConfig) => void} render */
  onRender(render) {
    this.#renderers.push(render);
  }

  /**
   * @param {Field} field
   * @param {Control} control
   * @param {HTMLElement} error
   */
  #apply(field, control, error) {
    if (control instanceof HTMLSelectElement) {
      const next = field.choose ? field.choose(this.config, control.value) : write(this.config, field.path, control.value);
      this.take(next, control, error);
    } else if (field.kind === 'check') {
      this.take(write(this.config, field.path, control.checked), control, error);
    } else {
      const value = numberIn(control, error, field);
      if (value === undefined) return;
      const problem = judge(this.config, field.path, value);
      if (problem) refuse(control, error, wording(problem));
      else this.take(write(this.config, field.path, value), control, error);
    }
  }

  /**
   * Takes what a control says, if it is sound.
   * @param {RunConfig} next
   * @param {HTMLElement} control
   * @param {HTMLElement} error
   */
  take(next, control, error) {
    const problem = downhill.check_config(next);
    if (problem) {
      refuse(control, error, wording(problem));
      return;
    }
    accept(control, error);
    void this.page.runner.edit(next);
  }

  /** Takes another configuration in the place of all that was entered. @param {RunConfig} config */
  replace(config) {
    for (const { control, error } of this.#rows.values()) accept(control, error);
    return this.page.runner.edit(config);
  }

  /** Begins a preset, on the backend and at the speed of now, and says why it is worth a look. @param {string} id */
  async preset(id) {
    const { store, client, media } = this.page;
    const { backend, steps_per_second } = this.config;
    await this.replace({ ...downhill.config_from_query(presets[id]).config, backend, steps_per_second });
    dismiss(store, 'preset');
    void import('../../words/table.js').then(({ said }) => notify(store, 'preset', () => said(`preset_${id}_why`)));
    await client.ask({ kind: 'reset' });
    if (!media.still.matches) await client.ask({ kind: 'train' });
  }
}
