import type { IoTDataPlane } from '@aws-sdk/client-iot-data-plane';
import { isJsonObject, type JsonObject } from '../../../src/core/mod.js';
import { doing, orMissing } from '../aws/mod.js';
import type { Shadows } from './shadows.js';

export class AwsShadows implements Shadows {
  readonly #data: IoTDataPlane;

  constructor(data: IoTDataPlane) {
    this.#data = data;
  }

  async reported(thing: string, shadow: string): Promise<JsonObject | undefined> {
    return orMissing(
      `Cannot read the shadow ${shadow} of ${thing}`,
      async () => {
        const { payload } = await this.#data.getThingShadow({ thingName: thing, shadowName: shadow });
        const document = JSON.parse(Buffer.from(payload ?? new Uint8Array()).toString()) as unknown;
        const state = isJsonObject(document) ? document['state'] : undefined;
        const reported = isJsonObject(state) ? state['reported'] : undefined;
        return isJsonObject(reported) ? reported : {};
      },
      'iot:GetThingShadow',
    );
  }

  async report(thing: string, shadow: string, reported: JsonObject): Promise<void> {
    await doing(
      `Cannot write the shadow ${shadow} of ${thing}`,
      () =>
        this.#data.updateThingShadow({
          thingName: thing,
          shadowName: shadow,
          payload: Buffer.from(JSON.stringify({ state: { reported } })),
        }),
      'iot:UpdateThingShadow',
    );
  }
}
