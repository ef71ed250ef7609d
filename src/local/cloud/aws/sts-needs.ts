import type { NeedsTable } from './needs.js';

/** Who one is may be asked without any right. */
export const STS_NEEDS: NeedsTable = { GetCallerIdentity: () => [] };
