import { read, write } from "./storage";

export type Theme = "system" | "light" | "dark";

const KEY = "danas.theme";

function isTheme(value: string | null): value is Theme {
  return value === "light" || value === "dark";
}

/** The chosen theme; public/assets/theme.js applies the same key before the first paint. */
class ThemeChoice {
  #theme = $state<Theme>("system");

  constructor() {
    const kept = read(KEY);
    if (isTheme(kept)) this.#theme = kept;
  }

  get current(): Theme {
    return this.#theme;
  }

  set current(theme: Theme) {
    this.#theme = theme;
    write(KEY, theme === "system" ? null : theme);
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

export const theme = new ThemeChoice();
