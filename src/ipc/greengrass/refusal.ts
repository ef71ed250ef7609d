import type { JsonObject } from '../../core/mod.js';

/** What a nucleus said where it did not carry a request out. */
export class NucleusRefusal extends Error {
  override readonly name = 'NucleusRefusal';
  /** The error's shape without its prefix, such as `UnauthorizedError`; undefined where it is plain text. */
  readonly shape: string | undefined;
  readonly body: JsonObject;

  constructor(shape: string | undefined, body: JsonObject, text: string) {
    super(text);
    this.shape = shape;
    this.body = body;
  }
}
