try {
  const theme = localStorage.getItem("danas.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off; the system's theme holds.
}
