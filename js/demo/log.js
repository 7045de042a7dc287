// js/demo/log.js: the event log.
import { seconds } from './units.js';

const LINES_MAX = 300;

/** @param {HTMLElement} list */
export function makeLog(list) {
  /** @param {import('./flow.js').Flow} flow @param {string} text */
  return (flow, text) => {
    const line = document.createElement('p'), time = document.createElement('time'), who = document.createElement('b');
    time.textContent = seconds(performance.now());
    who.textContent = `#${flow.number}`;
    line.className = `hue${flow.number % 6}`;
    line.append(time, ' ', who, ' ', text);
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 40; // else somebody is reading further up
    list.append(line);
    if (list.children.length > LINES_MAX) list.firstElementChild.remove();
    if (follows) list.scrollTop = list.scrollHeight;
  };
}
