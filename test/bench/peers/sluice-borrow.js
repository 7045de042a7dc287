// Sluice in Node, onData lent its chunks.
import sluice from './sluice.js';

export default (setup) => sluice(setup, { borrow: true });
