// @ts-check
// The service worker: the page, its wasm and its data with the server gone, and a policy for the worker's requests.
//
// It lies at the root of the site, and `cargo xtask` fills in the list of files and the version of the build.
//
// To it:   { type: 'status' }          answered to the sender, and the rest is fetched
// From it: { type: 'status', version, ready, cached, total }
//          { type: 'offline-ready', version, cached, total }   to every page, once everything is there

/// <reference lib="webworker" />
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/**
 * `first` is what a first visit loads, `later` what it may need afterwards. Whatever lies below `immutable` never
 * changes under its name; where that is empty (a site for development), the network is asked first.
 * @type {{ version: string, immutable: string, first: string[], later: string[] }}
 */
const site = /* site: begin */ { version: 'none', immutable: '', first: [], later: [] } /* site: end */;

// Caches belong to the whole origin: two sites under one host must not empty each other's.
const family = `downhill ${worker.registration.scope} `;
const cacheName = family + site.version;

// A page's <meta> policy does not govern its workers; this does, on hosts that send no headers.
const workerPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

/** @param {string} path */
const absolute = (path) => new URL(path, worker.registration.scope).href;
const immutable = site.immutable && absolute(`${site.immutable}/`);
const everything = [...site.first, ...site.later].map(absolute);

worker.addEventListener('install', (event) => {
  event.waitUntil(fetchMissing(site.first));
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(takeOver());
});

worker.addEventListener('message', (event) => {
  if (event.data?.type === 'status') {
    event.waitUntil(answerStatus(event.source));
  }
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(worker.registration.scope)) {
    return;
  }
  event.respondWith(answer(request));
});

// A new version waits until the last page of the old one is closed, so that no page finds its files gone.
async function takeOver() {
  for (const name of await caches.keys()) {
    if (name.startsWith(family) && name !== cacheName) {
      await caches.delete(name);
    }
  }
  await worker.clients.claim();
}

/** @param {Request} request */
async function answer(request) {
  const response = immutable && request.url.startsWith(immutable)
    ? (await cached(request)) ?? (await fetchAndKeep(request))
    : await fromNetworkFirst(request);
  return withPolicy(request, response);
}

/**
 * What few visits need is in no list: kept once it was needed.
 * @param {Request} request
 */
async function fetchAndKeep(request) {
  const response = await fetch(request);
  if (response.ok) await (await caches.open(cacheName)).put(request, response.clone());
  return response;
}

/** @param {Request} request */
async function fromNetworkFirst(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await cached(request);
    if (kept) {
      return kept;
    }
    throw error;
  }
}

/** @param {Request} request */
async function cached(request) {
  const cache = await caches.open(cacheName);
  // The folder and its index.html are one page, whatever its query says.
  const url = request.mode === 'navigate' ? absolute('index.html') : request.url;
  return cache.match(url, { ignoreSearch: true, ignoreVary: true });
}

/**
 * @param {Request} request
 * @param {Response} response
 */
function withPolicy(request, response) {
  if (request.destination !== 'worker' || !response.ok || response.type === 'opaque') {
    return response;
  }
  const headers = new Headers(response.headers);
  headers.set('Content-Security-Policy', workerPolicy);
  // The body is decoded already.
  headers.delete('Content-Encoding');
  headers.delete('Content-Length');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/** @param {Client | ServiceWorker | MessagePort | null} source */
async function answerStatus(source) {
  const total = everything.length;
  const before = await countCached();
  const status = { type: 'status', version: site.version, ready: before === total, cached: before, total };
  source?.postMessage(status);
  if (status.ready) {
    return;
  }
  await fetchMissing([...site.first, ...site.later]);
  const clients = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  for (const client of clients) {
    client.postMessage({ type: 'offline-ready', version: site.version, cached: total, total });
  }
}

async function countCached() {
  const cache = await caches.open(cacheName);
  const kept = new Set((await cache.keys()).map((request) => request.url));
  return everything.filter((url) => kept.has(url)).length;
}

/**
 * Throws where a file cannot be had, so that a version is there as a whole or not at all.
 * @param {string[]} paths
 */
async function fetchMissing(paths) {
  const cache = await caches.open(cacheName);
  const fetched = paths.map(async (path) => {
    const url = absolute(path);
    if (await cache.match(url)) {
      return;
    }
    // What never changes may come from the browser's own cache: the page has just loaded it.
    const fresh = immutable && url.startsWith(immutable) ? 'default' : 'no-cache';
    const response = await fetch(url, { cache: fresh });
    if (!response.ok) {
      throw new Error(`${path}: ${response.status}`);
    }
    await cache.put(url, response);
  });
  await Promise.all(fetched);
}
