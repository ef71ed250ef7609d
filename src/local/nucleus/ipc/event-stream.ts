/** The answering side of one stream. */
export interface EventStream {
  /**
   * Sends an event of shape `aws.greengrass#<shape>`. One that is too long for the nucleus is dropped.
   * A promise only where the nucleus waits for a full connection.
   */
  send(shape: string, body: Uint8Array): void | Promise<void>;
  /** Runs when the client ends the stream or its connection closes. */
  onEnd(cleanup: () => void): void;
}
