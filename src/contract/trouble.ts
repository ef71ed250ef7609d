import { Type, type Static } from '@sinclair/typebox';

const MESSAGE_MAX_CHARS = 200;

/** What the fleet is told of an error: its code, one sentence, and the wall time in milliseconds. */
export const Trouble = Type.Object({
  code: Type.String({ maxLength: 64 }),
  message: Type.String({ maxLength: MESSAGE_MAX_CHARS }),
  atMs: Type.Number(),
});
export type Trouble = Static<typeof Trouble>;

/** @param error such as an EdgeError; a long sentence is cut */
export function troubleOf(error: { readonly code: string; readonly message: string }, atMs: number): Trouble {
  return { code: error.code, message: error.message.slice(0, MESSAGE_MAX_CHARS), atMs };
}
