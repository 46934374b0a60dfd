/** The browser's own storage, which may be full or switched off: then nothing is kept. */

export function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function write(key: string, value: string | null): void {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // Full or switched off.
  }
}

/** Removes everything whose key begins so. */
export function forget(beginning: string): void {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(beginning));
    keys.forEach((key) => localStorage.removeItem(key));
  } catch {
    // Switched off.
  }
}
