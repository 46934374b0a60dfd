/** Has the browser keep the page, so that it can be installed and opens without a connection. */
export function keepPage(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  // After the page itself: what is kept for later must not hold up what is looked at now.
  addEventListener("load", () => {
    navigator.serviceWorker.register("/sw.js").catch(() => {
      // A browser that forbids it shows the page all the same.
    });
  });
}
