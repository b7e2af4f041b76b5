// The words of the page: every language is complete, and every term that offers help has it.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { choices, choiceWords } from '../../www/words/choices.js';
import englishHelp from '../../www/words/help/en.js';
import chineseHelp from '../../www/words/help/zh.js';
import en from '../../www/words/en.js';
import zh from '../../www/words/zh.js';
import { words as ofModelFiles } from '../../www/words/model-files.js';
import { fill, setLanguage } from '../../www/words/index.js';
import { words as ofTables } from '../../www/words/table.js';

const root = new URL('../../', import.meta.url);
/** @type {Record<string, string>} */
const chinese = zh;

/** Documents for users and contributors. */
const documents = [
  'README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'crates/npm/README.md', 'docs/performance.md', 'tests/interop/README.md', 'tests/reference/README.md',
  'www/data/SOURCES.md',
];

/** @param {string} path */
const read = (path) => readFile(new URL(path, root), 'utf8');

/**
 * Returns the English wording of every code in `src/message.rs`.
 * @returns {Promise<Record<string, string>>}
 */
async function codes() {
  const rows = (await read('src/message.rs')).matchAll(/^\s*\w+ = "(\w+)": (?:later )?"((?:[^"\\]|\\.)*)",$/gm);
  return Object.fromEntries([...rows].map(([, name, template]) => [`code_${name}`, template.replaceAll('\\"', '"')]));
}

/**
 * Returns the distinct `{name}` placeholders of a wording.
 * @param {string} words
 */
const places = (words) => [...new Set(words.match(/\{\w+\}/g))].sort();

/**
 * Counts the ends of sentences; a decimal point is none.
 * @param {string} words
 */
const sentences = (words) => words.match(/[.!?](?=\s|$)|[。！？]/g)?.length ?? 0;

test('words everything in Chinese that is worded in English', async () => {
  const expected = { ...en, ...(await codes()) };
  assert.ok(Object.keys(expected).length > Object.keys(en).length + 50, 'the codes were not found');
  assert.deepEqual(Object.keys(expected).filter((key) => !chinese[key]?.trim()), [], 'not worded in Chinese');
  assert.deepEqual(Object.keys(chinese).filter((key) => !(key in expected)), [], 'worded in Chinese alone');
  assert.deepEqual(Object.keys(chinese), Object.keys(expected), 'in another order');
  for (const [key, words] of Object.entries(expected)) {
    assert.deepEqual(places(chinese[key]), places(words), key);
  }
});

for (const [what, { en, zh }] of Object.entries({ 'tables': ofTables, 'model files': ofModelFiles })) {
  test(`words in both languages what comes with ${what}`, () => {
    assert.deepEqual(Object.keys(zh), Object.keys(en));
    for (const [key, words] of Object.entries(en)) {
      assert.ok(zh[key].trim(), key);
      assert.deepEqual(places(zh[key]), places(words), key);
    }
  });
}

test('shows the English words before the scripts have loaded', async () => {
  /** @type {Record<string, string>} */
  const english = en;
  const page = await read('index.html');
  const texts = [/data-i18n="(\w+)"[^>]*>([^<]*)</g, /data-i18n-label="(\w+)" aria-label="([^"]*)"/g]
    .flatMap((pattern) => [...page.matchAll(pattern)]);
  assert.ok(texts.length > 50, `${texts.length} texts were found`);
  for (const [, key, words] of texts) assert.equal(words, english[key], key);
});

test('words every entry of every choice in both languages', () => {
  const [english, chinese] = [choiceWords('en'), choiceWords('zh')];
  assert.ok(Object.keys(english).length > 50);
  assert.deepEqual(Object.keys(chinese), Object.keys(english));
  for (const words of [english, chinese]) {
    for (const [key, own] of Object.entries(words)) {
      assert.ok(own.trim(), key);
      assert.ok(!(key in en), `${key} is worded twice`);
    }
  }
});

/** Choices whose entries are explained one by one; for the others the choice itself is. */
const explained = ['method', 'optimizer', 'schedule', 'loss'];

const help = { en: englishHelp, zh: chineseHelp };

test('explains every term in both languages, in two sentences', () => {
  assert.deepEqual(Object.keys(chineseHelp), Object.keys(englishHelp));
  const entries = explained.flatMap((choice) => Object.keys(choices[choice].entries).map((entry) => `${choice}_${entry}`));
  assert.deepEqual(entries.filter((key) => !(key in englishHelp)), []);
  for (const [language, explanations] of Object.entries(help)) {
    for (const [term, { title, text, formula, link }] of Object.entries(explanations)) {
      assert.ok(title, `${term} ${language}`);
      assert.equal(sentences(text), 2, `${term} ${language}: ${text}`);
      assert.match(text, /[.。]$/, `${term} ${language}`);
      assert.equal(formula === '', englishHelp[term].formula === '', `${term} ${language}`);
      assert.match(link, /^https:\/\/[\w.-]+\/\S*$/, `${term} ${language}`);
      assert.ok(URL.canParse(link), `${term} ${language}`);
    }
  }
});

test('has help wherever help is offered', async () => {
  const all = await readdir(new URL('www/', root), { recursive: true });
  const scripts = all.filter((name) => name.endsWith('.js') && !/^(wasm|words)\b/.test(name));
  const offered = new Set();
  for (const name of scripts) {
    for (const [, term] of (await read(`www/${name}`)).matchAll(/\b(?:help: |helpButton\()'(\w+)'/g)) offered.add(term);
  }
  assert.ok(offered.size > 5, 'no term was found');
  assert.deepEqual([...offered].filter((term) => !(term in englishHelp)), []);
});

test('counts one in the singular, after the rules of the language', async () => {
  const counted = (/** @type {string | number} */ n) => fill('{n} {n:row is|rows are} new', { n });
  assert.deepEqual(['1', '0', '2', '1,001', 1, 21].map(counted), [
    '1 row is new', '0 rows are new', '2 rows are new', '1,001 rows are new', '1 row is new', '21 rows are new',
  ]);
  assert.equal(fill('{m} {m:row|rows}', { n: 1 }), '{m} {m:row|rows}', 'a place without its parameter');
  // Chinese has one form for all counts.
  await setLanguage('zh');
  assert.equal(counted(1), '1 rows are new');
  await setLanguage('en');
  assert.equal(counted(1), '1 row is new');
});

/** Things that the page counts. */
const nouns = 'rows|columns|features|cells|values|classes|groups|folds|steps|epochs|parameters|coefficients|dimensions|seconds';

test('has a singular for everything that it counts', async () => {
  const worded = { ...await codes(), ...en, ...ofTables.en, ...ofModelFiles.en };
  assert.ok(Object.values(worded).filter((words) => /\{\w+:\w/.test(words)).length > 30);
  // Downhill's own limits are large numbers.
  const limits = /(?:limit of|more than|up to) \{limit\}/gi;
  const plural = new RegExp(`\\{\\w+\\} (?:${nouns})\\b(?!/s)`);
  assert.deepEqual(Object.entries(worded).filter(([, words]) => plural.test(words.replaceAll(limits, ''))), []);
  for (const [key, words] of Object.entries(worded)) {
    for (const [, name] of words.matchAll(/\{(\w+):/g)) assert.ok(words.includes(`{${name}}`), `${key} does not say ${name}`);
  }
});

/** Phrases that readers stumble over. Write what a good textbook or a good product would. */
const avoided = [
  /\bwhoever\b/i, /\bfound out\b/i, /\bstands? (?:beside|there)\b/i, /\bbeside (?:it|them)\b/i, /\btold apart\b/i, /\bis told\b/i,
  /\bby heart\b/i, /\bthe mend\b/i, /\bthat (?:is|are) (?:none|no \w+)\b/i, /\bof the link,/i, /\bwhat there is\b/i,
  /\bgoes on to the bit\b/i, /\bleast (?:loss|objective|so far)\b/i, /\b(?:steps|updates|passes) a second\b/i,
  /\bof who(?:m|ever)?\b/i, /\bfor who (?:learns|wants)\b/i, /\bnumber of its own\b/i, /\bwas to be the last\b/i, /您/,
];

/** @param {string} folder */
async function sources(folder) {
  const found = await readdir(new URL(folder, root), { recursive: true });
  return found.filter((name) => name.endsWith('.rs') && !/tests?(?:\/|\.rs)/.test(name)).map((name) => `${folder}${name}`);
}

test('says nothing in the phrases that readers stumble over', async () => {
  /** @type {[string, string][]} */
  const texts = Object.entries({ ...await codes(), ...en }).concat(Object.entries(chinese));
  for (const { en, zh } of [ofTables, ofModelFiles]) texts.push(...Object.entries(en), ...Object.entries(zh));
  for (const [term, { title, text }] of [...Object.entries(englishHelp), ...Object.entries(chineseHelp)]) {
    texts.push([`help ${term}`, `${title} ${text}`]);
  }
  for (const path of documents) texts.push([path, await read(path)]);
  texts.push(['index.html', await read('index.html')]);
  for (const path of [...await sources('src/'), ...await sources('crates/')]) {
    const code = (await read(path)).replaceAll(/^\s*\/\/.*$/gm, '');
    for (const [, literal] of code.matchAll(/"((?:[^"\\]|\\.)*)"/g)) texts.push([path, literal]);
  }
  assert.ok(texts.length > 1000, `${texts.length} texts were found`);
  const found = texts.flatMap(([where, words]) => (
    avoided.filter((phrase) => phrase.test(words)).map((phrase) => `${where}: ${phrase.exec(words)?.[0]}`)));
  assert.deepEqual(found, []);
});
