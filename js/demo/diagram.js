// js/demo/diagram.js: a transfer's life, drawn: the states and transitions of c/engine/state.mmd (a test compares them), with
// the current ones lit, and the two gates that a pause closes.
import { draw } from './svg.js';

/** [x, y, width], all HEIGHT high but ACTIVE. */
export const LIVES = {
  IDLE: [8, 8, 66],
  PENDING: [124, 8, 88],
  CONNECTING: [256, 8, 96],
  ACTIVE: [84, 98, 226],
  DONE: [136, 248, 84],
};
/** [from, to, event, path, x and y of its name, where that is anchored] */
export const TRANSITIONS = [
  ['IDLE', 'PENDING', 'START', 'M74 23H124', 99, 19, 'middle'],
  ['PENDING', 'CONNECTING', 'OPEN', 'M212 17H256', 234, 13, 'middle'],
  ['CONNECTING', 'PENDING', 'AGAIN', 'M256 29H212', 234, 40, 'middle'],
  ['PENDING', 'ACTIVE', 'BEGIN', 'M164 38V98', 168, 82, 'start'],
  ['ACTIVE', 'PENDING', 'AGAIN', 'M203 98V38', 207, 82, 'start'],
  ['CONNECTING', 'ACTIVE', 'BEGIN', 'M284 38V98', 288, 82, 'start'],
  ['CONNECTING', 'DONE', 'STOP', 'M338 38V263H220', 334, 241, 'end'],
  ['ACTIVE', 'DONE', 'FINISH', 'M163 210V248', 159, 233, 'end'],
  ['ACTIVE', 'DONE', 'STOP', 'M193 210V248', 197, 233, 'start'],
  ['PENDING', 'DONE', 'STOP', 'M148 38V68H66V254H136', 70, 82, 'start'],
  ['DONE', 'PENDING', 'START', 'M136 264H42V54H134V38', 46, 50, 'start'],
  ['DONE', 'IDLE', 'RESET', 'M136 274H18V38', 22, 290, 'start'],
];
export const HALVES = { send: ['HEAD', 'WAIT', 'BODY', 'END'], recv: ['HEAD', 'BODY', 'END'] };

const HEIGHT = 30, ACTIVE_HEIGHT = 112;
const ROWS = { send: 128, recv: 178 };
const STEP = 42;

/** @param {SVGSVGElement} svg @returns {(flow: import('./flow.js').Flow | null) => void} shows that one */
export function makeDiagram(svg) {
  const tips = draw(svg, 'defs');
  for (const id of ['tip', 'tip-lit']) {
    draw(draw(tips, 'marker', { id, viewBox: '0 0 8 8', refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' }), 'path', { d: 'M0 0.5 8 4 0 7.5z' });
  }
  const edges = TRANSITIONS.map(([from, to, event, d, x, y, anchor]) => {
    const group = draw(svg, 'g', { class: 'edge' });
    draw(group, 'path', { d });
    draw(group, 'text', { x, y, 'text-anchor': anchor }, event);
    return { group, name: `${from} ${to}` };
  });
  const lives = Object.entries(LIVES).map(([name, [x, y, width]]) => {
    const group = draw(svg, 'g', { class: 'life', 'data-life': name });
    draw(group, 'rect', { x, y, width, height: name === 'ACTIVE' ? ACTIVE_HEIGHT : HEIGHT, rx: 7 });
    draw(group, 'text', name === 'ACTIVE' ? { x: x + 10, y: y + 17 } : { x: x + width / 2, y: y + 20, 'text-anchor': 'middle' }, name);
    return group;
  });
  const [left] = LIVES.ACTIVE;
  const steps = [], gates = [];
  for (const [half, names] of Object.entries(HALVES)) {
    const y = ROWS[half];
    names.forEach((name, i) => {
      const x = left + 8 + i * STEP;
      const group = draw(svg, 'g', { class: 'step', 'data-step': `${half} ${name}` });
      draw(group, 'rect', { x, y, width: STEP - 4, height: 22, rx: 5 });
      draw(group, 'text', { x: x + (STEP - 4) / 2, y: y + 15, 'text-anchor': 'middle' }, name);
      steps.push(group);
    });
    draw(svg, 'text', { class: 'half', x: half === 'send' ? left + 172 : left + 8, y: y - 5, 'text-anchor': half === 'send' ? 'end' : 'start' }, half === 'send' ? 'sending' : 'receiving');
    const gate = draw(svg, 'g', { class: 'gate', 'data-gate': half }), x = left + 180;
    draw(gate, 'path', { class: 'posts', d: `M${x + 4} ${y - 4}V${y + 24}M${x + 32} ${y - 4}V${y + 24}` });
    draw(gate, 'rect', { class: 'leaf', x: x + 6, y, width: 24, height: 22, rx: 2 });
    gates.push({ gate, half, word: draw(gate, 'text', { x: x + 18, y: y - 8, 'text-anchor': 'middle' }) });
  }

  return (flow) => {
    const state = flow?.state, kind = flow?.paused ? 'held' : flow?.failed ? 'bad' : flow?.outcome?.ok ? 'good' : flow?.outcome || flow?.waiting ? 'still' : 'on';
    for (const life of lives) {
      if (life.dataset.life === state) life.dataset.lit = kind;
      else delete life.dataset.lit;
    }
    for (const { group, name } of edges) group.classList.toggle('lit', name === flow?.edge && name.endsWith(` ${state}`));
    for (const step of steps) {
      const [half, name] = step.dataset.step.split(' ');
      step.classList.toggle('lit', state === 'ACTIVE' && flow.halves[half] === name.toLowerCase());
    }
    const paused = flow?.running ? flow.transfer.paused : { recv: false, send: false };
    for (const { gate, half, word } of gates) {
      gate.classList.toggle('closed', paused[half]);
      word.textContent = paused[half] ? 'closed' : 'open';
    }
    svg.setAttribute('aria-label', flow ? `State diagram: transfer ${flow.number} is ${state}${flow.paused ? ', paused' : ''}` : 'State diagram: no transfer is chosen');
  };
}
