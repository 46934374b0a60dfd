/** Keeps the newest text in view, unless the reader has scrolled up to read. */
export class Follower {
  isFollowing = $state(true);
  #scroller: HTMLElement | null = null;
  #lastTop = 0;

  /** For `{@attach}` on the element that scrolls; its first child is what grows. */
  attach = (scroller: HTMLElement): (() => void) => {
    this.#scroller = scroller;
    const observer = new ResizeObserver(() => this.isFollowing && this.#jump());
    observer.observe(scroller);
    if (scroller.firstElementChild) observer.observe(scroller.firstElementChild);
    scroller.addEventListener("scroll", this.#scrolled, { passive: true });
    return () => {
      observer.disconnect();
      scroller.removeEventListener("scroll", this.#scrolled);
    };
  };

  toEnd(): void {
    this.isFollowing = true;
    this.#jump();
  }

  #jump(): void {
    if (this.#scroller) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #scrolled = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller!;
    const below = scrollHeight - clientHeight - scrollTop;
    if (below < 32) this.isFollowing = true;
    else if (scrollTop < this.#lastTop - 1) this.isFollowing = false;
    this.#lastTop = scrollTop;
  };
}
