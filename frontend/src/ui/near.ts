/** Something that is to happen before its place comes into sight. */

const AHEAD = "600px";

/** An attachment that calls `act` whenever the element comes near to what is seen of its scroller. */
export function near(act: () => void, scrollerOf: (element: Element) => Element | null) {
  return (element: Element): (() => void) => {
    const seen = (entries: IntersectionObserverEntry[]): void => {
      if (entries.at(-1)?.isIntersecting) act();
    };
    const observer = new IntersectionObserver(seen, {
      root: scrollerOf(element),
      rootMargin: AHEAD,
    });
    observer.observe(element);
    return () => observer.disconnect();
  };
}
