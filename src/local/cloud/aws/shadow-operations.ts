import * as api from '@aws-sdk/client-iot-data-plane';
import { on } from './bind.js';
import type { BoundOperation } from './http.js';
import type { Shadows } from './shadows.js';

/** Named shadows over HTTP, as applications and this module read them. */
export function shadowOperations(shadows: Shadows): BoundOperation[] {
  return [
    on(api.UpdateThingShadow$, (input: api.UpdateThingShadowRequest) => {
      const bytes = input.payload ?? new Uint8Array();
      return json(shadows.update(input.thingName ?? '', input.shadowName ?? 'classic', bytes));
    }),
    on(api.GetThingShadow$, (input: api.GetThingShadowRequest) =>
      json(shadows.get(input.thingName ?? '', input.shadowName ?? 'classic')),
    ),
  ];
}

function json(document: unknown): { payload: Uint8Array } {
  return { payload: Buffer.from(JSON.stringify(document)) };
}
