// @ts-check
// The form: what a field says goes to Rust to be checked; a bad entry shows its message below itself and leaves the run alone.
import * as downhill from '../../wasm/engine/downhill.js';
import { wording } from '../../words/index.js';
import { presets } from '../../presets.js';
import { make, part } from '../dom.js';
import { nameOfScaling } from './choices.js';
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
/**
 * @typedef {object} Actions
 * @property {(config: RunConfig) => void} change receives every sound configuration that a person makes
 * @property {() => void} load opens a table
 * @property {() => void} columns chooses the columns of the table anew
 * @property {(x: number, y: number) => Promise<void>} addPoint
 * @property {(config: RunConfig, why: string) => void} preset
 */

/** Fields that decide how much memory the rows take. */
const weighty = ['data.source.n_samples', 'model.degree'];

/** The settings. */
export class Form {
  #root;
  /** @type {RunConfig} */
  #config;
  /** @type {Map<string, Row & { field: Field }>} */
  #rows = new Map();
  /** @type {((config: RunConfig) => void)[]} */
  #renderers = [];
  /** @type {(config: RunConfig) => void} */
  #weigh = () => {};
  /** @type {import('../../wasm/engine/downhill.js').Scaling} */
  #scaling = false;
  /** Of the run's data, what a table's configuration does not hold. */
  rows = 0;
  features = 1;

  /**
   * @param {HTMLElement} root
   * @param {RunConfig} config
   * @param {Actions} actions
   */
  constructor(root, config, actions) {
    this.#root = root;
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
   * @param {import('../../wasm/engine/downhill.js').Scaling} [scaling] what `standardize: null` comes to
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
    for (const group of groups) part(this.#root, `group-${group}`).querySelector(':scope > .fields')?.remove();
    this.#rows.clear();
    this.#renderers = [];
    this.#build();
    this.render();
  }

  render() {
    for (const row of this.#rows.values()) this.#renderRow(row);
    const batchSize = this.#rows.get('batch_size');
    if (batchSize) batchSize.control.disabled = this.#config.method !== 'mini_batch';
    for (const render of this.#renderers) render(this.#config);
    this.#weigh(this.#config);
  }

  /** @param {Row & { field: Field }} row */
  #renderRow({ field, row, control, error }) {
    row.hidden = field.when ? !field.when(this.#config) : false;
    if (row.hidden || isHeld(control)) return;
    error.hidden = true;
    const value = read(this.#config, field.path);
    if (field.path === 'model.standardize') control.value = nameOfScaling(value ?? this.#scaling);
    else if (field.kind === 'select') control.value = value && typeof value === 'object' ? value.kind : String(value);
    else if (control instanceof HTMLInputElement && field.kind === 'check') control.checked = value === true;
    else if (!control.matches(':focus') || control.value === '' || Number(control.value) !== value) {
      control.value = value === null || value === undefined ? '' : String(value);
    }
  }

  /**
   * Shows a refusal where it was caused, if the form has that place. Returns whether it has.
   * @param {{ code?: string, params?: Record<string, string> }} problem
   */
  refuse(problem) {
    const row = this.#rows.get(problem.params?.field ?? '');
    if (!row) return false;
    refuse(row.control, row.error, wording(problem));
    return true;
  }

  #build() {
    for (const group of groups) {
      const body = make('div', 'fields');
      part(this.#root, `group-${group}`).append(body);
      if (group === 'data') buildSources(body, this);
      if (group === 'method') buildMethod(body, this);
      if (group === 'rate') buildRate(body, this);
      const [grid, folded, checks] = ['grid', 'grid', 'checks'].map((name) => make('div', name));
      for (const field of fields.filter((field) => field.group === group)) {
        const row = this.#field(field);
        (field.kind === 'check' || field.inline ? checks : field.folded ? folded : grid).append(row);
      }
      if (grid.childElementCount) body.append(grid);
      if (checks.childElementCount) body.append(checks);
      if (group === 'data') this.#weigh = buildPoints(body, folded, this);
      const schedule = this.#rows.get('schedule');
      if (group === 'rate' && schedule) buildSparkline(schedule.control, this);
    }
  }

  /** @param {Field} field */
  #field(field) {
    const weighs = weighty.includes(field.path);
    const made = buildRow(field, {
      restarts: this.restarting.some((path) => field.path === path || field.path.startsWith(`${path}.`)),
      described: weighs ? ['memory'] : [],
      config: () => this.#config,
    });
    const { row, control, error } = made;
    if (weighs) control.addEventListener('input', () => this.#weigh(write(this.#config, field.path, Number(control.value))));
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
      const next = field.choose ? field.choose(this.#config, control.value) : write(this.#config, field.path, control.value);
      this.take(next, control, error);
    } else if (field.kind === 'check') {
      this.take(write(this.#config, field.path, control.checked), control, error);
    } else {
      const value = numberIn(control, error, field);
      if (value === undefined) return;
      const problem = judge(this.#config, field.path, value);
      if (problem) refuse(control, error, wording(problem));
      else this.take(write(this.#config, field.path, value), control, error);
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
    this.#config = next;
    this.render();
    this.actions.change(next);
  }

  /** Takes another configuration in the place of all that was entered. @param {RunConfig} config */
  replace(config) {
    this.#begin(config);
    this.actions.change(config);
  }

  /** Begins a preset, on the backend and at the speed of now. @param {string} id */
  preset(id) {
    const { backend, steps_per_second } = this.#config;
    this.#begin({ ...downhill.config_from_query(presets[id]).config, backend, steps_per_second });
    this.actions.preset(this.#config, `preset_${id}_why`);
  }

  /** @param {RunConfig} config */
  #begin(config) {
    for (const { control, error } of this.#rows.values()) accept(control, error);
    this.#config = config;
    this.render();
  }
}
