import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

export interface ProxySettings {
  readonly kind: 'http' | 'https' | 'socks5';
  /** `user:password`; absent: everybody may pass. */
  readonly login?: string;
  /** Ports of this machine that stand for places such as `store.test:443`. */
  readonly targets: Readonly<Record<string, number>>;
  /** Absent: any that is free. */
  readonly port?: number;
  /** PEM, for https. */
  readonly key?: string;
  readonly certificate?: string;
}

/** A forward proxy in a process of its own, which can be gone and come back on the same port. */
export class ForwardProxy implements AsyncDisposable {
  /** What it was asked for, in its order, such as `CONNECT store.test:443`. */
  readonly asked: string[] = [];
  readonly #settings: ProxySettings;
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(settings: ProxySettings) {
    this.#settings = settings;
    this.#port = settings.port ?? 0;
  }

  static async start(settings: ProxySettings): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(settings);
    await proxy.comeBack();
    return proxy;
  }

  /** For the environment, with the right login as it must stand in a URL. */
  get url(): string {
    const { kind, login } = this.#settings;
    const [, user = '', password = ''] = /^(.*?):(.*)$/.exec(login ?? '') ?? [];
    const before = login === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
    return `${kind}://${before}127.0.0.1:${this.#port}`;
  }

  async comeBack(): Promise<void> {
    const settings = { ...this.#settings, port: this.#port };
    const child = fork(
      fileURLToPath(new URL('./proxy-child.js', import.meta.url)),
      [JSON.stringify(settings)],
      {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      },
    );
    this.#child = child;
    let rest = '';
    let isListening = false;
    child.stdout?.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('asked ')) this.asked.push(line.slice('asked '.length));
        const port = /^listening (\d+)$/.exec(line)?.[1];
        if (port === undefined) continue;
        this.#port = Number(port);
        isListening = true;
      }
    });
    await until(() => isListening || child.exitCode !== null, 'the proxy listens');
  }

  /** Ends the process, and with it every connection. */
  async leave(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}
