import type { IoT } from '@aws-sdk/client-iot';
import { doing, orMissing } from '../aws/mod.js';
import type { Things } from './things.js';

export class AwsThings implements Things {
  readonly #iot: IoT;

  constructor(iot: IoT) {
    this.#iot = iot;
  }

  async thing(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    return orMissing(
      `Cannot read the thing ${name}`,
      async () => (await this.#iot.describeThing({ thingName: name })).attributes ?? {},
    );
  }

  async createThing(name: string, attributes: Readonly<Record<string, string>>): Promise<void> {
    await doing(`Cannot create the thing ${name}`, () =>
      this.#iot.createThing({ thingName: name, attributePayload: { attributes: { ...attributes } } }),
    );
  }

  async deleteThing(name: string): Promise<void> {
    await doing(`Cannot delete the thing ${name}`, () => this.#iot.deleteThing({ thingName: name }));
  }
}
