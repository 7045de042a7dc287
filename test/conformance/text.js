// The scenarios of scenarios.json as runner.c takes them, and what it prints as runner.js tells it.
import { traceEvent } from '../../js/trace.js';

/** @typedef {import('./reduce.js').Scenario} Scenario */
/** @typedef {import('./reduce.js').Run} Run */

/** Where a scenario's URL leads: `{base}` and `{refused}` are origins. @param {Scenario} one @param {{ base: string, refused: string }} at */
export const urlOf = ({ name, client = {} }, { base, refused }) =>
  (client.url ?? `{base}/c/${encodeURIComponent(name)}`).replace('{base}', base).replace('{refused}', refused);

/** @param {NonNullable<Scenario['client']>} client @returns {string[]} */
function optionLines({ options = {} }) {
  const { lowSpeed, follow = true, ...others } = options;
  const numbers = Object.entries({ ...others, follow }).map(([name, value]) => [name, Number(value)]);
  if (lowSpeed) numbers.push(['lowSpeedLimit', lowSpeed.bytesPerSecond], ['lowSpeedTime', lowSpeed.ms / 1000]);
  return numbers.map(([name, value]) => `option ${name} ${value}`);
}

/** @param {NonNullable<Scenario['client']>} client @returns {string[]} */
function bodyLines({ method, body }) {
  if (body === undefined) return method === undefined ? [] : [`method ${method}`];
  if (method === 'POST') return [`post ${body.size}`];
  return [body.untold ? `put -1 ${body.size}` : `put ${body.size}`];
}

/** @param {Scenario[]} scenarios @param {{ base: string, refused: string }} at */
export function textOf(scenarios, at) {
  const lines = scenarios.flatMap((one) => {
    const { client = {} } = one, { head, write, progress, steps = [] } = client;
    return [
      `scenario ${one.name}`, `url ${urlOf(one, at)}`, ...optionLines(client), ...bodyLines(client),
      ...(head ? ['head'] : []), ...(write ? [`write ${write.at} ${write.do}`] : []), ...(progress ? [`progress ${progress}`] : []),
      ...steps.map((step) => `on ${step.join(' ')}`),
    ];
  });
  return `${lines.join('\n')}\n`;
}

/** What runner.c has printed. @param {string[]} lines @returns {Run[]} */
export function runsOf(lines) {
  /** @type {Run[]} */
  const runs = [];
  for (const line of lines) {
    const [key, ...rest] = line.split(' '), run = runs.at(-1), numbers = rest.map(Number);
    if (key === 'scenario') runs.push({ name: rest.join(' '), events: [], errno: -1 });
    else if (run === undefined) throw new Error(`the runner in C says: ${line}`);
    else if (key === 'trace') run.events.push(traceEvent(numbers[0], numbers[1], numbers[2]));
    else if (key === 'result') run.errno = numbers[0];
    else run.events.push({ what: 'said', words: line });
  }
  return runs;
}
