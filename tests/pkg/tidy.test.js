// The shape of the page's sources: short files and functions, and parts that only look below their
// own root.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const MAX_LINES = 600;
const MAX_COLUMNS = 140;
const MAX_FUNCTION_LINES = 80;

/**
 * Returns the scripts of a folder with their texts.
 * @param {string} folder
 */
async function scripts(folder) {
  const names = (await readdir(new URL(`${folder}/`, root), { recursive: true })).filter((name) => name.endsWith('.js'));
  return Promise.all(names.sort().map(async (name) => {
    const path = `${folder}/${name.replaceAll('\\', '/')}`;
    return { path, text: await readFile(new URL(path, root), 'utf8') };
  }));
}

const page = await scripts('www');
const all = [...page, ...await scripts('tests/browser'), ...await scripts('tests/pkg'), ...await scripts('benches')];

/** Whether a line is a single string (text or a link), which cannot be wrapped. */
const isString = (/** @type {string} */ line) => /^\s*([\w.']+: )?(['`]).*\2,?$/.test(line);

test('no file is too long, and no line too wide', () => {
  const long = all.filter(({ text }) => text.split('\n').length > MAX_LINES + 1).map(({ path }) => path);
  assert.deepEqual(long, [], `over ${MAX_LINES} lines`);
  const wide = all.flatMap(({ path, text }) => text.split('\n').flatMap((line, i) => (
    line.length > MAX_COLUMNS && !isString(line) ? [`${path}:${i + 1}`] : [])));
  assert.deepEqual(wide, [], `over ${MAX_COLUMNS} columns`);
});

/**
 * Returns the length and first line of each function. A function ends at the next closing brace
 * with the indentation of its first line.
 * @param {string} text
 */
function functions(text) {
  const lines = text.split('\n');
  const begins = /^(\s*)(?!(?:if|for|while|switch|try|else|do|class)\b|\})(?:.*\bfunction\b.*|.*=>|(?:async |get |set )*#?\w+\(.*\)) \{$/;
  return lines.flatMap((line, first) => {
    const indent = begins.exec(line)?.[1];
    if (indent === undefined) return [];
    const length = lines.slice(first).findIndex((other, i) => i > 0 && other.startsWith(`${indent}}`)) + 1;
    return [{ line: first + 1, length }];
  });
}

test('no function of the page is too long', () => {
  const found = page.flatMap(({ path, text }) => functions(text).map(({ line, length }) => ({ path, line, length })));
  assert.ok(found.length > 300, `only ${found.length} functions were found`);
  const long = found.filter(({ length }) => length > MAX_FUNCTION_LINES).map(({ path, line, length }) => `${path}:${line}: ${length}`);
  assert.deepEqual(long, [], `over ${MAX_FUNCTION_LINES} lines`);
});

test('parts, tabs and dialogs look below their own root, and take what belongs to the browser from outside', () => {
  const outside = /\b(document\.(getElementById|querySelector(All)?|body|documentElement)|location\.|localStorage|matchMedia\()/;
  const found = page.filter(({ path }) => /^www\/(parts|tabs|dialogs)\//.test(path)).flatMap(({ path, text }) => (
    text.split('\n').flatMap((line, i) => (outside.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []))));
  assert.deepEqual(found, []);
});

test('the parts of index.html are those that scripts look up', async () => {
  const html = await readFile(new URL('index.html', root), 'utf8');
  const offered = [...html.matchAll(/data-part="([\w-]+)"/g)].map(([, name]) => name);
  const text = page.map((script) => script.text).join('\n');
  const words = new Set([...text.matchAll(/['"]([\w-]+)['"]/g)].map(([, name]) => name));
  assert.deepEqual(offered.filter((name) => !words.has(name) && !name.startsWith('group-')), [], 'nobody looks it up');
  const wanted = [...text.matchAll(/\bpart\((?:page\.)?root, '([\w-]+)'\)/g)].map(([, name]) => name);
  assert.ok(wanted.length > 40, `only ${wanted.length} look-ups were found`);
  assert.deepEqual(wanted.filter((name) => !offered.includes(name)), [], 'index.html lacks it');
});
