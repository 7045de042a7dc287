// A repository is cloned, fetched from and pushed to with git whose git-remote-http is linked against libsluice.a, from Debian's
// own git http-backend on loopback. `node test/git/clone.js GIT-REMOTE-HTTP`: exit 0, or what went wrong. See run.sh.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const helper = resolve(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'sluice-git-'));
const core = execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim();
const exec = join(folder, 'exec');
const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
const login = `Basic ${Buffer.from('me:secret').toString('base64')}`;
const seen = [];

/** git with our helper in the place of the installed one. */
const git = (...args) => promisify(execFile)('git', args, { cwd: folder, env: { ...env, GIT_EXEC_PATH: exec }, encoding: 'utf8', timeout: 120_000 });

/** CGI: what http-backend says goes out as it comes. */
function backend(request, response) {
  const { pathname, search } = new URL(request.url, 'http://localhost');
  seen.push({ agent: request.headers['user-agent'], method: request.method, path: pathname, login: request.headers.authorization });
  if (pathname.startsWith('/private/') && request.headers.authorization !== login) {
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"', 'Content-Length': '0' }).end();
    return;
  }
  const cgi = spawn(join(core, 'git-http-backend'), { env: { ...env, GIT_PROJECT_ROOT: folder, GIT_HTTP_EXPORT_ALL: '1', REMOTE_USER: 'me',
    PATH_INFO: pathname.replace('/private', ''), QUERY_STRING: search.slice(1), REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '', HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: request.headers['git-protocol'] ?? '' } });
  let head = '';
  request.pipe(cgi.stdin).on('error', () => {});
  const onData = (chunk) => {
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const fields = head.slice(0, end).split('\r\n').map((line) => line.split(/: (.*)/s));
    const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(parseInt(status), fields.filter(([name]) => name !== 'Status').flatMap(([name, value]) => [name, value]));
    response.write(Buffer.from(head.slice(end + 4), 'latin1'));
    cgi.stdout.off('data', onData).pipe(response);
  };
  cgi.stdout.on('data', onData);
}

const server = createServer(backend).listen(0, '127.0.0.1');
try {
  execFileSync('mkdir', ['-p', exec]);
  for (const name of readdirSync(core)) if (!name.startsWith('git-remote-http')) symlinkSync(join(core, name), join(exec, name));
  symlinkSync(helper, join(exec, 'git-remote-http'));
  await git('init', '-q', '-b', 'main', 'work');
  await git('-C', 'work', 'config', 'user.email', 'me@localhost');
  await git('-C', 'work', 'config', 'user.name', 'me');
  for (let i = 0; i < 20; i++) {
    writeFileSync(join(folder, 'work', `file-${i}`), randomBytes(200_000)); // 4 MB that cannot be packed smaller
    await git('-C', 'work', 'add', '.');
    await git('-C', 'work', 'commit', '-qm', `commit ${i}`);
  }
  await git('clone', '-q', '--bare', 'work', 'bare.git');
  await git('-C', 'bare.git', 'config', 'http.receivepack', 'true');
  await new Promise((done) => { server.listening ? done() : server.once('listening', done); });
  const { port } = server.address(), head = async (where) => (await git('-C', where, 'rev-parse', 'main')).stdout.trim();

  await git('clone', '-q', `http://127.0.0.1:${port}/bare.git`, 'clone');
  assert.equal(await head('clone'), await head('work'), 'the clone has another head');
  await git('-C', 'clone', 'fsck', '--full', '--strict');
  assert.equal(execFileSync('diff', ['-r', '-x', '.git', join(folder, 'work'), join(folder, 'clone')], { encoding: 'utf8' }), '');
  assert.ok(seen.length >= 2 && seen.every((one) => one.agent?.startsWith('git/')), 'nothing came over HTTP');

  // Credentials: CURLAUTH_ANY asks first (B18), git hands over those of the URL when it is asked.
  seen.length = 0;
  await git('clone', '-q', `http://me:secret@127.0.0.1:${port}/private/bare.git`, 'private');
  assert.equal(await head('private'), await head('work'));
  assert.equal(seen[0].login, undefined, 'credentials went out unasked');
  assert.ok(seen.some((one) => one.login === login));

  // A push larger than git's buffer goes in chunks; then a fetch.
  writeFileSync(join(folder, 'clone', 'more'), randomBytes(3_000_000));
  await git('-C', 'clone', '-c', 'user.email=me@localhost', '-c', 'user.name=me', 'add', '.');
  await git('-C', 'clone', '-c', 'user.email=me@localhost', '-c', 'user.name=me', 'commit', '-qm', 'more');
  await git('-C', 'clone', 'push', '-q', 'origin', 'main');
  assert.equal(await head('bare.git'), await head('clone'), 'the push did not arrive');
  await git('-C', 'private', 'pull', '-q', '--ff-only');
  assert.equal(await head('private'), await head('clone'));
  await assert.rejects(git('clone', '-q', `http://127.0.0.1:${port}/absent.git`, 'absent'), /not found/);
  console.log(`cloned, pushed and fetched over ${seen.length} requests`);
} finally {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}
