import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { answerParent } from '../../../examples/floors/child.js';
import { paced } from '../../../examples/floors/mod.js';
import { answerRaw, RawCaller, type RawQuestion } from './raw-echo.js';

/**
 * A raw echo's end in a process of its own. `raw-process.js serve SOCKET` answers on a unix socket, `call SOCKET`
 * measures against it, `pipe` answers on its standard input and output.
 */
const [role, path = ''] = process.argv.slice(2);
if (role === 'pipe') {
  answerRaw(process.stdin, process.stdout);
} else if (role === 'serve') {
  const server = createServer((socket) => answerRaw(socket, socket)).listen(path);
  await once(server, 'listening');
  answerParent(() => Promise.resolve(0));
} else {
  const socket = connect(path);
  await once(socket, 'connect');
  const caller = new RawCaller(socket, socket);
  answerParent((question: RawQuestion) => paced(question, () => caller.call(question)));
}
