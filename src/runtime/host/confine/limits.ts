/** A limit of the kernel, by its number (the same on x64 and arm64), lowered for good. */
export interface Limit {
  readonly resource: number;
  readonly most: bigint;
}

/**
 * - No core file: it would hold tensors and weights.
 * - 256 descriptors: a host at work has some 25.
 * - No file beyond 4 GiB: more than a compiled graph or a region of tensors can take.
 *
 * Address space is not limited, as V8 and ONNX Runtime reserve more than they use (`maxHostMb` limits what is used);
 * nor processes, which the kernel counts by user: the limit would be shared with all other components.
 */
export const HOST_LIMITS: readonly Limit[] = [
  { resource: 4, most: 0n },
  { resource: 7, most: 256n },
  { resource: 1, most: 4n * 2n ** 30n },
];
