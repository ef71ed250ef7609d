import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { answerParent } from '../../../examples/floors/child.js';
import type { Calls, CallsAnswer } from './servers.js';

/** A client of an HTTP server on a unix socket, one connection kept: `http-caller.js SOCKET`. */
export interface HttpQuestion extends Calls {
  /** Holds the body. */
  readonly file: string;
}
export type HttpAnswer = CallsAnswer;

const socketPath = process.argv[2] ?? '';
const agent = new Agent({ keepAlive: true });

answerParent(async ({ count, pauseMs = 0, act, timeoutMs, file }: HttpQuestion): Promise<HttpAnswer> => {
  const body = readFileSync(file);
  const samplesMs: number[] = [];
  for (let index = 0; index < count; index++) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const begunMs = performance.now();
    if (await post(`/${act}`, body, timeoutMs)) samplesMs.push(performance.now() - begunMs);
  }
  return { samplesMs };
});

/** @returns false where the time was up first */
function post(path: string, body: Buffer, timeoutMs: number | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': body.length };
    const asked = request({ socketPath, agent, method: 'POST', path, headers }, (response) => {
      response.on('data', () => undefined);
      response.on('end', () => {
        clearTimeout(timer);
        if (response.statusCode === 200) resolve(true);
        else reject(new Error(`The peer answered HTTP ${response.statusCode}`));
      });
    });
    let late = false;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            asked.destroy();
            resolve(false);
          }, timeoutMs);
    asked.on('error', (error) => (late ? undefined : reject(error)));
    asked.end(body);
  });
}
