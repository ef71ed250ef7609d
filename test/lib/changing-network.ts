import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Receipt, spoolFolders } from '../../src/capture/mod.js';
import { validate } from '../../src/core/mod.js';
import { systemClock, systemRandom } from '../../src/system/mod.js';
import type { S3Credentials } from '../../src/local/cloud/s3/mod.js';
import type { DeviceCredentials } from '../../src/local/nucleus/mod.js';
import { FaultDevice } from './fault-device.js';
import { ForwardProxy } from './forward-proxy.js';
import { FrontServer, type FrontAnswer } from './front-server.js';
import { makeAuthority, tlsBefore, type PrivateAuthority, type TlsFront } from './private-authority.js';
import { startTestS3, TEST_BUCKET, type TestS3 } from './s3.js';

const STORE = 'store.test';
const LOGIN = 'plant:p:ss/w@rd%1';
const page: FrontAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<html><head><title>Welcome</title></head><body>Please log in</body></html>',
};

function elsewhere(status: number, code: string): FrontAnswer {
  const region = '<Region>eu-central-1</Region>';
  return {
    status,
    headers: { 'content-type': 'application/xml', 'x-amz-bucket-region': 'eu-central-1' },
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message>${region}</Error>`,
  };
}

/** One way in which the network goes wrong. */
export interface Trouble {
  readonly name: string;
  /** What the uploader's log must say of it. */
  readonly reason: RegExp;
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
}

/**
 * A device whose captures go out through a forward proxy that wants a password, to a store behind TLS of a private
 * authority, with keys of the nucleus's token exchange: uploader → proxy process → TLS → whoever answers → local S3.
 * Each part can go wrong and come right again.
 */
export class ChangingNetwork implements AsyncDisposable {
  readonly s3: TestS3;
  readonly device: FaultDevice;
  /** Of the proxy and of all keys that were handed out: none may stand in a log. */
  readonly secrets: readonly string[];
  readonly #parts: Parts;
  #touches = 0;

  private constructor(parts: Parts, device: FaultDevice) {
    this.#parts = parts;
    this.device = device;
    this.s3 = parts.s3;
    this.secrets = parts.keys.secrets;
  }

  static async create(): Promise<ChangingNetwork> {
    const keys = new Keys();
    const s3 = await startTestS3({ credentials: (id) => keys.find(id) });
    const front = await FrontServer.start(s3.s3.endpoint);
    const trusted = await makeAuthority([`DNS:${STORE}`]);
    const stranger = await makeAuthority([`DNS:${STORE}`]);
    const tls = await tlsBefore(front.endpoint, trusted);
    const proxy = await ForwardProxy.start({
      kind: 'http',
      login: LOGIN,
      targets: { [`${STORE}:443`]: tls.port },
    });
    const device = await FaultDevice.create({
      s3,
      access: {
        configuration: {
          endpoint: `https://${STORE}`,
          caFile: trusted.caFile,
          region: 'eu-west-1',
          requestTimeoutSeconds: 1,
        },
        environment: { HTTPS_PROXY: proxy.url, NO_PROXY: '.invalid' },
        credentials: async () => keys.next(),
      },
    });
    return new ChangingNetwork({ s3, keys, front, trusted, stranger, tls, proxy }, device);
  }

  troubles(): readonly Trouble[] {
    const { front, proxy, tls, trusted, stranger, s3, keys } = this.#parts;
    const answering = (name: string, answer: FrontAnswer, reason: RegExp): Trouble => ({
      name,
      reason,
      begin: () => void (front.answer = () => answer),
      end: () => void (front.answer = undefined),
    });
    const failing = (
      name: string,
      fault: Parameters<typeof s3.s3.setFaults>[0],
      reason: RegExp,
    ): Trouble => ({
      name,
      reason,
      begin: () => s3.s3.setFaults(fault),
      end: () => s3.s3.setFaults(undefined),
    });
    return [
      {
        name: 'the proxy is gone',
        reason: /the proxy http:\/\/127\.0\.0\.1:\d+ cannot be reached/,
        begin: async () => await proxy.leave(),
        end: async () => await proxy.comeBack(),
      },
      answering('a captive portal', page, /as a captive portal or a proxy does/),
      this.#mended(
        answering('301 of another region', elsewhere(301, 'PermanentRedirect'), /region eu-central-1/),
      ),
      failing(
        '503',
        () => ({ kind: 'status', status: 503, code: 'SlowDown', retryAfterSeconds: 1 }),
        /SlowDown/,
      ),
      this.#mended(
        answering(
          '400 of another region',
          elsewhere(400, 'AuthorizationHeaderMalformed'),
          /region eu-central-1/,
        ),
      ),
      failing('a store that hangs', () => ({ kind: 'hang' }), /cannot be reached or has trouble/),
      this.#mended(
        failing('501', () => ({ kind: 'status', status: 501, code: 'NotImplemented' }), /501 NotImplemented/),
      ),
      {
        name: 'expired keys',
        reason: /credentials are missing, expired/,
        begin: () => keys.expire(),
        end: () => keys.renew(),
      },
      {
        name: 'TLS of a stranger',
        reason: /does not trust/,
        begin: () => tls.show(stranger),
        end: () => tls.show(trusted),
      },
      {
        name: 'a name without address',
        reason: /the name of the host has no address/,
        begin: async () => await this.device.configureUploader({ endpoint: 'https://nowhere.invalid' }),
        end: async () => await this.device.configureUploader({ endpoint: `https://${STORE}` }),
      },
      failing(
        'answers that are lost',
        ({ index, method }) =>
          method === 'PUT' && index % 2 === 0 ? { kind: 'store-then-drop' } : undefined,
        /cannot be reached or has trouble/,
      ),
    ];
  }

  /** A receipt says of objects that they were uploaded which are not in the store: how many such objects. */
  async unprovenReceipts(): Promise<number> {
    const { done } = spoolFolders(join(this.device.bench.workFolder, 'spool'));
    const files = (await readdir(done)).filter((name) => name.endsWith('.receipt'));
    const receipts = await Promise.all(
      // The agent puts receipts together meanwhile.
      files.map(async (file) => await readFile(join(done, file), 'utf8').catch(() => undefined)),
    );
    const there = new Map(this.s3.s3.objects(TEST_BUCKET).map(({ key, sizeBytes }) => [key, sizeBytes]));
    return receipts
      .filter((text) => text !== undefined)
      .flatMap((text) => validate(Receipt, JSON.parse(text), 'Cannot read a receipt').objects)
      .filter(({ outcome, key, sizeBytes }) => outcome === 'uploaded' && there.get(key) !== sizeBytes).length;
  }

  /** A store that refuses the device is asked every five minutes only: whoever mends it deploys a configuration. */
  #mended(trouble: Trouble): Trouble {
    return {
      ...trouble,
      end: async () => {
        await trouble.end();
        await this.device.configureUploader({ scanPeriodSeconds: 1 + (++this.#touches % 2) });
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { proxy, tls, front, trusted, stranger } = this.#parts;
    await this.device[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await tls[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
    await trusted[Symbol.asyncDispose]();
    await stranger[Symbol.asyncDispose]();
  }
}

interface Parts {
  readonly s3: TestS3;
  readonly keys: Keys;
  readonly front: FrontServer;
  readonly trusted: PrivateAuthority;
  readonly stranger: PrivateAuthority;
  readonly tls: TlsFront;
  readonly proxy: ForwardProxy;
}

/** The device role's keys: new ones at each request, all of them expired while they are said to be. */
class Keys {
  readonly secrets: string[] = [LOGIN.slice(LOGIN.indexOf(':') + 1), Buffer.from(LOGIN).toString('base64')];
  readonly #known = new Map<string, S3Credentials>();
  #areExpired = false;
  #validFrom = 0;

  next(): DeviceCredentials {
    const number = String(this.#known.size).padStart(6, '0');
    const key = {
      accessKeyId: `AKIDCHANGE${number}`,
      secretAccessKey: systemRandom.hex(20),
      sessionToken: systemRandom.hex(32),
    };
    this.#known.set(key.accessKeyId, key);
    this.secrets.push(key.secretAccessKey, key.sessionToken);
    return { ...key, expiration: new Date(systemClock.wallMs() + 3_600_000) };
  }

  find(accessKeyId: string): S3Credentials | undefined {
    const key = this.#known.get(accessKeyId);
    const isOld = Number(accessKeyId.slice(-6)) < this.#validFrom;
    return key !== undefined && (this.#areExpired || isOld) ? { ...key, expiration: new Date(0) } : key;
  }

  expire(): void {
    this.#areExpired = true;
  }

  /** What was handed out meanwhile stays expired. */
  renew(): void {
    this.#areExpired = false;
    this.#validFrom = this.#known.size;
  }
}
