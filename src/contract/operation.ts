import type { TObject } from '@sinclair/typebox';

/**
 * One operation of the wire: its topic, request and reply. Both ends and the tests share it. Every operation may be
 * sent again under the same id: the agent then gives the same answer and does not act twice.
 */
export interface Operation<Request extends TObject = TObject, Reply extends TObject = TObject> {
  readonly op: string;
  /** What it is for, in a few words. */
  readonly summary: string;
  /** The topic of a request; predict has one per model. */
  readonly topic: string;
  /**
   * The same request is sent again where no reply has come for this long (doubling each time), as Greengrass loses
   * messages in silence. Longer than the agent takes as a rule.
   */
  readonly resendAfterMs: number;
  readonly request: Request;
  readonly reply: Reply;
}

/** Keeps the precise types of request and reply. */
export function operation<Request extends TObject, Reply extends TObject>(
  one: Operation<Request, Reply>,
): Operation<Request, Reply> {
  return one;
}
