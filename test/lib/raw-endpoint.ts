import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeFrame, FrameReader, type Frame } from '../../src/framing/mod.js';
import { KIND, PREAMBLE } from '../../src/ipc/framed/mod.js';
import { until } from './until.js';

/** The other end of the framed face without a client's manners. */
export class RawEndpoint {
  readonly frames: Frame[] = [];
  isClosed = false;
  readonly #socket: Socket;
  readonly #reader = new FrameReader(2 ** 24);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Uint8Array) => this.frames.push(...this.#reader.push(chunk)));
    socket.on('error', () => undefined);
    for (const event of ['end', 'close']) socket.on(event, () => (this.isClosed = true));
  }

  static async connect(path: string): Promise<RawEndpoint> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawEndpoint(socket);
  }

  /** Connected, and past its hello. */
  static async greeted(path: string, hello: object = { protocol: 1 }): Promise<RawEndpoint> {
    const raw = await RawEndpoint.connect(path);
    raw.write(PREAMBLE);
    raw.send({ kind: KIND.hello, id: 0, metadata: hello });
    await raw.frame(KIND.welcome);
    return raw;
  }

  write(bytes: Uint8Array | string): void {
    this.#socket.write(bytes);
  }

  send({
    metadata,
    ...frame
  }: {
    kind: number;
    id: number;
    metadata?: object;
    payload?: Uint8Array[];
  }): void {
    const text = metadata === undefined ? '' : JSON.stringify(metadata);
    this.write(encodeFrame({ ...frame, metadata: Buffer.from(text) }));
  }

  predict(id: number, more: object = {}): void {
    const input = { name: 'x', datatype: 'FP32', shape: [2], bytes: { offset: 0, byteSize: 8 } };
    const metadata = { op: 'predict', model: 'Model', timeoutMs: 60_000, body: { inputs: [input] }, ...more };
    this.send({ kind: KIND.request, id, metadata, payload: [new Uint8Array(8)] });
  }

  /** Bytes that the system has not taken, as the other side does not read. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Reads no more, and so takes no answers. */
  deafen(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The first frame of this kind, and of this request. */
  async frame(kind: number, id?: number): Promise<Frame> {
    const find = (): Frame | undefined =>
      this.frames.find((one) => one.kind === kind && (id === undefined || one.id === id));
    await until(() => find() !== undefined, `a frame of kind ${kind} comes`);
    const found = find();
    if (found === undefined) throw new Error('The frame has gone');
    return found;
  }

  /** The error that ends the connection, and its end. */
  async refusal(): Promise<string> {
    const { metadata } = await this.frame(KIND.error, 0);
    await this.ended();
    return (JSON.parse(Buffer.from(metadata).toString()) as { reason: string }).reason;
  }

  /** The agent's side has closed. */
  async ended(): Promise<void> {
    this.#socket.resume();
    await until(() => this.isClosed, 'the connection ends');
    this.close();
  }
}
