// js/cli/download.js: one URL to a file or to standard output, or a file to a URL.
import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transfer, TransferError } from '../index.js';
import { UsageError } from './args.js';
import { Keys } from './keys.js';
import { Meter } from './meter.js';
import { Answer, End, bytesThere, resumeCommand, withRange } from './resume.js';
import { fileSink, streamSink } from './sink.js';
import { Line, amount, duration, progressText } from './text.js';

const HTTP_RETURNED_ERROR = 22, WRITE_ERROR = 23, READ_ERROR = 26, ABORTED = 42; // CURLcode
/** What begins with a zero byte or has one near is no text: it can leave a terminal unusable. */
const BINARY = 'the body is binary and this is a terminal; -o FILE saves it, -o - writes it all the same';
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM']);

/** @param {import('./args.js').Job} job @returns {Promise<number>} a CURLcode */
export async function download(job) {
  const { url, output, binary, options } = job;
  const sink = output === undefined ? streamSink(process.stdout, 'standard output', () => transfer.abort()) : fileSink(output);
  /** @type {Transfer} */
  let transfer;
  /** @type {Answer} */
  let answer;
  try {
    const from = bytesThere(job);
    sink.from = from;
    const body = await openUpload(job.upload);
    const asked = from > 0 ? withRange(options, from) : options;
    let first = output === undefined && !binary && process.stdout.isTTY;
    answer = new Answer(job, from);
    transfer = create(url, { ...asked, ...(body && { body }), borrow: output !== undefined, onData(chunk) {
      if (first && chunk.includes(0)) throw (sink.fault = new Error(BINARY));
      first = false;
      answer.take(chunk.length);
      return sink.write(chunk);
    } });
    transfer.addEventListener('head', (event) => {
      const verdict = answer.judge(/** @type {CustomEvent} */ (event).detail);
      if (verdict instanceof End) transfer.abort(verdict);
      else sink.from = verdict;
    });
  } catch (error) {
    if (!(error instanceof End)) throw error;
    throw new UsageError(`(${error.errno}) ${error.message}`, error.errno);
  }
  return transact(job, transfer, sink, answer);
}

/** @param {import('./args.js').Job} job @param {Transfer} transfer @param {import('./sink.js').Sink} sink @param {Answer} answer @returns {Promise<number>} a CURLcode */
async function transact(job, transfer, sink, answer) {
  const line = new Line(process.stderr);
  /** @type {(words: string) => void} */
  let stop = () => {};
  /** @type {Promise<never>} */
  const stopped = new Promise((_, reject) => { stop = (words) => reject(new End(ABORTED, `CURLE_ABORTED_BY_CALLBACK: ${words}`)); });
  const interrupt = () => {
    keys?.end(); // a second one ends the process at once
    stop('interrupted');
  };
  let keys = /** @type {Keys | null} */ (null);
  keys = show(job, transfer, sink, line, interrupt, () => stop('stopped'));
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    await Promise.race([run(transfer, sink, answer, /^head$/i.test(job.options.method ?? '')), stopped]);
    line.end(lastWords(/** @type {import('../index.js').Result} */ (transfer.result), process.stderr.isTTY));
    return 0;
  } catch (error) {
    const result = transfer.progress;
    await transfer.abort();
    sink.end(false);
    const [code, words] = explain(error, sink);
    line.end(code !== 0 && code !== HTTP_RETURNED_ERROR && (result.received > 0 || result.sent > 0) ? progressText(result, sink.from) : '');
    process.stderr.write(`sluice: ${code === 0 ? '' : `(${code}) `}${words}${sink.bytes > 0 ? `; ${sink.bytes} bytes were written to ${sink.name}` : ''}\n`);
    const command = error instanceof End && error.errno === ABORTED ? resumeCommand(job, sink) : '';
    if (command) process.stderr.write(`To resume: ${command}\n`);
    return code;
  } finally {
    keys?.end();
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

/**
 * What goes on: on a terminal with keys, elsewhere in plain lines, nowhere when the body goes to the same terminal.
 * @param {import('./args.js').Job} job @param {Transfer} transfer @param {import('./sink.js').Sink} sink @param {Line} line
 * @param {() => void} interrupt @param {() => void} quit @returns {Keys | null}
 */
function show({ output, upload, options }, transfer, sink, line, interrupt, quit) {
  if (output === undefined && process.stdout.isTTY) return null;
  if (!process.stderr.isTTY) {
    line.follow(() => progressText(transfer.progress, sink.from));
    return null;
  }
  const meter = new Meter(transfer, options.maxRecvSpeed ?? 0, () => sink.from);
  const tell = () => meter.text(keys !== null, (process.stderr.columns || 80) - 1);
  let keys = /** @type {Keys | null} */ (null);
  if (process.stdin.isTTY && upload !== '-') {
    keys = new Keys(process.stdin, (key) => {
      if (key === 'q') quit();
      else if (meter.press(key)) line.show(tell());
    }, interrupt);
  }
  keys?.start();
  line.follow(() => (keys === null || keys.watch() ? tell() : null)); // in the background the terminal is another's
  return keys;
}

/** @param {string | undefined} file @returns {Promise<import('../index.js').TransferOptions['body']>} @throws {End} */
async function openUpload(file) {
  if (file === undefined) return undefined;
  if (file === '-') return process.stdin;
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new Error(`${file} is a folder`);
    return found.isFile() ? await openAsBlob(file) : createReadStream(file);
  } catch (error) {
    throw new End(READ_ERROR, `CURLE_READ_ERROR: cannot read ${file}: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} url @param {import('../index.js').TransferOptions} options */
function create(url, options) {
  try {
    return new Transfer(url, options);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new UsageError(message, message.startsWith('url') ? 3 : 2);
  }
}

/** @param {Transfer} transfer @param {import('./sink.js').Sink} sink @param {Answer} answer @param {boolean} headOnly */
async function run(transfer, sink, answer, headOnly) {
  const done = transfer.perform();
  if (headOnly) {
    const { text } = await transfer.response;
    await done;
    await sink.write(Buffer.from(text, 'latin1'));
  }
  await done;
  answer.end();
  await sink.end(true);
}

/** @param {unknown} error @param {import('./sink.js').Sink} sink @returns {[code: number, words: string]} */
function explain(error, sink) {
  if (sink.fault !== null) return [WRITE_ERROR, `CURLE_WRITE_ERROR: cannot write to ${sink.name}: ${sink.fault.message}`];
  const end = error instanceof TransferError ? error.cause : error; // thrown by onData
  if (end instanceof End) return [end.errno, end.message];
  if (error instanceof TransferError) return [error.errno, error.message === error.code ? error.code : `${error.code}: ${error.message}`];
  return [ABORTED, `CURLE_ABORTED_BY_CALLBACK: ${error instanceof Error ? error.message : error}`];
}

/** @param {import('../index.js').Result} result @param {boolean} terminal */
function lastWords({ status, received, sent, elapsedMs, averageReceiveSpeed, averageSendSpeed, headers, redirects, url }, terminal) {
  const elsewhere = status >= 300 && status < 400 && headers.get('location');
  const what = sent > 0 ? `${amount(sent)} sent and ${amount(received)} received` : amount(received);
  return `${terminal ? 'done        ' : ''}${what} in ${duration(elapsedMs)}, ${amount(sent > received ? averageSendSpeed : averageReceiveSpeed)}/s, status ${status}` +
    (elsewhere ? `; it goes on at ${elsewhere}` : '') +
    (redirects > 0 ? `; after ${redirects} ${redirects === 1 ? 'redirect' : 'redirects'} to ${url}` : '');
}
