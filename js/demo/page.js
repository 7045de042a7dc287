// js/demo/page.js: the page: what is started, who is chosen, which key does what.
import { Multi } from '../browser.js';
import { makeCard } from './card.js';
import { makeDiagram } from './diagram.js';
import { Flow, KINDS, PAGE } from './flow.js';
import { makeLimits } from './limits.js';
import { makeLog } from './log.js';
import { makePlot } from './plot.js';
import { size, speed } from './units.js';

const SAMPLE_MS = 250;
const AT_ONCE = 4; // browsers let 6 requests to a server through: some are left for the server's figures. The others are PENDING

const $ = (id) => document.getElementById(id);
const multi = new Multi({ maxPerHost: AT_ONCE });
const cards = /** @type {Map<Flow, ReturnType<typeof makeCard>>} */ (new Map());
const log = makeLog($('log'));
const plot = makePlot($('plot')), diagram = makeDiagram($('diagram')), limits = makeLimits($('limits'), log);
let chosen = /** @type {Flow | null} */ (null);
let sampled = 0; // the latest time, in milliseconds: the plot's right end
let due = false; // a look at everything, with the next frame

function change() {
  if (due) return;
  due = true;
  requestAnimationFrame(show);
}
function show() {
  due = false;
  const flows = [...cards.keys()], begun = flows.filter((flow) => flow.running), waiting = begun.filter((flow) => flow.waiting).length;
  for (const [flow, card] of cards) card.show(flow === chosen);
  diagram(chosen);
  limits(chosen);
  $('chosen').textContent = chosen ? `#${chosen.number} ${chosen.name}` : 'none chosen';
  $('outcome').textContent = chosen?.failed ? chosen.words : '';
  $('none').hidden = flows.length > 0;
  const add = (what) => begun.reduce((sum, flow) => sum + what(flow), 0);
  $('running').textContent = `${begun.length - waiting} running${waiting > 0 ? `, ${waiting} waiting` : ''}`;
  $('speed').textContent = speed(add((flow) => flow.speed));
  $('held').textContent = `${size(add((flow) => flow.transfer.progress.held))} held`;
}

setInterval(() => {
  const running = [...cards.keys()].filter((flow) => flow.running);
  if (running.length === 0) return; // the picture stays
  sampled = performance.now();
  for (const flow of running) flow.sample(sampled);
  plot(cards.keys(), sampled, chosen);
  change();
}, SAMPLE_MS);
new ResizeObserver(() => plot(cards.keys(), sampled, chosen)).observe($('plot'));

const obey = {
  choose(flow) { chosen = flow; },
  start(flow) { if (!flow.running) void flow.start(); },
  pause(flow) { flow.pause(); },
  resume(flow) { flow.resume(); },
  abort(flow) { flow.abort(); },
  remove(flow) { if (!flow.running) obey.drop(flow); },
  drop(flow) {
    flow.abort(); // nothing, when it has ended
    const flows = [...cards.keys()], at = flows.indexOf(flow), next = flows[at + 1] ?? flows[at - 1] ?? null;
    const focused = cards.get(flow).card.contains(document.activeElement);
    cards.get(flow).card.remove();
    cards.delete(flow);
    if (chosen === flow) chosen = next;
    if (focused) (cards.get(next)?.title ?? $('start').querySelector('button')).focus();
  },
};
function order(command, flow) {
  obey[command](flow);
  change();
}

for (const button of $('start').querySelectorAll('button')) {
  button.addEventListener('click', () => {
    const flow = new Flow(/** @type {keyof typeof KINDS} */ (button.dataset.kind), multi, { log, change });
    const card = makeCard(flow, $('card'), order);
    cards.set(flow, card);
    $('flows').append(card.card);
    card.card.addEventListener('focusin', () => order('choose', flow));
    chosen = flow;
    order('start', flow);
  });
}
for (const button of $('all').querySelectorAll('button')) {
  button.addEventListener('click', () => {
    for (const flow of [...cards.keys()]) if (flow.running || button.dataset.command === 'drop') order(button.dataset.command, flow);
  });
}

const KEYS = { p: 'pause', r: 'resume', a: 'abort', s: 'start', delete: 'remove' };
/** Keys are for the chosen transfer wherever the focus is, such as on the button that started it, but where one types. @param {KeyboardEvent} event */
function key(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || chosen === null || event.target.type === 'number') return;
  const command = KEYS[event.key.toLowerCase()], inside = cards.get(chosen).card.contains(event.target);
  const flows = [...cards.keys()], step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (command !== undefined) order(command, chosen);
  else if (step !== undefined && event.target.type !== 'range' && event.target.id !== 'log') {
    cards.get(inside ? flows[flows.indexOf(chosen) + step] : chosen)?.title.focus(); // the first one goes to the list
  } else return;
  event.preventDefault();
}
document.addEventListener('keydown', key);

new EventSource(`/stats?of=${PAGE}`).addEventListener('message', ({ data }) => {
  const visits = JSON.parse(data);
  for (const flow of cards.keys()) flow.server = visits[flow.id] ?? flow.server;
  change();
});
show();
