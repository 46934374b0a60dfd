/** The part of the build that writes the service worker, with the names of what it keeps. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const WORKER = new URL("./src/install/worker.js", import.meta.url);
/** Not named by their content, so their content is part of the version. */
const PUBLIC = ["/assets/theme.js", "/assets/icon.svg"];
/** Loaded late, and needed when nothing can be loaded. */
const NEEDED_OFFLINE = /Offline/;

/** @returns {import("vite").Plugin} */
export function serviceWorker() {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle(_options, bundle) {
      const kept = new Set();
      const keep = (name) => {
        const chunk = bundle[name];
        if (kept.has(name) || !chunk) return;
        kept.add(name);
        if (chunk.type !== "chunk") return;
        chunk.imports.forEach(keep);
        chunk.viteMetadata?.importedCss.forEach(keep);
      };
      for (const [name, chunk] of Object.entries(bundle)) {
        const isStart = chunk.type === "chunk" && (chunk.isEntry || NEEDED_OFFLINE.test(name));
        if (isStart || /latin-(wght|standard)-normal.*\.woff2$/.test(name)) keep(name);
      }
      const shell = [...[...kept].map((name) => `/${name}`), ...PUBLIC].sort();
      const source = readFileSync(WORKER, "utf8");
      const version = createHash("sha256").update(source).update(shell.join());
      for (const path of PUBLIC) {
        version.update(readFileSync(new URL(`./public${path}`, import.meta.url)));
      }
      this.emitFile({
        type: "asset",
        fileName: "sw.js",
        source: source
          .replace("__VERSION__", `danas-${version.digest("hex").slice(0, 16)}`)
          .replace('["__SHELL__"]', JSON.stringify(shell)),
      });
    },
  };
}
