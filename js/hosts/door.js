// js/hosts/door.js: what every JavaScript host needs of c/include/sluice/host.h: its numbers, the grammar of
// an open spec, and the one place where an exception on its way into a Wasm frame is caught.

/** Import module of the door. */
export const DOOR = 'sluice_host_1';

/** `enum sl_kind` */
export const SL_TCP = 1, SL_TLS = 2, SL_EXCHANGE = 3, SL_FILE = 4;
/** `enum sl_event_bits` */
export const SL_OPENED = 1, SL_IN = 2, SL_OUT = 4, SL_GONE = 8, SL_HELD = 16, SL_FREE = 32;
/** `enum sl_code` */
export const SL_AGAIN = -1, SL_NOSYS = -2, SL_INVAL = -3, SL_NOMEM = -4, SL_IO = -5, SL_BUSY = -6,
  SL_RESOLVE = -10, SL_REFUSED = -11, SL_RESET = -12, SL_DENIED = -13,
  SL_TLS_FAILED = -20, SL_TLS_VERIFY = -21, SL_TLS_CERT = -22, SL_TLS_CA = -23, SL_TLS_PIN = -24,
  SL_SINK_PAUSED = -40, SL_SINK_FAILED = -41;
/** `enum sl_info_what` */
export const SL_INFO_PHASE = 1, SL_INFO_ALPN = 2, SL_INFO_PEER = 3, SL_INFO_LOCAL = 4, SL_INFO_TLS = 5,
  SL_INFO_TIMES = 6, SL_INFO_HEAD = 7, SL_INFO_HELD = 8, SL_INFO_ERROR = 9, SL_INFO_SIZE = 10,
  SL_INFO_UNSENT = 11, SL_INFO_LEFT = 12;
/** What a host did without. */
export const SL_LEFT_AGENT = 1, SL_LEFT_REDIRECTS = 2;
/** `enum sl_how` */
export const SL_FINISH = 0, SL_END_SEND = 1, SL_ABORT = 2;
/** Bytes: what a host may buffer of what the engine sent on one channel. */
export const SL_HOST_SEND_MAX = 65536;
/** Bytes: what a host may keep of one channel that the engine has not taken. */
export const SL_HOST_HELD_MAX = 65536;

/**
 * What a host is given by the engine it lends itself to.
 * @typedef {object} Engine
 * @property {() => Uint8Array} memory Wasm memory as it is now; valid until the next call into the engine.
 * @property {(ch: number, events: number) => void | false} ready Something happened at a channel. Never throws. False: the
 *   engine has not run, it will; tell it anew when it has taken bytes or changed what it wants.
 * @property {(token: number, chunk: Uint8Array, lender?: Lender | null) => number} sink Bytes for a transfer: how many were
 *   accepted, or SL_SINK_PAUSED, SL_SINK_FAILED. Never throws. With a lender they are lent until it returns, or for as long
 *   as keep() says; null: the host gives them away, with the whole ArrayBuffer they are in, and never uses that again. No
 *   lender: they are lent until it returns.
 * @property {(token: number, max: number) => Uint8Array | number} source Bytes of a transfer's body, at most max: taken
 *   from it for good, not to be changed and unchanged until they are sent; 0: the end; or SL_AGAIN, SL_SINK_FAILED. Never throws.
 */

/**
 * Whose memory the bytes given to a sink are in, asked and answered before that returns (B19).
 * @typedef {object} Lender
 * @property {(bytes: Uint8Array) => Uint8Array} lend The taker wants to use these bytes for as long as keep() will say: where
 *   they are now, or, when the host needs that memory itself, in a copy; then it reads what comes next into memory that it can lend.
 * @property {(until: PromiseLike<unknown>) => void} keep After lend(): lent bytes stay as they are until it has settled,
 *   whatever becomes of the channel; nothing is wanted before it has.
 */

/**
 * Who owns sockets, clock and randomness.
 * @typedef {object} Host
 * @property {string} name
 * @property {(engine: Engine) => Record<string, Function>} attach Lends itself to one engine, once: the imports of `sluice_host_1`.
 * @property {(options: TlsOptions) => string} registerTls A word for these options, for the spec keys `ca` and `cert`; equal contents give equal words.
 * @property {(text: string) => { words: string, error: unknown } | undefined} [fault] What the platform threw, by its words as the
 *   engine passed them on.
 * @property {() => void} close Drops every channel at once and frees what the host owns.
 * @property {(closes: boolean) => Promise<void>} [settled] Resolves when what the engine has asked for so far is done: what it does
 *   not want is not read any more and, with `closes`, the channels it has closed are gone. Soon in any case; never rejects.
 */

/**
 * Named as Node names them.
 * @typedef {object} TlsOptions
 * @property {string | Uint8Array | Array<string | Uint8Array>} [ca] Trusted certificates, PEM, instead of the default ones.
 * @property {string | Uint8Array | Array<string | Uint8Array>} [cert] Client certificate chain, PEM.
 * @property {string | Uint8Array} [key] Its private key, PEM.
 * @property {string} [passphrase] Of the private key.
 * @property {string} [servername] Name to ask for and to verify, instead of the URL's.
 */

const KEYS = new Set(['name', 'port', 'unix', 'local', 'family', 'alpn', 'verify', 'ca', 'cert', 'key', 'path', 'mode',
  'method', 'url', 'redirect', 'body', 'header']);

/**
 * @param {string} text
 * @returns {Record<string, string> | null} The lines of `header`, which may come again, in one with LF between them; null: malformed.
 */
export function parseSpec(text) {
  /** @type {Record<string, string>} */
  const spec = {};
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const space = line.indexOf(' ');
    const key = line.slice(0, space);
    if (space < 1 || space === line.length - 1 || !KEYS.has(key) || (key in spec && key !== 'header')) return null;
    spec[key] = (key in spec ? `${spec[key]}\n` : '') + line.slice(space + 1);
  }
  return spec;
}

/**
 * The imports with every exception caught: SL_IO (0n where an int64 is answered), and `caught` is told.
 * @param {Record<string, (...args: any[]) => any>} imports
 * @param {(error: unknown, name: string) => void} caught Must not throw.
 * @returns {Record<string, Function>}
 */
export function guard(imports, caught) {
  /** @type {Record<string, Function>} */
  const guarded = {};
  for (const [name, call] of Object.entries(imports)) {
    const answer = name === 'sl_now_us' || name === 'sl_unix_ms' ? 0n : SL_IO;
    // No import has more than four parameters; named ones are cheaper than a rest array.
    guarded[name] = (/** @type {any} */ a, /** @type {any} */ b, /** @type {any} */ c, /** @type {any} */ d) => {
      try {
        return call(a, b, c, d);
      } catch (error) {
        caught(error, name);
        return answer;
      }
    };
  }
  return guarded;
}
