// @ts-check
// What can be chosen, and the parameters of each choice: Rust's tables (`src/choices/`).
import * as downhill from '../../wasm/engine/downhill.js';
import { text } from '../../words/index.js';

/** @typedef {import('../../wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {import('./fields.js').Field} Field */

/** @type {Record<string, import('../../wasm/engine/downhill.js').ChoiceSpec> | undefined} */
let tables;

/** The table of a choice. @param {string} choice */
const table = (choice) => (tables ??= downhill.choices())[choice];

/** Names of the entries of a choice, in the order in which they are offered. @param {string} choice */
export const namesOf = (choice) => table(choice).entries.map(({ name }) => name);

/** The entries of a choice as options: name and words. @param {string} choice @returns {[string, string][]} */
export const optionsOf = (choice) => namesOf(choice).map((name) => [name, text(`${choice}_${name}`)]);

/**
 * Fields for the parameters of every entry of a choice; each is there while an entry is chosen that has it.
 * @param {'loss' | 'optimizer' | 'schedule'} choice
 * @param {string} group
 * @returns {Field[]}
 */
export function parameterFields(choice, group) {
  const { path, entries } = table(choice);
  const parameters = new Map(entries.flatMap((entry) => entry.parameters.map((parameter) => [parameter.name, parameter])));
  return [...parameters.values()].map(({ name, kind }) => ({
    path: `${path}.${name}`,
    group,
    kind: kind === 'flag' ? 'check' : kind === 'number' || kind === 'count' ? 'number' : 'select',
    choice: kind,
    whole: kind === 'count',
    when: (config) => {
      const chosen = entries.find((entry) => entry.name === config[choice].kind);
      return chosen?.parameters.some((parameter) => parameter.name === name) ?? false;
    },
  }));
}

/** The configuration with another entry of a choice, and whatever that brings with it. */
export const choose = {
  method: downhill.choose_method,
  optimizer: downhill.choose_optimizer,
  schedule: downhill.choose_schedule,
  loss: downhill.choose_loss,
};

/** How a configuration writes an entry of a choice. @param {string} choice @param {string} name */
export const writtenOf = (choice, name) => table(choice).entries.find((entry) => entry.name === name)?.written ?? name;

/** Which entry of a choice a configuration has written. @param {string} choice @param {any} written */
export function nameOf(choice, written) {
  const { tagged, entries } = table(choice);
  return tagged ? written.kind : entries.find(({ name, written: own = name }) => own === written)?.name;
}
