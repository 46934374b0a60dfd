/** In JavaScript, since the page's types know nothing of Node. */
import type { Plugin } from "vite";

export function serviceWorker(): Plugin;
