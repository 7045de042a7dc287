// js/demo/units.js: numbers in words.
const UNITS = ['B', 'KiB', 'MiB', 'GiB'];

/** Three digits and a unit. @param {number} bytes */
export function size(bytes) {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || Number.isInteger(value) ? Math.round(value) : value.toPrecision(value >= 1000 ? 4 : 3)} ${UNITS[power]}`;
}
/** @param {number} bytes a second */
export const speed = (bytes) => `${size(bytes)}/s`;
/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
