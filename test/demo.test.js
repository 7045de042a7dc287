// The demo page as people use it, in Debian's Chromium: what it shows is compared with what its server has seen. Screenshots
// go to build/screenshots/.
import { mkdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { HALVES, LIVES, TRANSITIONS } from '../js/demo/diagram.js';
import { demoServer } from '../js/demo/server.js';
import { size } from '../js/demo/units.js';
import { settled, until } from './helpers/wait.js';
import { ROOT } from './support/command.js';
import { launch } from './support/site.js';

const MiB = 1048576;
const TAKEN_MAX = 64 * MiB; // what the browser and the kernels take of a body that nobody reads, generously: Linux alone may take 36
const SHOTS = join(ROOT, 'build/screenshots');
let browser, server, page;
const errors = [];

async function open(options = {}) {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.setDefaultTimeout(15000);
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) errors.push(message.text()); });
  await page.goto(server.url);
  return page;
}
const button = (name) => page.getByRole('button', { name, exact: true });
const card = (number) => page.locator('.card').nth(number - 1);
const shows = (number, part, text) => card(number).locator(`[data-part=${part}]`).getByText(text, { exact: true }).waitFor();
const chips = () => page.locator('.chip').allTextContents();
const lit = (state, tone) => page.locator(`[data-life=${state}][data-lit=${tone}]`).waitFor();
const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
/** What the server knows of the latest request with that number, of this page. */
const visit = (number) => [...server.visits].findLast(([id]) => id.endsWith(`-${number}`))?.[1];
const begun = (number) => until(() => visit(number)?.sent > 0);
/** A stop of a slider's, by keys. */
const rate = (number, key) => card(number).locator('input').press(key);

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  [browser, server] = await Promise.all([launch(), demoServer()]);
}, 60000);
afterAll(async () => {
  await browser?.close();
  await server?.close();
});
afterEach(() => {
  server.visits.clear();
  expect(errors.splice(0)).toEqual([]);
});

test('the diagram has the states and transitions of the engine, and no others', () => {
  const lines = readFileSync(join(ROOT, 'c/engine/state.mmd'), 'utf8').split('\n');
  const edges = lines.map((line) => /^ {2}([A-Z]+) --> ([A-Z]+): (\w+)/.exec(line)?.slice(1).join(' ')).filter(Boolean);
  expect(TRANSITIONS.map(([from, to, event]) => `${from} ${to} ${event}`).sort()).toEqual(edges.sort());
  expect(Object.keys(LIVES).sort()).toEqual([...new Set(edges.flatMap((edge) => edge.split(' ').slice(0, 2)))].sort());
  for (const half of ['send', 'recv']) {
    const names = lines.flatMap((line) => [...line.matchAll(new RegExp(`\\b${half}_([A-Z]+)`, 'g'))].map((found) => found[1]));
    expect([...HALVES[half]].sort()).toEqual([...new Set(names)].sort());
  }
});

test.each([[390, 844, 'light'], [390, 844, 'dark'], [1280, 800, 'light'], [1280, 800, 'dark']])('%d x %d, %s: it loads clean, runs, and fits', async (width, height, colorScheme) => {
  await open({ viewport: { width, height }, colorScheme });
  await button('Download').click();
  await begun(1);
  await button('Upload').click();
  await button('Stalling server').click();
  await button('Slow server').click();
  await shows(4, 'chip', 'receiving');
  await until(() => visit(4).sent > MiB); // something to see
  await button('Abort #3').click();
  await until(() => visit(3)?.open === false);
  await button('Pause #1').click();
  await shows(1, 'chip', 'paused');
  await lit('ACTIVE', 'held');
  await page.locator('#plot path[d*=L]').first().waitFor({ state: 'attached' });
  expect(await fits()).toBe(true);
  await page.screenshot({ path: join(SHOTS, `demo-${width}-${colorScheme}.png`), fullPage: true });
});

test('360 pixels are wide enough, with long words too; the total time ends one (T1)', async () => {
  await open({ viewport: { width: 360, height: 740 } });
  expect(await fits()).toBe(true);
  for (const name of ['Download', 'Stalling server', 'Upload']) await button(name).click();
  await begun(2);
  await page.getByLabel('in all, s').fill('0.5'); // of the one started last
  await page.getByLabel('in all, s').press('Enter');
  await lit('DONE', 'bad');
  expect(await page.locator('#outcome').textContent()).toMatch(/^CURLE_OPERATION_TIMEDOUT: Operation timed out/);
  expect(await fits()).toBe(true);
  await button('Abort all').click();
  await page.locator('#running').getByText('0 running').waitFor();
  await page.setViewportSize({ width: 1280, height: 800 }); // nothing runs: the picture stays, in its new size
  await page.locator('#plot').getByText('60 s ago').waitFor();
  const ends = () => page.locator('#plot path').evaluateAll((paths) => paths.map((path) => path.getAttribute('d').match(/[ML]([\d.]+) [\d.]+$/)[1]).map(Number));
  const [now] = await page.locator('#plot').getByText('now').evaluateAll((texts) => texts.map((text) => Number(text.getAttribute('x'))));
  expect(Math.max(...await ends())).toBeCloseTo(now, 0);
});

test('a pause stops the server, the resume loses nothing; the lit state follows', async () => {
  await open();
  await button('Download').click();
  await begun(1);
  await lit('ACTIVE', 'on');
  await button('Pause #1').click();
  await lit('ACTIVE', 'held');
  expect(await page.locator('.gate.closed').count()).toBe(2);
  const sent = await settled(() => visit(1).sent, 700);
  const bytes = await card(1).locator('[data-part=bytes]').textContent(), [value, unit] = bytes.split(' ');
  await shows(1, 'server', size(sent)); // as the server says it
  await settled(() => visit(1).sent, 700);
  expect(visit(1).sent).toBe(sent);
  expect(await card(1).locator('[data-part=bytes]').textContent()).toBe(bytes);
  expect(sent - value * { KiB: 1024, MiB }[unit]).toBeLessThan(TAKEN_MAX);
  await rate(1, 'End'); // no limit
  await shows(1, 'rate-text', 'no limit');
  await button('Resume #1').click();
  await shows(1, 'chip', 'complete');
  await shows(1, 'bytes', '128 MiB of 128 MiB');
  await lit('DONE', 'good');
  expect(visit(1).sent).toBe(128 * MiB);
  expect(await page.getByRole('log').textContent()).toMatch(/#1 gates closed: both, by call.*#1 gates open.*#1 stop: complete, CURLE_OK.*#1 done: complete/s);
});

test('an upload arrives whole; an abort is seen by the server, and starts again (X2)', async () => {
  await open();
  await button('Upload').click();
  await rate(1, 'End');
  await shows(1, 'chip', 'complete');
  await shows(1, 'server', '16 MiB');
  expect(visit(1).received).toBe(16 * MiB);
  await button('Slow server').click();
  await begun(2);
  await button('Abort #2').click();
  await shows(2, 'chip', 'aborted');
  await until(() => !visit(2).open);
  await shows(2, 'closed', 'and closed');
  await lit('DONE', 'still'); // an abort is no fault
  expect(await card(2).locator('.chip').getAttribute('data-tone')).toBe('');
  expect(await page.locator('#outcome').textContent()).toBe('');
  expect(await page.getByRole('log').textContent()).toContain('#2 done: aborted');
  const before = visit(2);
  await button('Again #2').click();
  await until(() => visit(2) !== before && visit(2).sent > 0);
  await shows(2, 'chip', 'receiving');
});

test('all at once: paused, resumed, aborted; a fifth one waits', async () => {
  await open();
  for (let i = 1; i <= 5; i++) await button('Slow server').click();
  await lit('PENDING', 'still');
  await page.locator('#running').getByText('4 running, 1 waiting', { exact: true }).waitFor();
  await shows(4, 'chip', 'receiving');
  await button('Pause all').click();
  for (let i = 1; i <= 5; i++) await shows(i, 'chip', 'paused');
  await lit('PENDING', 'held');
  await button('Resume all').click();
  for (let i = 1; i <= 4; i++) await shows(i, 'chip', 'receiving');
  await button('Abort all').click();
  for (let i = 1; i <= 5; i++) await shows(i, 'chip', 'aborted');
  await until(() => [1, 2, 3, 4].every((number) => !visit(number).open));
  expect(visit(5)).toBeUndefined();
  expect(await page.locator('#running').textContent()).toBe('0 running');
});

test('the keys are for the transfer just started, without a step to it', async () => {
  await open();
  await button('Slow server').click();
  await begun(1);
  const press = (key) => page.keyboard.press(key);
  await press('p');
  await shows(1, 'chip', 'paused');
  await press('r');
  await shows(1, 'chip', 'receiving');
  await press('a');
  await shows(1, 'chip', 'aborted');
  await press('s');
  await shows(1, 'chip', 'receiving');
  await page.getByLabel('in all, s').press('a'); // typed, and no command
  await page.getByRole('log').press('ArrowDown'); // scrolls
  await shows(1, 'chip', 'receiving');
  await button('Slow server').press('ArrowDown');
  expect(await page.evaluate(() => document.activeElement.textContent)).toBe('#1 Slow server');
  await press('a');
  await press('Delete');
  expect(await chips()).toEqual([]);
});

test('all are removed, those that run are aborted', async () => {
  await open();
  for (let i = 1; i <= 5; i++) await button('Slow server').click();
  await begun(4);
  await button('Remove all').click();
  expect(await chips()).toEqual([]);
  await until(() => [1, 2, 3, 4].every((number) => !visit(number).open));
  expect(visit(5)).toBeUndefined();
  expect(await page.locator('#running').textContent()).toBe('0 running');
  await button('Slow server').click();
  await shows(1, 'chip', 'receiving');
});

test('by keyboard alone', async () => {
  await open();
  const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim());
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  await press('Tab');
  expect(await focused()).toBe('Download');
  await press('Tab', 'Tab', 'Enter', 'Enter'); // two of the slow server
  await begun(2);
  await press('Tab', 'Tab', 'Tab', 'Tab', 'Tab', 'Tab');
  expect(await focused()).toBe('#1 Slow server');
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  expect(ring).toBe('solid');
  await press('p');
  await shows(1, 'chip', 'paused');
  await press('r');
  await shows(1, 'chip', 'receiving');
  await press('ArrowDown');
  expect(await focused()).toBe('#2 Slow server');
  await page.locator('#chosen').getByText('#2 Slow server', { exact: true }).waitFor();
  await press('Tab', 'Space'); // its first button
  await shows(2, 'chip', 'paused');
  await press('Tab');
  expect(await focused()).toBe('Abort #2');
  await press('Enter');
  await shows(2, 'chip', 'aborted');
  expect(await focused()).toBe('Abort #2'); // it stays where it was
  await press('Delete');
  expect(await focused()).toBe('#1 Slow server');
  expect(await chips()).toEqual(['receiving']);
  await press('a', 's');
  await shows(1, 'chip', 'receiving');
});

test('the server: nothing but the page, for this machine, of a bounded size', async () => {
  const ask = (path, headers = {}) => new Promise((resolve, reject) => {
    http.get(new URL(server.url), { path, headers, agent: false }, (response) => {
      response.destroy();
      resolve([response.statusCode, response.headers]);
    }).on('error', reject);
  });
  for (const path of ['/package.json', '/js/../package.json', '/js/%2e%2e/package.json', '/dist/sluice.wasm', '/js/none.js', '//', '/js/demo/']) {
    expect([path, (await ask(path))[0]]).toEqual([path, 404]);
  }
  expect((await ask('/js/browser.js', { host: 'elsewhere.example' }))[0]).toBe(403);
  const [, head] = await ask('/download?id=x&size=99999999999999');
  expect(head).toMatchObject({ 'content-length': String(1024 * MiB), 'cache-control': 'no-store' });
  expect((await ask('/js/demo/index.html'))[1]['content-security-policy']).toMatch(/default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/);
});
