import "@fontsource-variable/bricolage-grotesque";
import "@fontsource-variable/figtree";
import "./ui/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { language } from "./ui/language";

document.documentElement.lang = language;

// A part that is loaded later is gone when Danas was updated meanwhile: get the new page, once.
const RELOADED = "danas.reloaded";
addEventListener("vite:preloadError", () => {
  if (sessionStorage.getItem(RELOADED) === location.href) return;
  sessionStorage.setItem(RELOADED, location.href);
  location.reload();
});

mount(App, { target: document.getElementById("app")! });
