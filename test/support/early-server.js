// A server that answers as soon as a request's head is here, and closes with the body unread: its kernel resets the connection.
// Forked; it is sent { key, cert } for TLS, {} without, and sends its port. The path says what is answered: /413, /cut, /nothing.
import net from 'node:net';
import tls from 'node:tls';

const ANSWERS = {
  413: 'HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large',
  cut: 'HTTP/1.1 413 Too Large\r\nContent-Length: 100\r\n\r\ntoo',
};
function serve(socket) {
  socket.on('error', () => {});
  socket.once('data', (bytes) => {
    socket.pause();
    const answer = ANSWERS[/^PUT \/(\w+)/.exec(bytes.toString('latin1'))?.[1]];
    if (answer === undefined) socket.destroy();
    else socket.write(answer, () => socket.destroy());
  });
}
process.once('message', (options) => {
  const server = options.key ? tls.createServer(options, serve) : net.createServer(serve);
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
});
process.on('disconnect', () => process.exit());
