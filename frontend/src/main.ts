import "@fontsource-variable/bricolage-grotesque";
import "@fontsource-variable/figtree";
import "./ui/base.css";
import { mount } from "svelte";
import App from "./App.svelte";

mount(App, { target: document.getElementById("app")! });
