// A forward proxy as a process: http and https by CONNECT and plain requests, socks5 by name or address.
import { createServer, request, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import type { ProxySettings } from './forward-proxy.js';

const settings = JSON.parse(process.argv[2] ?? '{}') as ProxySettings;
const { kind, login, targets, port = 0, key, certificate } = settings;

/** The port on this machine that stands for a place in the network; said aloud, for the test to count. */
function portOf(place: string, by: string): number | undefined {
  console.log(`asked ${by} ${place}`);
  return targets[place];
}

function mayPass(headers: IncomingMessage['headers']): boolean {
  if (login === undefined) return true;
  return headers['proxy-authorization'] === `Basic ${Buffer.from(login).toString('base64')}`;
}

const plain: RequestListener = (incoming, outgoing) => {
  const url = new URL(incoming.url ?? '', 'http://nowhere.invalid');
  if (!mayPass(incoming.headers)) return void outgoing.writeHead(407).end();
  const target = portOf(`${url.hostname}:${url.port === '' ? '80' : url.port}`, 'plain');
  if (target === undefined) return void outgoing.writeHead(502).end();
  const { method, headers } = incoming;
  const onward = request(
    { host: '127.0.0.1', port: target, path: `${url.pathname}${url.search}`, method, headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
};

function tunnel(socket: Socket, target: number, greeting: string | Buffer): void {
  const onward = connect(target, '127.0.0.1', () => {
    socket.write(greeting);
    socket.pipe(onward).pipe(socket);
  });
  onward.on('error', () => socket.destroy());
  socket.on('error', () => onward.destroy());
  socket.on('close', () => onward.destroy());
}

function httpProxy(): Server {
  const server = kind === 'https' ? createTlsServer({ key, cert: certificate }, plain) : createServer(plain);
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    socket.on('error', () => undefined);
    if (!mayPass(incoming.headers))
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const target = portOf(incoming.url ?? '', 'CONNECT');
    if (target === undefined) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    tunnel(socket, target, 'HTTP/1.1 200 Connection established\r\n\r\n');
  });
  return server;
}

/** The bytes of a small message, which arrive together on this machine. */
async function message(socket: Socket): Promise<Buffer> {
  return await new Promise((resolve) => socket.once('data', resolve));
}

async function serveSocks(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  const offered = (await message(socket)).subarray(2);
  const method = login === undefined ? 0 : 2;
  if (!offered.includes(method)) return void socket.end(Buffer.from([5, 0xff]));
  socket.write(Buffer.from([5, method]));
  if (login !== undefined) {
    const asked = await message(socket);
    const userLength = asked[1] ?? 0;
    const user = asked.subarray(2, 2 + userLength).toString();
    const password = asked.subarray(3 + userLength).toString();
    if (`${user}:${password}` !== login) return void socket.end(Buffer.from([1, 1]));
    socket.write(Buffer.from([1, 0]));
  }
  const wanted = await message(socket);
  const isName = wanted[3] === 3;
  const end = isName ? 5 + (wanted[4] ?? 0) : 8;
  const host = isName ? wanted.subarray(5, end).toString() : [...wanted.subarray(4, 8)].join('.');
  const target = portOf(`${host}:${wanted.readUInt16BE(end)}`, 'socks5');
  if (target === undefined) return void socket.end(Buffer.from([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]));
  tunnel(socket, target, Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
}

const server = kind === 'socks5' ? createTcpServer((socket) => void serveSocks(socket)) : httpProxy();
server.listen(port, '127.0.0.1', () => console.log(`listening ${(server.address() as AddressInfo).port}`));
process.on('disconnect', () => process.exit(0));
