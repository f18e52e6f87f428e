// Values that a page keeps across a reload. If the browser denies storage, they are lost.

/** Stores a value, or deletes it if it is null. */
export function store(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // The page works without stored values.
  }
}

/** Returns the stored value, or null. */
export function load(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null;
  }
}
