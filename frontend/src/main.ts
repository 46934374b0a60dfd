import "@fontsource-variable/bricolage-grotesque";
import "@fontsource-variable/figtree";
import "./ui/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { askAhead } from "./api/http";
import { afterLostPart } from "./api/parts";
import { newestPart } from "./chat/chat.svelte";
import { keepPage } from "./install/install";
import { language } from "./ui/language";
import { router } from "./ui/router.svelte";

document.documentElement.lang = language;

addEventListener("vite:preloadError", () => void afterLostPart());

// The conversation is on its way while the page finds out who is there.
const { route } = router;
if (route.page === "chat" && route.conversation) askAhead(newestPart(route.conversation));

keepPage();
const target = document.getElementById("app")!;
const token = /^\/s\/([\w-]+)\/?$/.exec(location.pathname)?.[1];
if (token) {
  // What somebody shared is for whoever is not signed in as well, and needs nothing else.
  void import("./sharing/SharedPage.svelte").then(({ default: SharedPage }) =>
    mount(SharedPage, { target, props: { token } }),
  );
} else mount(App, { target });
