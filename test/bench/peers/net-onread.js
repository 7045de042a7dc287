// node:net with one fixed receive buffer (`onread`): the floor of what JavaScript can do.
import { socketPeer } from './net.js';

export default (setup) => {
  const buffer = Buffer.allocUnsafeSlow(65536);
  return socketPeer(setup, (socketOptions, onBytes) => ({
    ...socketOptions,
    onread: { buffer, callback: (n, bytes) => onBytes(bytes.subarray(0, n)) !== false },
  }));
};
