import type { FileRegion } from '../../contract/mod.js';
import type { FileOwner, FilePort } from '../../ipc/mod.js';
import { AsyncExchangeFolder, folderUnknown } from '../host/port/mod.js';
import type { Exchange } from './exchange.js';

/** What the control process itself reads and writes in the exchange folders of callers. */
export class SharedFiles implements FilePort {
  readonly #exchange: Pick<Exchange, 'folderOf'>;

  constructor(exchange: Pick<Exchange, 'folderOf'>) {
    this.#exchange = exchange;
  }

  async read(owner: FileOwner, region: FileRegion, field: string): Promise<Uint8Array> {
    return await this.#folderOf(owner, field).read(region, field);
  }

  async write(owner: FileOwner, region: FileRegion, bytes: Uint8Array, field: string): Promise<FileRegion> {
    return await this.#folderOf(owner, field).write(region, bytes, field);
  }

  #folderOf({ client, caller }: FileOwner, field: string): AsyncExchangeFolder {
    const folder = this.#exchange.folderOf(client, caller);
    if (folder === undefined) throw folderUnknown(field);
    return new AsyncExchangeFolder(folder);
  }
}
