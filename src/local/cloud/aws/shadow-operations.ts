import * as api from '@aws-sdk/client-iot-data-plane';
import type { Clock } from '../../../core/mod.js';
import { on } from './bind.js';
import type { BoundOperation } from './http.js';
import { page } from './page.js';
import { CLASSIC, type Shadows } from './shadows.js';

/** Shadows over HTTP, as applications and this module read them. */
export function shadowOperations(shadows: Shadows, clock: Clock): BoundOperation[] {
  return [
    on(api.UpdateThingShadow$, (input: api.UpdateThingShadowRequest) => {
      const bytes = input.payload ?? new Uint8Array();
      return json(shadows.update(input.thingName ?? '', input.shadowName ?? CLASSIC, bytes));
    }),
    on(api.GetThingShadow$, (input: api.GetThingShadowRequest) =>
      json(shadows.get(input.thingName ?? '', input.shadowName ?? CLASSIC)),
    ),
    on(api.DeleteThingShadow$, (input: api.DeleteThingShadowRequest) =>
      json(shadows.delete(input.thingName ?? '', input.shadowName ?? CLASSIC)),
    ),
    on(api.ListNamedShadowsForThing$, (input: api.ListNamedShadowsForThingRequest) => {
      const names = shadows.namesOf(input.thingName ?? '');
      const { items, nextToken } = page('iotdataplane', names, input.pageSize, input.nextToken, 25);
      return { results: [...items], nextToken, timestamp: Math.floor(clock.wallMs() / 1000) };
    }),
  ];
}

function json(document: unknown): { payload: Uint8Array } {
  return { payload: Buffer.from(JSON.stringify(document)) };
}
