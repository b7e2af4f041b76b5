// @ts-check
// What the two pictures say to those who do not see them.
import { count, figure, text, wording } from '../../words/index.js';
import { formula } from '../../words/formula.js';

/** @typedef {import('../../store.js').State} State */

/** @param {State} state */
export function fitText({ dataset, exact, snapshot, run }) {
  if (!dataset || !snapshot || !run) return '';
  const { target, n_samples, inputs } = dataset;
  const said = {
    target, n: count(n_samples), loss: figure(snapshot.loss), r2: figure(snapshot.r2), least: figure(exact?.loss),
  };
  if (inputs.length > 1) return text('fit_text_several', { ...said, features: inputs.map(({ name }) => name).join(text('separator')) });
  return text('fit_text', { ...said, feature: inputs[0].name, formula: formula([...snapshot.weights ?? []], run.config.model.bias) });
}

/** @param {State} state */
export function lossText({ exact, snapshot }) {
  if (!snapshot) return '';
  const { loss, step, learning_rate, marks } = snapshot;
  const last = marks.at(-1);
  const change = last ? text('last_change', { step: count(last.step), change: wording(last.message) }) : '';
  return text('loss_text', {
    loss: figure(loss), step: count(step), rate: figure(learning_rate, true), least: figure(exact?.loss),
  }) + change;
}
