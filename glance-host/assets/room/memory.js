// What a page remembers over a reload. A browser may deny it a memory: then it forgets.

/** Remembers a value, or forgets it where it is null. */
export function remember(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // Nobody is told: the page works without.
  }
}

export function remembered(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null;
  }
}
