// node:net as it is mostly used: 'data' events.
import { socketPeer } from './net.js';

export default (setup) => socketPeer(setup, (socketOptions) => socketOptions);
