/**
 * The service worker: keeps the built page, and nothing that anybody wrote.
 *
 * Only files of the build are kept, under names that change with their content. The page itself
 * comes from the server whenever it answers, so it is never an old one; the kept one stands in when
 * it does not. What lies under other addresses (the API, shared links, the admin) is not touched.
 *
 * `VERSION` and `SHELL` are filled in by the build (vite.config.ts).
 */

const VERSION = "__VERSION__";
const SHELL = ["__SHELL__"];
const PAGE = "/";
const NOT_OURS = /^\/(v1|ws|s|admin|oidc|healthz|metrics)(\/|$)/;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(VERSION)
      .then((cache) => cache.addAll([PAGE, ...SHELL]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((one) => one !== VERSION).map((one) => caches.delete(one))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || NOT_OURS.test(pathname)) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (SHELL.includes(pathname)) event.respondWith(part(request));
});

async function page(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(PAGE);
    if (kept) return kept;
    throw error;
  }
}

/** A part of the build: another version has another name, so what is kept is right. */
async function part(request) {
  return (await caches.match(request)) ?? fetch(request);
}
