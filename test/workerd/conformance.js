// The worker that runs the conformance scenarios it is sent.
import { Multi, Transfer, nodeHost } from 'sluice';
import { runScenarios } from '../conformance/runner.js';

export default {
  async fetch(request) {
    const { sockets, ...given } = await request.json();
    return Response.json(await runScenarios({ Transfer, Multi, ...given, makeMulti: () => new Multi(sockets ? { host: nodeHost() } : {}) }));
  },
};
