// js/types.js: types of the platform's things that both Node.js' and a page's declarations have, whichever of them a program
// is checked with: nobody needs TypeScript's DOM library, or @types/node, to use this package.

/**
 * Either's MessagePort.
 * @typedef {typeof globalThis extends { MessagePort: { prototype: infer P } } ? P : { postMessage(message: unknown): void, start(): void, close(): void }} Port
 *
 * A WebAssembly.Module, where its type is declared.
 * @typedef {typeof globalThis extends { WebAssembly: { Module: { prototype: infer M } } } ? M : object} Module
 *
 * @typedef {Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>} HeadersLike
 *
 * What dns.lookup() is, as far as it is used.
 * @typedef {(hostname: string, options: any, callback: (error: Error | null, address: any, family?: any) => void) => void} Lookup
 *
 * @typedef {{ capture?: boolean, once?: boolean, passive?: boolean, signal?: AbortSignal }} ListenerOptions
 */
/** @template T @typedef {Event & { readonly detail: T }} TransferEvent a CustomEvent */
/** @template T, [E=Event] @typedef {((this: T, event: E) => unknown) | { handleEvent(event: E): unknown } | null} Listener */

export {};
