// emscripten.js: the JavaScript library (--js-library) that lends a host to C programs compiled with Emscripten: the
// door's functions (c/include/sluice/host.h) over js/hosts/fetch.js (libsluice.js) or js/hosts/node.js (libsluice-node.js),
// which `./build.sh emscripten` puts in with what it imports. The program is suspended in sl_wait; without -sASYNCIFY or
// -sJSPI it could not be.
if (!ASYNCIFY) error('libsluice waits for the network: link with -sASYNCIFY, or with -sJSPI where that can be had');
if (!WASM_BIGINT) error('libsluice has 64-bit numbers in its interface: link with -sWASM_BIGINT');
if (MEMORY64) error('libsluice has 32-bit pointers: link without -sMEMORY64');
if (USE_CLOSURE_COMPILER) error('libsluice looks properties up by name, which the Closure Compiler renames: link without --closure 1');

addToLibrary({
  // The modules, in functions: nothing of theirs is visible outside.
  $sluiceModules: () => {
    var modules = {/* MODULES */};
    var made = {};
    var __importStar = (module) => module;
    var __importDefault = (module) => ({ default: module });
    var require = (name) => {
      if (name.startsWith('node:')) return process.getBuiltinModule(name);
      if (!made[name]) modules[name](made[name] = {}, require, __importStar, __importDefault);
      return made[name];
    };
    return require;
  },
  // One a program, made when it first calls. A page outlives its program: what that left open when it exits is closed then.
  $sluiceDoor__deps: ['$sluiceModules'],
  $sluiceDoor__postset: () => {
    addAtExit('sluiceDoor.host?.close();');
  },
  $sluiceDoor: () => {
    if (!sluiceDoor.door) {
      var require = sluiceModules();
      sluiceDoor.host = /* HOST */;
      sluiceDoor.door = require('hosts/blocking.js').blockingDoor(sluiceDoor.host, () => HEAPU8);
    }
    return sluiceDoor.door;
  },

  sl_wait__deps: ['$sluiceDoor', '$Asyncify'],
  sl_wait__sig: 'ippij',
  sl_wait__async: true,
#if ASYNCIFY == 1
  sl_wait: (loop, ev, cap, timeout) => Asyncify.handleSleep((wakeUp) => {
    var n = sluiceDoor().sl_wait(loop, ev, cap, timeout);
    if (typeof n == 'number') wakeUp(n); // at once: nothing is suspended
    else n.then(wakeUp);
  }),
#else
  sl_wait: (loop, ev, cap, timeout) => {
    var n = sluiceDoor().sl_wait(loop, ev, cap, timeout);
    return typeof n == 'number' ? n : Asyncify.handleAsync(() => n);
  },
#endif

  sl_now_us__deps: ['$sluiceDoor'],
  sl_now_us__sig: 'jp',
  sl_now_us: (loop) => sluiceDoor().sl_now_us(loop),
  sl_unix_ms__deps: ['$sluiceDoor'],
  sl_unix_ms__sig: 'jp',
  sl_unix_ms: (loop) => sluiceDoor().sl_unix_ms(loop),
  sl_random__deps: ['$sluiceDoor'],
  sl_random__sig: 'vppi',
  sl_random: (loop, buf, n) => sluiceDoor().sl_random(loop, buf, n),
  sl_open__deps: ['$sluiceDoor'],
  sl_open__sig: 'ipipi',
  sl_open: (loop, kind, spec, len) => sluiceDoor().sl_open(loop, kind, spec, len),
  sl_start_tls__deps: ['$sluiceDoor'],
  sl_start_tls__sig: 'iipi',
  sl_start_tls: (ch, spec, len) => sluiceDoor().sl_start_tls(ch, spec, len),
  sl_recv__deps: ['$sluiceDoor'],
  sl_recv__sig: 'iipi',
  sl_recv: (ch, buf, cap) => sluiceDoor().sl_recv(ch, buf, cap),
  sl_unrecv__deps: ['$sluiceDoor'],
  sl_unrecv__sig: 'iii',
  sl_unrecv: (ch, n) => sluiceDoor().sl_unrecv(ch, n),
  sl_move__deps: ['$sluiceDoor'],
  sl_move__sig: 'iiii',
  sl_move: (ch, sink, max) => sluiceDoor().sl_move(ch, sink, max),
  sl_send__deps: ['$sluiceDoor'],
  sl_send__sig: 'iipi',
  sl_send: (ch, buf, len) => sluiceDoor().sl_send(ch, buf, len),
  sl_move_out__deps: ['$sluiceDoor'],
  sl_move_out__sig: 'iiii',
  sl_move_out: (ch, source, max) => sluiceDoor().sl_move_out(ch, source, max),
  sl_info__deps: ['$sluiceDoor'],
  sl_info__sig: 'iiipi',
  sl_info: (ch, what, buf, cap) => sluiceDoor().sl_info(ch, what, buf, cap),
  sl_want__deps: ['$sluiceDoor'],
  sl_want__sig: 'vii',
  sl_want: (ch, events) => sluiceDoor().sl_want(ch, events),
  sl_close__deps: ['$sluiceDoor'],
  sl_close__sig: 'vii',
  sl_close: (ch, how) => sluiceDoor().sl_close(ch, how),
});
