/** What is folded out on a small screen. */
class Layout {
  isSidebarOpen = $state(false);
}

export const layout = new Layout();
