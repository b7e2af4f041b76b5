// @ts-check
// What can be chosen, and the parameters of each choice.
import * as downhill from '../../wasm/engine/downhill.js';

/** @typedef {import('../../wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {import('./fields.js').Field} Field */

/**
 * Entries of each choice, in the order in which they are offered, with their parameters.
 * @type {Record<string, Record<string, string[]>>}
 */
export const choices = {
  method: { batch: [], mini_batch: [], stochastic: [], decaying_rate: [] },
  optimizer: {
    sgd: [],
    momentum: ['momentum'],
    nesterov: ['momentum'],
    ada_grad: ['epsilon'],
    rms_prop: ['alpha', 'epsilon'],
    adam: ['beta1', 'beta2', 'epsilon'],
    adam_w: ['beta1', 'beta2', 'epsilon', 'weight_decay'],
  },
  schedule: {
    constant: [],
    time_decay: ['decay_rate', 'decay_steps'],
    step: ['step_size', 'gamma'],
    exponential: ['gamma'],
    polynomial: ['total_steps', 'power'],
    cosine: ['period', 'minimum_rate', 'restarts', 'period_factor'],
    reduce_on_plateau: ['factor', 'patience', 'threshold', 'cooldown', 'minimum_rate'],
    bold_driver: ['increase', 'decrease'],
  },
  loss: {
    squared: [],
    absolute: [],
    huber: ['delta'],
    log_cosh: [],
    quantile: ['tau'],
    logistic: [],
    softmax: [],
    poisson: [],
  },
  initial_weights: { zero: [], uniform: [], normal: [], glorot_uniform: [] },
  scaling: { none: [], standardize: [], min_max: [] },
  split: { random: [], last: [], stratified: [], group: [] },
  backend: { auto: [], gpu: [], cpu: [], statistics: [] },
};

const wholeNumbers = ['step_size', 'total_steps', 'period', 'period_factor', 'patience', 'cooldown'];
const checks = ['restarts'];

/** Names of the entries of a choice. @param {string} choice */
export const namesOf = (choice) => Object.keys(choices[choice]);

/**
 * Fields for the parameters of every entry of a choice; each is there while an entry is chosen that has it.
 * @param {'loss' | 'optimizer' | 'schedule'} choice
 * @param {string} group
 * @returns {Field[]}
 */
export function parameterFields(choice, group) {
  const names = [...new Set(Object.values(choices[choice]).flat())];
  return names.map((name) => ({
    path: `${choice}.${name}`,
    kind: checks.includes(name) ? 'check' : 'number',
    group,
    whole: wholeNumbers.includes(name),
    when: (config) => choices[choice][config[choice].kind]?.includes(name) ?? false,
  }));
}

/** The configuration with another entry of a choice, and whatever that brings with it. */
export const choose = {
  method: downhill.choose_method,
  optimizer: downhill.choose_optimizer,
  schedule: downhill.choose_schedule,
  loss: downhill.choose_loss,
};

/** How a configuration writes each scaling. */
const scalings = /** @type {const} */ ({ none: false, standardize: true, min_max: 'min_max' });

/** How a configuration writes a scaling. @param {string} name */
export const scalingOf = (name) => scalings[/** @type {keyof typeof scalings} */ (name)];

/** Which scaling a configuration has written. @param {import('../../wasm/engine/downhill.js').Scaling} written */
export const nameOfScaling = (written) => Object.entries(scalings).find(([, value]) => value === written)?.[0] ?? 'none';
