// js/demo/plot.js: speed over time, a line for each transfer. SVG in the pixels of its place: sharp on every screen, and in the
// page's colours.
import { speed } from './units.js';
import { draw } from './svg.js';

const SPAN_MS = 60000, SPAN_NARROW_MS = 30000, NARROW = 560; // pixels
const TOP = 20, BOTTOM = 20, RIGHT = 30, LABEL = 13; // pixels
const LEAST = 64 * 1024; // bytes a second at the top
const LINES = 4;

/** @param {SVGSVGElement} svg */
export function makePlot(svg) {
  let width = 0, height = 0, top = LEAST;
  const frame = draw(svg, 'g', { class: 'frame' }), lines = draw(svg, 'g');
  const paths = new Map();

  /** Lines and words behind it: they change with the size and the scale. */
  function drawFrame() {
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    frame.replaceChildren();
    for (let i = 0; i <= LINES; i++) {
      const y = Math.round(TOP + (height - TOP - BOTTOM) * (1 - i / LINES)) + 0.5;
      draw(frame, 'line', { x1: 0, x2: width - RIGHT, y1: y, y2: y });
      if (i > 0) draw(frame, 'text', { x: 0, y: y - 4 }, speed(top * i / LINES));
    }
    const span = spanOf(), y = height - 5;
    draw(frame, 'text', { x: 0, y }, `${span / 1000} s ago`);
    draw(frame, 'text', { x: (width - RIGHT) / 2, y, 'text-anchor': 'middle' }, `${span / 2000} s`);
    draw(frame, 'text', { x: width - RIGHT, y, 'text-anchor': 'end' }, 'now');
  }
  const spanOf = () => (width < NARROW ? SPAN_NARROW_MS : SPAN_MS);

  /** @param {Iterable<import('./flow.js').Flow>} flows @param {number} now milliseconds @param {unknown} chosen */
  function show(flows, now, chosen) {
    const box = svg.getBoundingClientRect(), resized = box.width !== width || box.height !== height;
    [width, height] = [box.width, box.height]; // the span depends on it
    const seen = [...flows].map((flow) => ({ flow, samples: flow.samples.filter(({ at }) => at >= now - spanOf()) })).filter(({ samples }) => samples.length > 0);
    const most = Math.max(LEAST, ...seen.flatMap(({ samples }) => samples.map((sample) => sample.speed)));
    const step = 2 ** Math.floor(Math.log2(most)), scale = [1, 1.5, 2].map((times) => times * step).find((one) => one >= most * 1.02) ?? 3 * step;
    if (resized || scale !== top) {
      top = scale;
      drawFrame();
    }
    const x = (at) => ((1 - (now - at) / spanOf()) * (width - RIGHT)).toFixed(1);
    const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - value / top);
    const gone = new Set(paths.keys());
    let lowest = Infinity; // labels of the right end keep clear of each other
    for (const { flow, samples } of seen.sort((a, b) => a.samples.at(-1).speed - b.samples.at(-1).speed)) {
      gone.delete(flow);
      if (!paths.has(flow)) paths.set(flow, { line: draw(lines, 'path', { class: `hue${flow.number % 6}` }), label: draw(lines, 'text', { class: `hue${flow.number % 6}` }, `#${flow.number}`) });
      const { line, label } = paths.get(flow), last = samples.at(-1);
      line.setAttribute('d', samples.map(({ at, speed: value }, i) => `${i ? 'L' : 'M'}${x(at)} ${y(value).toFixed(1)}`).join(''));
      for (const one of [line, label]) one.classList.toggle('chosen', flow === chosen);
      label.setAttribute('visibility', flow.running ? 'visible' : 'hidden');
      if (!flow.running) continue;
      lowest = Math.min(lowest - LABEL, y(last.speed) + 4);
      label.setAttribute('x', String(width - RIGHT + 6));
      label.setAttribute('y', String(lowest));
    }
    for (const flow of gone) {
      for (const one of Object.values(paths.get(flow))) one.remove();
      paths.delete(flow);
    }
  }
  return show;
}
