// @ts-check
// The table of fields: each is a path into the configuration.
import { choose, parameterFields, writtenOf } from './choices.js';

/** @typedef {import('../../wasm/engine/downhill.js').RunConfig} RunConfig */

/**
 * @typedef {object} Field
 * @property {string} path into the configuration; its label is `field_<path>`
 * @property {'number' | 'check' | 'select'} kind
 * @property {string} group
 * @property {string | ((config: RunConfig) => string)} [help] the term that explains it
 * @property {boolean} [whole] whole numbers only
 * @property {boolean} [optional] an empty box means null
 * @property {string} [choice] whose entries a select offers
 * @property {(config: RunConfig, value: string) => RunConfig} [choose] what choosing brings with it
 * @property {(config: RunConfig) => boolean} [when] whether it is there at all
 * @property {boolean} [folded]
 * @property {boolean} [wide]
 * @property {boolean} [begins] a grid of its own, which ends with the next that begins one
 * @property {boolean} [inline] in the line of the checks
 */

/** Groups of the form, from top to bottom. */
export const groups = ['data', 'model', 'method', 'rate', 'stop'];

const splits = (/** @type {RunConfig} */ { validation: { fraction, test_fraction, folds } }) => fraction + test_fraction + folds > 0;
const linspace = (/** @type {RunConfig} */ config) => config.data.source.kind === 'linspace';

/** Fields of a group. @param {string} group @param {Omit<Field, 'group'>[]} list @returns {Field[]} */
const within = (group, list) => list.map((field) => ({ ...field, group }));

/** @type {Field[] | undefined} */
let built;

/** Every field, in the order of the form: from the engine's tables, once it is there. */
export const fields = () => (built ??= build());

/** @returns {Field[]} */
const build = () => [
  ...within('data', [
    { path: 'data.source.n_samples', kind: 'number', whole: true, when: linspace },
    { path: 'data.source.noise', kind: 'number', when: linspace },
    { path: 'data.source.seed', kind: 'number', whole: true, when: linspace },
    { path: 'data.source.slope', kind: 'number', when: linspace, folded: true },
    { path: 'data.source.intercept', kind: 'number', when: linspace, folded: true },
    { path: 'data.source.start', kind: 'number', when: linspace, folded: true },
    { path: 'data.source.stop', kind: 'number', when: linspace, folded: true },
  ]),
  ...within('model', [
    { path: 'model.degree', kind: 'number', whole: true, help: 'degree' },
    { path: 'model.initial_weights', kind: 'select', help: 'initial_weights', choice: 'initializer' },
    { path: 'seed', kind: 'number', whole: true, help: 'seed' },
    { path: 'loss', kind: 'select', begins: true, help: ({ loss }) => `loss_${loss.kind}`, choice: 'loss', choose: choose.loss },
    { path: 'penalty.strength', kind: 'number', help: 'penalty' },
    { path: 'penalty_path', kind: 'number', whole: true, help: 'penalty_path' },
    {
      path: 'penalty.l1_ratio', kind: 'number', help: 'l1_ratio',
      when: ({ penalty, penalty_path }) => penalty.strength > 0 || penalty_path > 0,
    },
  ]),
  ...parameterFields('loss', 'model'),
  ...within('model', [
    { path: 'model.bias', kind: 'check', help: 'bias' },
    {
      path: 'model.standardize', kind: 'select', help: 'standardize', inline: true, choice: 'scaling',
      choose: (config, value) => write(config, 'model.standardize', writtenOf('scaling', value)),
    },
  ]),
  ...within('method', [
    { path: 'batch_size', kind: 'number', whole: true, help: 'batch_size' },
    {
      path: 'optimizer', kind: 'select', help: ({ optimizer }) => `optimizer_${optimizer.kind}`,
      choice: 'optimizer', choose: choose.optimizer,
    },
    { path: 'backend', kind: 'select', help: 'backend', choice: 'backend' },
  ]),
  ...parameterFields('optimizer', 'method'),
  ...within('method', [{ path: 'shuffle', kind: 'check', help: 'shuffle' }]),
  ...within('rate', [{
    path: 'schedule', kind: 'select', help: ({ schedule }) => `schedule_${schedule.kind}`, wide: true, choice: 'schedule',
    choose: choose.schedule,
  }]),
  ...parameterFields('schedule', 'rate'),
  ...within('stop', [
    { path: 'validation.fraction', kind: 'number', help: 'validation' },
    { path: 'validation.test_fraction', kind: 'number', help: 'test' },
    { path: 'stop.patience', kind: 'number', whole: true, optional: true, help: 'patience' },
    { path: 'validation.folds', kind: 'number', whole: true, help: 'folds' },
    { path: 'validation.split', kind: 'select', choice: 'split', when: splits },
    {
      path: 'validation.seed', kind: 'number', whole: true,
      when: (config) => splits(config) && config.validation.split !== 'last',
    },
    { path: 'stop.steps', kind: 'number', whole: true, optional: true },
    { path: 'stop.epochs', kind: 'number', whole: true, optional: true },
    { path: 'stop.gradient_norm', kind: 'number', optional: true, help: 'gradient_norm' },
    { path: 'stop.loss', kind: 'number', optional: true },
    { path: 'warmup.steps', kind: 'number', whole: true, help: 'warmup' },
    { path: 'warmup.start_factor', kind: 'number' },
    { path: 'stop.converged', kind: 'check' },
  ]),
];

/** Whether the form has a place for a path. @param {string} [path] */
export const hasField = (path) => path === 'learning_rate' || fields().some((field) => field.path === path);

/**
 * What a configuration has at a path.
 * @param {any} config
 * @param {string} path
 */
export function read(config, path) {
  return path.split('.').reduce((inner, key) => inner?.[key], config);
}

/**
 * The configuration with another value at a path.
 * @template T
 * @param {T} config
 * @param {string} path
 * @param {unknown} value
 * @returns {T}
 */
export function write(config, path, value) {
  const copy = structuredClone(config);
  const keys = path.split('.');
  const last = /** @type {string} */ (keys.pop());
  const place = keys.reduce((inner, key) => inner[key], /** @type {any} */ (copy));
  place[last] = value;
  return copy;
}
