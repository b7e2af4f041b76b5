// @ts-check
import { figure } from './index.js';

/**
 * A fitted line or curve in words, for those who hear it.
 * @param {number[]} weights
 * @param {boolean} bias whether the last weight is the bias
 */
export function formula(weights, bias) {
  const powers = bias ? weights.slice(0, -1) : weights;
  const raised = ['x', 'x²', 'x³'];
  const terms = powers.map((weight, i) => `${figure(weight)} ${raised[i] ?? `x^${i + 1}`}`);
  if (bias) terms.push(figure(weights.at(-1)));
  return `y = ${terms.join(' + ').replaceAll('+ −', '− ')}`;
}
