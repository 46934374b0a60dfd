import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";
import { serviceWorker } from "./service-worker.js";

const backend = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte(), svelteTesting(), serviceWorker()],
  base: "/",
  build: {
    outDir: "dist",
    assetsDir: "assets",
    // Django's collectstatic skips dot folders, where Vite would put it.
    manifest: "manifest.json",
    target: "es2022",
    // The page's policy loads nothing from data: addresses, fonts included.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/v1": backend,
      "/ws": { target: backend, ws: true },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts"],
    setupFiles: ["src/testing/setup.ts"],
  },
});
