// js/hosts/faults.js: what the platform threw, for the cause of an error. The engine takes words only, cut to what fits, as
// bytes; by them the error is found again, and its words whole.

const KEPT = 64; // the latest
const KEY_MAX = 120; // letters

/** What of words comes through the engine unchanged. @param {string} words */
const keyOf = (words) => words.replace(/[^ -~]+/g, '').slice(0, KEY_MAX);

export class Faults {
  #kept = /** @type {Map<string, { words: string, error: unknown }>} */ (new Map());
  /** @param {string} words what the engine is given @param {unknown} error @returns {string} the words */
  note(words, error) {
    const key = keyOf(words);
    this.#kept.delete(key);
    this.#kept.set(key, { words, error });
    if (this.#kept.size > KEPT) for (const oldest of this.#kept.keys()) return this.#kept.delete(oldest), words;
    return words;
  }
  /** @param {string} text the engine's @returns {{ words: string, error: unknown } | undefined} the latest with these words */
  of(text) { return this.#kept.get(keyOf(text)); }
}
