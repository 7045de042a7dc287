// js/cli/keys.js: single keys from the terminal. They are taken while this process is in the foreground and given back,
// with the terminal as it was, when it stops, moves to the background or ends. (A process that exits or crashes gives
// back the terminal by itself: Node sees to that.)
import { readFileSync } from 'node:fs';

const CTRL_C = '\x03', CTRL_BACKSLASH = '\x1c', CTRL_Z = '\x1a';
const SEQUENCE = /\x1b(\[[0-?]*[ -/]*[@-~]|O.)?/gs; // an arrow, a function key
/** Would end the process with the terminal as it is. */
const DEADLY = /** @type {const} */ (['SIGHUP', 'SIGQUIT']);

/** Whether the terminal is ours: a process in the background is stopped when it touches it. */
function inForeground() {
  try {
    const [, , pgrp, , , tpgid] = readFileSync('/proc/self/stat', 'latin1').replace(/^.*\) /s, '').split(' ');
    return pgrp === tpgid;
  } catch {
    return true; // no Linux
  }
}

export class Keys {
  #terminal; #onKey; #interrupt;
  #taken = false;
  #stopped = false; // by SIGTSTP
  #over = false;
  #suspend = () => this.#stop();
  #go = () => this.#continue();
  #read = (/** @type {Buffer} */ bytes) => this.#heard(bytes.toString('latin1'));

  /**
   * @param {import('node:tty').ReadStream} terminal @param {(key: string) => void} onKey
   * @param {() => void} interrupt Ctrl-C: in raw mode it is a key like any other
   */
  constructor(terminal, onKey, interrupt) {
    this.#terminal = terminal;
    this.#onKey = onKey;
    this.#interrupt = interrupt;
  }
  start() {
    process.on('SIGTSTP', this.#suspend).on('SIGCONT', this.#go);
    for (const signal of DEADLY) process.on(signal, this.#interrupt);
    this.#terminal.on('data', this.#read).on('error', this.#interrupt).on('end', this.#interrupt); // it was hung up
    this.#terminal.pause();
    this.watch();
  }
  end() {
    this.#over = true;
    this.#release();
    this.#terminal.off('data', this.#read).off('end', this.#interrupt);
    process.off('SIGTSTP', this.#suspend).off('SIGCONT', this.#go);
    for (const signal of DEADLY) process.off(signal, this.#interrupt);
  }
  /** Whether the terminal is ours; takes it when it has become so. To be called now and then. */
  watch() {
    if (this.#taken) return true;
    if (this.#stopped || this.#over || !inForeground()) return false;
    this.#taken = true;
    this.#terminal.setRawMode(true);
    this.#terminal.resume();
    return true;
  }
  #release() {
    if (!this.#taken) return;
    this.#taken = false;
    this.#terminal.setRawMode(false);
    this.#terminal.pause();
  }
  /** @param {string} text */
  #heard(text) {
    for (const key of text.replace(SEQUENCE, '')) {
      if (key === CTRL_C || key === CTRL_BACKSLASH) this.#interrupt();
      else if (key === CTRL_Z) process.kill(0, 'SIGTSTP'); // as the terminal would: all of the job, us included
      else this.#onKey(key);
    }
  }
  /** SIGTSTP: the terminal goes back first, then we stop like any other. */
  #stop() {
    this.#release();
    this.#stopped = true;
    process.off('SIGTSTP', this.#suspend);
    process.kill(process.pid, 'SIGTSTP');
    setTimeout(this.#go, 100).unref(); // with nobody to continue us we were not stopped
  }
  #continue() {
    this.#release(); // somebody may have changed the terminal meanwhile
    if (this.#stopped && !this.#over) process.on('SIGTSTP', this.#suspend);
    this.#stopped = false;
    this.watch();
  }
}
