import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/core/mod.js';
import { systemRandom } from '../../src/system/mod.js';
import { until } from './until.js';

const TOOLS = ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool'] as const;

/** Why no radosgw can be started here, or undefined. */
export function radosgwAbsence(): string | undefined {
  const absent = TOOLS.find((tool) => spawnSync(tool, ['--version']).error !== undefined);
  return absent === undefined
    ? undefined
    : `${absent} is not installed (Debian: radosgw, ceph-mon, ceph-osd)`;
}

/**
 * Ceph's S3 gateway, which checks signatures for real, on the smallest cluster that serves it: one monitor and one
 * object store in memory, all on 127.0.0.1 and below one folder. A start takes 15 to 30 s.
 */
export class Radosgw implements AsyncDisposable {
  readonly endpoint: string;
  readonly credentials = { accessKeyId: 'EDGEMANAGERTEST', secretAccessKey: systemRandom.hex(20) };
  readonly #folder: string;
  readonly #configuration: string;
  readonly #children: ChildProcess[] = [];
  #output = '';

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#configuration = join(folder, 'ceph.conf');
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Radosgw> {
    const folder = await mkdtemp(join(tmpdir(), 'rgw-'));
    const [monitorPort, port] = await freePorts();
    const gateway = new Radosgw(folder, port);
    try {
      await gateway.#start(monitorPort, port);
      return gateway;
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw new Error(`${messageOf(error)}\n${gateway.#output}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(monitorPort: number, port: number): Promise<void> {
    const cluster = uuid();
    for (const name of ['mon', 'osd', 'rgw', 'run']) await mkdir(join(this.#folder, name));
    await writeFile(this.#configuration, configurationOf(this.#folder, cluster, monitorPort, port));
    const map = join(this.#folder, 'monmap');
    const address = `[v2:127.0.0.1:${monitorPort}]`;
    await this.#run('monmaptool', ['--create', '--fsid', cluster, '--addv', 'a', address, map], false);
    await this.#run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map]);
    this.#serve('ceph-mon', ['-f', '-i', 'a']);
    const disk = uuid();
    await this.#run('ceph', ['--connect-timeout', '30', 'osd', 'new', disk]);
    await this.#run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', disk]);
    this.#serve('ceph-osd', ['-f', '-i', '0']);
    this.#serve('radosgw', ['-f', '-n', 'client.rgw']);
    await until(() => this.#answers(), 'radosgw answers', 90_000);
    const { accessKeyId, secretAccessKey } = this.credentials;
    const user = ['user', 'create', '--uid', 'test', '--display-name', 'Test'];
    const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey];
    await this.#run('radosgw-admin', ['-n', 'client.rgw', ...user, ...keys]);
  }

  async #answers(): Promise<boolean> {
    const running = this.#children.every(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    if (!running) throw new Error('A process of the cluster ended');
    return await fetch(this.endpoint, { signal: AbortSignal.timeout(1000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  #spawn(command: string, args: readonly string[], configured = true): ChildProcess {
    const child = spawn(command, [...(configured ? ['--conf', this.#configuration] : []), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.#folder,
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (bytes: Buffer) => (this.#output += bytes.toString()));
    return child;
  }

  #serve(command: string, args: readonly string[]): void {
    this.#children.push(this.#spawn(command, args));
  }

  async #run(command: string, args: readonly string[], configured = true): Promise<void> {
    const child = this.#spawn(command, args, configured);
    const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(60_000) })) as [number | null];
    if (code !== 0) throw new Error(`${command} ended with ${code}`);
  }
}

function configurationOf(folder: string, cluster: string, monitorPort: number, port: number): string {
  // radosgw asks for an encrypted way to the monitor unless told otherwise, which a cluster without keys lacks.
  return `[global]
fsid = ${cluster}
mon host = v2:127.0.0.1:${monitorPort}
public addr = 127.0.0.1
ms bind msgr1 = false
ms mon client mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
auth cluster required = none
auth service required = none
auth client required = none
client mount timeout = 60
mon data = ${folder}/mon
osd data = ${folder}/osd
rgw data = ${folder}/rgw
run dir = ${folder}/run
admin socket = ${folder}/run/$name.$pid.asok
log file = ${folder}/$name.log
osd objectstore = memstore
memstore device bytes = 268435456
osd max object name len = 256
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw run sync thread = false
`;
}

function uuid(): string {
  const hex = systemRandom.hex(16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports: [number, number] = [0, 0];
  for (const [at, server] of servers.entries()) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    ports[at] = typeof address === 'object' && address !== null ? address.port : 0;
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
