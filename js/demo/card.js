// js/demo/card.js: a transfer in the list: its figures, its buttons, its rate. The buttons keep their places, so that the
// focus stays where it was when a transfer ends.
import { seconds, size, speed } from './units.js';

/** Bytes a second at each stop of the slider; 0: no limit. */
export const RATES = [...Array.from({ length: 13 }, (_, i) => 16384 * 2 ** i), 0];
export const rateWords = (rate) => (rate === 0 ? 'no limit' : speed(rate));
const stopOf = (rate) => (rate === 0 ? RATES.length - 1 : Math.max(0, RATES.findIndex((one) => one >= rate)));

/** What a transfer is doing, in a word or two. @param {import('./flow.js').Flow} flow */
export function stateWords(flow) {
  if (flow.outcome) return flow.failed ? 'failed' : flow.outcome.ok ? 'complete' : 'aborted';
  if (flow.paused) return 'paused';
  if (flow.state !== 'ACTIVE') return flow.state.toLowerCase();
  return flow.uploads && flow.halves.send !== 'end' ? 'sending' : flow.halves.recv === 'head' ? 'waiting' : 'receiving';
}
const TONES = { complete: 'good', failed: 'bad', paused: 'held', sending: 'on', receiving: 'on' };

/** @param {import('./flow.js').Flow} flow @param {HTMLTemplateElement} template @param {(command: string, flow: import('./flow.js').Flow) => void} obey */
export function makeCard(flow, template, obey) {
  const card = template.content.cloneNode(true).firstElementChild;
  const part = (name) => card.querySelector(`[data-part=${name}]`);
  const [title, chip, hold, abort, remove, bar, here, there, rate, rateText] =
    ['title', 'chip', 'hold', 'abort', 'remove', 'bar', 'here', 'there', 'rate', 'rate-text'].map(part);
  card.classList.add(`hue${flow.number % 6}`);
  part('name').textContent = `#${flow.number} ${flow.name}`;
  bar.setAttribute('aria-label', `Progress of #${flow.number}`);
  rate.setAttribute('aria-label', `Rate limit of #${flow.number}`);
  rate.max = RATES.length - 1;
  rate.value = stopOf(flow.limits.maxRecvSpeed);
  for (const [button, command] of [[title, 'choose'], [abort, 'abort'], [remove, 'remove']]) button.addEventListener('click', () => obey(command, flow));
  hold.addEventListener('click', () => obey(hold.dataset.command, flow));
  const showRate = () => {
    rateText.textContent = rateWords(RATES[rate.value]);
    rate.setAttribute('aria-valuetext', rateText.textContent);
  };
  rate.addEventListener('input', () => {
    flow.limit({ maxRecvSpeed: RATES[rate.value], maxSendSpeed: RATES[rate.value] });
    showRate();
  });
  showRate();

  const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const name = (button, word, letter) => {
    if (button.dataset.word === word) return;
    button.dataset.word = word;
    button.querySelector('span').textContent = word;
    button.querySelector('kbd').textContent = letter;
    button.setAttribute('aria-label', `${word} #${flow.number}`);
  };
  name(abort, 'Abort', 'A');
  remove.setAttribute('aria-label', `Remove #${flow.number}`);

  function show(chosen) {
    const { progress } = flow.transfer, { bytes, server } = flow, words = stateWords(flow);
    const far = flow.uploads ? server?.received : server?.sent;
    card.dataset.state = flow.state;
    card.classList.toggle('chosen', chosen);
    title.setAttribute('aria-pressed', String(chosen));
    set(chip, words);
    chip.dataset.tone = TONES[words] ?? '';
    hold.dataset.command = flow.running ? (flow.paused ? 'resume' : 'pause') : 'start';
    name(hold, ...{ pause: ['Pause', 'P'], resume: ['Resume', 'R'], start: ['Again', 'S'] }[hold.dataset.command]);
    abort.setAttribute('aria-disabled', String(!flow.running));
    remove.hidden = flow.running;
    here.style.width = `${100 * Math.min(1, bytes / flow.size)}%`;
    there.style.width = `${100 * Math.min(1, (far ?? 0) / flow.size)}%`;
    bar.setAttribute('aria-valuenow', String(Math.floor(100 * bytes / flow.size)));
    set(part('bytes'), `${size(bytes)} of ${size(flow.size)}`);
    set(part('speed'), flow.running && progress.eta ? `${speed(flow.speed)}, ${seconds(progress.eta)} left` : speed(flow.speed));
    set(part('held'), size(progress.held));
    set(part('server-word'), flow.uploads ? 'server got' : 'server sent');
    set(part('server'), far === undefined ? '–' : size(far));
    set(part('closed'), server && !server.open && !flow.outcome?.ok ? 'and closed' : '');
  }
  return { card, title, show };
}
