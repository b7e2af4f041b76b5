// Lighthouse scores of a first visit on a desktop and on a phone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setUp } from './harness.js';
import { LIMITS, audit } from './visit.js';

const port = 9333;

const { browser, server } = await setUp({ args: [`--remote-debugging-port=${port}`] });

for (const device of /** @type {const} */ (['desktop', 'phone'])) {
  test(`a ${device} gives 95 or more in each category that no clock decides`, async () => {
    const { scores, wanting } = await audit(server, port, device);
    console.log(device, JSON.stringify(scores), wanting);
    const { performance, ...exact } = scores;
    for (const [name, score] of Object.entries(exact)) assert.ok(score >= 95, `${name} is ${score}: ${wanting}`);
    // The distance from 100 may be three times that on a quiet machine.
    assert.ok(performance >= 100 - 3 * (100 - LIMITS.performance), `performance is ${performance}: ${wanting}`);
  });
}
