// A server that answers a request with its body, and closes the connection at once behind the answer without saying so before
// (unless X-Keep is there). Forked; sends its port. Its argument is a file that grows by a byte for each that it has closed.
import { appendFileSync } from 'node:fs';
import net from 'node:net';

const server = net.createServer((socket) => {
  let text = '';
  socket.on('error', () => {}).on('data', (bytes) => {
    text += bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n'), length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (end < 0) return;
    const chunked = /transfer-encoding: chunked/i.test(text);
    if (chunked ? !text.endsWith('0\r\n\r\n') : text.length < end + 4 + length) return;
    const body = chunked ? text.slice(end + 4).split('\r\n').filter((_, i) => i % 2).join('') : text.slice(end + 4);
    const keep = /x-keep/i.test(text);
    text = '';
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    if (!keep) socket.end(() => appendFileSync(process.argv[2], '.'));
  });
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
